#include "cuda/cuda_resources.hpp"
#include "cuda/histogram_kernel.hpp"

namespace cnnc::gpu {
namespace {

/// As the block of a GPU runs a phase: this thread's share, then a barrier.
struct EachThread {
  Thread& thread;
  template <class Phase>
  CNNC_HOST_DEVICE void operator()(Phase phase) {
    phase(thread);
#ifdef __CUDA_ARCH__
    __syncthreads();
#endif
  }
};

template <class Count>
__global__ void __launch_bounds__(kThreads, 2) histogram_kernel(Batch<Count> batch) {
  extern __shared__ Bytes16 shared[];
  auto* const images = reinterpret_cast<std::uint32_t*>(shared);
  const BlockMemory memory{reinterpret_cast<std::uint8_t*>(images + kTeams * kImageWords), images};
  const Task task = batch.tasks[blockIdx.x];
  Thread thread(threadIdx.x, task);
  EachThread each_thread{thread};
  run_block(batch, task, memory, each_thread);
}

}  // namespace

template <class Count>
void launch_histograms(const Batch<Count>& batch, std::size_t blocks, cudaStream_t stream) {
  const std::size_t shared_bytes = kImagesBytes + batch.slice_cells;
  check(cudaFuncSetAttribute(histogram_kernel<Count>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shared_bytes)),
        "cudaFuncSetAttribute");
  check(cudaFuncSetAttribute(histogram_kernel<Count>, cudaFuncAttributePreferredSharedMemoryCarveout,
                             cudaSharedmemCarveoutMaxShared),
        "cudaFuncSetAttribute");
  histogram_kernel<Count><<<static_cast<unsigned>(blocks), kThreads, shared_bytes, stream>>>(batch);
  check(cudaGetLastError(), "Starting the histogram kernel");
}

template void launch_histograms(const Batch<std::uint8_t>&, std::size_t, cudaStream_t);
template void launch_histograms(const Batch<std::uint16_t>&, std::size_t, cudaStream_t);
template void launch_histograms(const Batch<std::uint32_t>&, std::size_t, cudaStream_t);
template void launch_histograms(const Batch<float>&, std::size_t, cudaStream_t);

}  // namespace cnnc::gpu

#include "cuda/training_kernels.hpp"

#include "cuda/cuda_resources.hpp"
#include "cuda/gpu_block.hpp"

namespace cnnc::gpu {
namespace {

/// Threads of blocks in which each computes by itself.
constexpr unsigned kPlainThreads = 256;

unsigned blocks_for(std::uint64_t items, unsigned per_block) {
  return static_cast<unsigned>((items + per_block - 1) / per_block);
}

template <class Pass>
__global__ void __launch_bounds__(kPlainThreads) items_kernel(Pass pass) {
  const std::uint64_t item = std::uint64_t{blockIdx.x} * kPlainThreads + threadIdx.x;
  if (item < pass.size()) pass.run(item);
}

template <class Pass>
__global__ void __launch_bounds__(kPlainThreads) warps_kernel(Pass pass) {
  const std::uint32_t warp = blockIdx.x * (kPlainThreads / kWarp) + threadIdx.x / kWarp;
  if (warp < pass.warps()) pass.run_warp(warp);
}

template <class Sum>
__global__ void __launch_bounds__(Sum::kThreads, 3) blocks_kernel(Sum sum) {
  __shared__ __align__(16) std::uint32_t shared[Sum::kSharedBytes / 4];
  GpuBlock block;
  sum.run(blockIdx.x, shared, block);
}

template <std::uint32_t kRows, class T>
__global__ void __launch_bounds__(kWeightThreads, 2) weights_kernel(WeightBatch<T> batch) {
  extern __shared__ __align__(16) std::uint32_t patch[];
  GpuBlock block;
  run_weights<kRows>(batch, blockIdx.x, patch, block);
}

constexpr const char* kStarting = "Starting a kernel of a training step";

}  // namespace

template <class Pass>
void launch_items(const Pass& pass, cudaStream_t stream) {
  if (pass.size() == 0) return;
  items_kernel<<<blocks_for(pass.size(), kPlainThreads), kPlainThreads, 0, stream>>>(pass);
  check(cudaGetLastError(), kStarting);
}

template <class Pass>
void launch_warps(const Pass& pass, cudaStream_t stream) {
  warps_kernel<<<blocks_for(pass.warps(), kPlainThreads / kWarp), kPlainThreads, 0, stream>>>(pass);
  check(cudaGetLastError(), kStarting);
}

template <class Sum>
void launch_blocks(const Sum& sum, cudaStream_t stream) {
  blocks_kernel<<<sum.blocks(), Sum::kThreads, 0, stream>>>(sum);
  check(cudaGetLastError(), kStarting);
}

template <class T>
void launch_weights(const WeightPlan<T>& plan, const WeightBatch<T>& batch, cudaStream_t stream) {
  with_row_tiles(plan.tile.row_tiles, [&]<std::uint32_t kRows>() {
    const auto kernel = weights_kernel<kRows, T>;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(plan.shared_bytes())),
          "cudaFuncSetAttribute");
    kernel<<<plan.blocks(batch.images), kWeightThreads, plan.shared_bytes(), stream>>>(batch);
  });
  check(cudaGetLastError(), kStarting);
}

#define CNNC_TRAINING_KERNELS(T)                                                                  \
  template void launch_items(const PointwiseForth<T>&, cudaStream_t);                             \
  template void launch_items(const PointwiseBack<T>&, cudaStream_t);                              \
  template void launch_items(const HeadSums<T>&, cudaStream_t);                                   \
  template void launch_items(const PackWeights<T>&, cudaStream_t);                                \
  template void launch_items(const StoreImages<T>&, cudaStream_t);                                \
  template void launch_warps(const HeadTraining<T>&, cudaStream_t);                               \
  template void launch_blocks(const ChannelSums<Moments<T>>&, cudaStream_t);                      \
  template void launch_blocks(const ChannelSums<DerivativeSum<T>>&, cudaStream_t);                \
  template void launch_blocks(const ChannelSums<NormSum<T>>&, cudaStream_t);                      \
  template void launch_weights(const WeightPlan<T>&, const WeightBatch<T>&, cudaStream_t);

CNNC_TRAINING_KERNELS(float)
CNNC_TRAINING_KERNELS(Bf16)
#undef CNNC_TRAINING_KERNELS

template void launch_items(const CheckGradients&, cudaStream_t);
template void launch_items(const UpdateParameters&, cudaStream_t);
template void launch_blocks(const ChannelFinish<FinishMoments>&, cudaStream_t);
template void launch_blocks(const ChannelFinish<FinishNorm>&, cudaStream_t);
template void launch_blocks(const ChannelFinish<FinishBias>&, cudaStream_t);
template void launch_blocks(const CollectSums&, cudaStream_t);
template void launch_blocks(const TotalLoss&, cudaStream_t);

}  // namespace cnnc::gpu

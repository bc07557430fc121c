#include "cuda/cuda_resources.hpp"
#include "cuda/gpu_block.hpp"
#include "cuda/network_kernels.hpp"

namespace cnnc::gpu {
namespace {

/// Threads of blocks in which each computes by itself.
constexpr unsigned kPlainThreads = 256;

unsigned blocks_for(std::uint64_t items, unsigned per_block) {
  return static_cast<unsigned>((items + per_block - 1) / per_block);
}

template <std::uint32_t kUnits, std::uint32_t kTiles, class T>
__global__ void __launch_bounds__(kProductThreads, 2) product_kernel(ProductBatch<T> batch) {
  extern __shared__ __align__(16) std::uint32_t patch[];
  GpuBlock block;
  run_product<kUnits, kTiles>(batch, blockIdx.x, patch, block);
}

template <class T>
__global__ void __launch_bounds__(kPlainThreads) pointwise_kernel(PointwiseBatch<T> batch) {
  const std::uint64_t index = std::uint64_t{blockIdx.x} * kPlainThreads + threadIdx.x;
  if (index < batch.size()) run_pointwise(batch, index);
}

template <class T>
__global__ void __launch_bounds__(kPlainThreads) head_kernel(HeadBatch<T> batch) {
  const std::uint32_t image = blockIdx.x * (kPlainThreads / kWarp) + threadIdx.x / kWarp;
  if (image < batch.images) run_head(batch, image);
}

template <class T, class Count>
__global__ void __launch_bounds__(kImageThreads) image_kernel(ImageBatch<T, Count> batch) {
  __shared__ ImageMemory memory;
  run_image(batch, blockIdx.x, memory, [](auto phase) {
    phase(threadIdx.x);
    __syncthreads();
  });
}

template <class T>
__global__ void __launch_bounds__(kPlainThreads) store_kernel(const float* from, T* to, Layout layout, std::uint64_t size) {
  const std::uint64_t index = std::uint64_t{blockIdx.x} * kPlainThreads + threadIdx.x;
  if (index >= size) return;
  const std::uint32_t stored = layout.stored();
  const std::uint32_t channel = static_cast<std::uint32_t>(index % stored);
  store_one(to[index], channel < layout.channels ? from[index / stored * layout.channels + channel] : 0.0F);
}

}  // namespace

template <class T>
void launch_product(const ProductPlan<T>& plan, const ProductBatch<T>& batch, cudaStream_t stream) {
  with_cut(plan.cut, [&]<std::uint32_t kUnits, std::uint32_t kTiles>() {
    const auto kernel = product_kernel<kUnits, kTiles, T>;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(plan.shared_bytes())),
          "cudaFuncSetAttribute");
    kernel<<<plan.blocks(batch.images), kProductThreads, plan.shared_bytes(), stream>>>(batch);
  });
  check(cudaGetLastError(), "Starting the kernel of a layer");
}

template <class T>
void launch_pointwise(const PointwiseBatch<T>& batch, cudaStream_t stream) {
  pointwise_kernel<<<blocks_for(batch.size(), kPlainThreads), kPlainThreads, 0, stream>>>(batch);
  check(cudaGetLastError(), "Starting the kernel of a layer");
}

template <class T>
void launch_head(const HeadBatch<T>& batch, cudaStream_t stream) {
  head_kernel<<<blocks_for(batch.images, kPlainThreads / kWarp), kPlainThreads, 0, stream>>>(batch);
  check(cudaGetLastError(), "Starting the kernel of the last layer");
}

template <class T, class Count>
void launch_images(const ImageBatch<T, Count>& batch, std::uint32_t images, cudaStream_t stream) {
  image_kernel<<<images, kImageThreads, 0, stream>>>(batch);
  check(cudaGetLastError(), "Starting the kernel of images");
}

template <class T>
void launch_store(const float* from, T* to, Layout layout, std::uint32_t images, cudaStream_t stream) {
  const std::uint64_t size = std::uint64_t{images} * layout.size();
  store_kernel<<<blocks_for(size, kPlainThreads), kPlainThreads, 0, stream>>>(from, to, layout, size);
  check(cudaGetLastError(), "Starting the kernel that stores images");
}

#define CNNC_NETWORK_KERNELS(T)                                                                     \
  template void launch_product(const ProductPlan<T>&, const ProductBatch<T>&, cudaStream_t);        \
  template void launch_pointwise(const PointwiseBatch<T>&, cudaStream_t);                           \
  template void launch_head(const HeadBatch<T>&, cudaStream_t);                                     \
  template void launch_images(const ImageBatch<T, std::uint16_t>&, std::uint32_t, cudaStream_t);    \
  template void launch_images(const ImageBatch<T, std::uint32_t>&, std::uint32_t, cudaStream_t);    \
  template void launch_store(const float*, T*, Layout, std::uint32_t, cudaStream_t);

CNNC_NETWORK_KERNELS(float)
CNNC_NETWORK_KERNELS(Bf16)
#undef CNNC_NETWORK_KERNELS

}  // namespace cnnc::gpu

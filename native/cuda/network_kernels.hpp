#pragma once

#include <cuda_runtime_api.h>

#include "cuda/image_block.hpp"
#include "cuda/network_plan.hpp"

// Queue the kernels of a network. T: float or Bf16; all throw what check throws.

namespace cnnc::gpu {

template <class T>
void launch_product(const ProductPlan<T>& plan, const ProductBatch<T>& batch, cudaStream_t stream);

template <class T>
void launch_pointwise(const PointwiseBatch<T>& batch, cudaStream_t stream);

template <class T>
void launch_head(const HeadBatch<T>& batch, cudaStream_t stream);

/// Count: uint16_t or uint32_t.
template <class T, class Count>
void launch_images(const ImageBatch<T, Count>& batch, std::uint32_t images, cudaStream_t stream);

/// Images of float32 without padding, as a host has them, to those of a network.
template <class T>
void launch_store(const float* from, T* to, Layout layout, std::uint32_t images, cudaStream_t stream);

}  // namespace cnnc::gpu

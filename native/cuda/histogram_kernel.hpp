#pragma once

#include <cuda_runtime_api.h>

#include "cuda/block.hpp"
#include "cuda/block_plan.hpp"

namespace cnnc::gpu {

/// Queues the blocks of a batch. Count: uint8_t, uint16_t, uint32_t or float. Throws what check throws.
template <class Count>
void launch_histograms(const Batch<Count>& batch, std::size_t blocks, cudaStream_t stream);

}  // namespace cnnc::gpu

#pragma once

#include <cuda_runtime_api.h>

#include "cuda/sums_block.hpp"
#include "cuda/training_plan.hpp"

// Queue the kernels of a training step, and for TrainingRun. All throw what check throws.

namespace cnnc::gpu {

/// Passes of training_block.hpp, by item.
template <class Pass>
void launch_items(const Pass& pass, cudaStream_t stream);

/// HeadTraining, by warp.
template <class Pass>
void launch_warps(const Pass& pass, cudaStream_t stream);

/// Sums of sums_block.hpp.
template <class Sum>
void launch_blocks(const Sum& sum, cudaStream_t stream);

/// run_weights.
template <class T>
void launch_weights(const WeightPlan<T>& plan, const WeightBatch<T>& batch, cudaStream_t stream);

}  // namespace cnnc::gpu

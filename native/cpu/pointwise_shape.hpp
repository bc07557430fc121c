#pragma once

#include "cnn/network_steps.hpp"
#include "cpu/pointwise.hpp"

namespace cnnc {

/// The pass that a step takes, with a ReLU or without.
[[nodiscard]] inline PointwiseShape pointwise_shape(const PointwiseStep& step, bool relu) noexcept {
  const PoolKind pool = pool_kind(step.pool);
  return {step.in.height, step.in.width, step.in.channels, step.pool ? step.pool->size : 1, pool, relu};
}

}  // namespace cnnc

#pragma once

#include "cnn/network_steps.hpp"
#include "cpu/pointwise.hpp"

namespace cnnc {

/// The pass that a step takes, with a ReLU or without.
[[nodiscard]] inline PointwiseShape pointwise_shape(const PointwiseStep& step, bool relu) noexcept {
  const PoolKind pool = !step.pool ? PoolKind::none : step.pool->average ? PoolKind::average : PoolKind::maximum;
  return {step.in.height, step.in.width, step.in.channels, step.pool ? step.pool->size : 1, pool, relu};
}

}  // namespace cnnc

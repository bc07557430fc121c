#pragma once

#include <cmath>
#include <cstdint>

#include "core/host_device.hpp"

// One parameter's step, shared by all devices; see update_parameters. Without contraction they give the same bits on
// all.

namespace cnnc {

inline constexpr float kAdamBeta1 = 0.9F;
inline constexpr float kAdamBeta2 = 0.999F;
inline constexpr float kAdamEpsilon = 1e-7F;

/// What a step of adam has in common for all parameters.
struct AdamStep {
  float rate;
  float correction1;  ///< 1 / (1 - beta1^step)
  float correction2;
};

[[gnu::always_inline]] CNNC_HOST_DEVICE inline void sgd_step(float momentum, bool nesterov, float rate, float gradient,
                                                             float& velocity, float& parameter) {
  velocity = momentum * velocity + gradient;
  parameter -= rate * (nesterov ? gradient + momentum * velocity : velocity);
}

/// @param shrink 1 - rate decay
[[gnu::always_inline]] CNNC_HOST_DEVICE inline void adam_step(const AdamStep& step, float shrink, float gradient,
                                                              float& first, float& second, float& parameter) {
  first = kAdamBeta1 * first + (1 - kAdamBeta1) * gradient;
  second = kAdamBeta2 * second + (1 - kAdamBeta2) * gradient * gradient;
  const float change =
      step.rate * (first * step.correction1) / (std::sqrt(second * step.correction2) + kAdamEpsilon);
  parameter = parameter * shrink - change;
}

[[gnu::always_inline]] CNNC_HOST_DEVICE inline void moving_step(float momentum, float batch, float& parameter) {
  parameter = momentum * parameter + (1 - momentum) * batch;
}

/// @param step the first is 1
[[nodiscard]] inline AdamStep adam_step_of(float rate, std::uint64_t step) {
  const auto correction = [&](float beta) {
    return static_cast<float>(1 / (1 - std::pow(double{beta}, static_cast<double>(step))));
  };
  return {rate, correction(kAdamBeta1), correction(kAdamBeta2)};
}

}  // namespace cnnc

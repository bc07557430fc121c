#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cnn/network.hpp"

namespace cnnc {

enum class OptimizerKind : std::uint8_t { sgd, adam, adamw };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  float momentum = 0.9F;      ///< of sgd
  bool nesterov = true;       ///< of sgd
  float weight_decay = 0.0F;  ///< of adamw
};

/// Moments of all parameters, so that a training can go on where it stopped.
struct OptimizerState {
  std::uint64_t steps = 0;
  std::vector<float> first;   ///< sgd: accumulated gradient; adam: mean of gradients
  std::vector<float> second;  ///< adam: mean of squared gradients; empty for sgd
};

/// Whether there is no infinity and no NaN among the numbers.
[[nodiscard]] bool all_finite(std::span<const float> numbers) noexcept;

[[nodiscard]] OptimizerState initial_state(const Network& network, const OptimizerOptions& options);

/// One step of all trained parameters, and the moving statistics of batch normalisation:
///
/// - sgd: v = momentum v + g; w -= rate (g + momentum v) with Nesterov's look-ahead, else w -= rate v
/// - adam (Kingma & Ba 2015, arXiv:1412.6980; beta 0.9 and 0.999, epsilon 1e-7 as in Keras)
/// - adamw: adam, and w -= rate decay w of the weights before the step, for kernels (Loshchilov & Hutter 2019,
///   arXiv:1711.05101)
/// - moving mean and variance: m = momentum m + (1 - momentum) batch value
///
/// `gradients` is what GradientEngine gives.
void update_parameters(const Network& network, const OptimizerOptions& options, float rate,
                       std::span<const float> gradients, OptimizerState& state, std::span<float> parameters);

}  // namespace cnnc

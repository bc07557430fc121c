#include "cnn/optimizer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/clones.hpp"

namespace cnnc {
namespace {

constexpr float kBeta1 = 0.9F;
constexpr float kBeta2 = 0.999F;
constexpr float kEpsilon = 1e-7F;

CNNC_CLONES void sgd(const ParameterRange& range, float momentum, bool nesterov, float rate, const float* gradients,
                     float* velocity, float* parameters) {
  for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
    velocity[i] = momentum * velocity[i] + gradients[i];
    parameters[i] -= rate * (nesterov ? gradients[i] + momentum * velocity[i] : velocity[i]);
  }
}

CNNC_CLONES void adam(const ParameterRange& range, std::uint64_t step, float rate, float decay, const float* gradients,
                      float* first, float* second, float* parameters) {
  const auto correction1 = static_cast<float>(1 / (1 - std::pow(double{kBeta1}, static_cast<double>(step))));
  const auto correction2 = static_cast<float>(1 / (1 - std::pow(double{kBeta2}, static_cast<double>(step))));
  const float shrink = 1 - rate * decay;
  for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
    const float g = gradients[i];
    first[i] = kBeta1 * first[i] + (1 - kBeta1) * g;
    second[i] = kBeta2 * second[i] + (1 - kBeta2) * g * g;
    const float change = rate * (first[i] * correction1) / (std::sqrt(second[i] * correction2) + kEpsilon);
    parameters[i] = parameters[i] * shrink - change;
  }
}

void update_moving_statistics(const BatchNorm& norm, const ParameterRange& range, const float* batch,
                              float* parameters) {
  for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
    parameters[i] = norm.momentum * parameters[i] + (1 - norm.momentum) * batch[i];
  }
}

}  // namespace

bool all_finite(std::span<const float> numbers) noexcept {
  // Without their sign, the bits of infinity and NaN are the largest.
  constexpr std::int32_t kInfinity = 0x7F800000;
  std::int32_t largest = 0;
  for (const float number : numbers) largest = std::max(largest, std::bit_cast<std::int32_t>(number) & 0x7FFFFFFF);
  return largest < kInfinity;
}

OptimizerState initial_state(const Network& network, const OptimizerOptions& options) {
  OptimizerState state;
  state.first.resize(network.parameters);
  if (options.kind != OptimizerKind::sgd) state.second.resize(network.parameters);
  return state;
}

void update_parameters(const Network& network, const OptimizerOptions& options, float rate,
                       std::span<const float> gradients, OptimizerState& state, std::span<float> parameters) {
  ++state.steps;
  for (const PlacedLayer& layer : network.layers) {
    for (const ParameterRange& range : layer.parameters) {
      if (!range.trained) {
        update_moving_statistics(std::get<BatchNorm>(layer.layer), range, gradients.data(), parameters.data());
      } else if (options.kind == OptimizerKind::sgd) {
        sgd(range, options.momentum, options.nesterov, rate, gradients.data(), state.first.data(), parameters.data());
      } else {
        const bool decays = options.kind == OptimizerKind::adamw && range.decays;
        adam(range, state.steps, rate, decays ? options.weight_decay : 0, gradients.data(), state.first.data(),
             state.second.data(), parameters.data());
      }
    }
  }
}

}  // namespace cnnc

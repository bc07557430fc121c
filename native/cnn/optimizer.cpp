#include "cnn/optimizer.hpp"

#include <algorithm>
#include <bit>

#include "cnn/optimizer_formulas.hpp"
#include "core/clones.hpp"

namespace cnnc {
namespace {

CNNC_CLONES void sgd(const ParameterRange& range, float momentum, bool nesterov, float rate, const float* gradients,
                     float* velocity, float* parameters) {
  for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
    sgd_step(momentum, nesterov, rate, gradients[i], velocity[i], parameters[i]);
  }
}

CNNC_CLONES void adam(const ParameterRange& range, std::uint64_t step, float rate, float decay, const float* gradients,
                      float* first, float* second, float* parameters) {
  const AdamStep common = adam_step_of(rate, step);
  const float shrink = 1 - rate * decay;
  for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
    adam_step(common, shrink, gradients[i], first[i], second[i], parameters[i]);
  }
}

void update_moving_statistics(const BatchNorm& norm, const ParameterRange& range, const float* batch,
                              float* parameters) {
  for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
    moving_step(norm.momentum, batch[i], parameters[i]);
  }
}

}  // namespace

CNNC_CLONES bool all_finite(std::span<const float> numbers) noexcept {
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

#include "cnn/fold_norm.hpp"

#include <algorithm>
#include <cmath>

namespace cnnc {

FoldedNorm fold_norm(const NormLayer& layer, std::span<const float> parameters) {
  const std::size_t channels = layer.parameters[0].size;
  FoldedNorm folded{std::vector<float>(channels), std::vector<float>(channels)};
  const auto value = [&](std::size_t range, std::size_t c) {
    return double{parameters[layer.parameters[range].offset + c]};
  };
  for (std::size_t c = 0; c < channels; ++c) {
    const double factor = value(0, c) / std::sqrt(value(3, c) + layer.norm.epsilon);
    folded.scale[c] = static_cast<float>(factor);
    folded.shift[c] = static_cast<float>(value(1, c) - factor * value(2, c));
  }
  return folded;
}

FoldedProduct fold_product(const ProductStep& step, const NormLayer* norm, std::span<const float> parameters) {
  const auto kernel = parameters.subspan(step.weights.offset, step.weights.size);
  FoldedProduct folded{{kernel.begin(), kernel.end()}, std::vector<float>(step.out.channels)};
  if (step.bias) std::copy_n(parameters.data() + step.bias->offset, folded.bias.size(), folded.bias.data());
  if (norm == nullptr) return folded;
  const auto [scale, shift] = fold_norm(*norm, parameters);
  for (std::size_t i = 0; i < folded.weights.size(); ++i) folded.weights[i] *= scale[i % scale.size()];
  for (std::size_t c = 0; c < folded.bias.size(); ++c) folded.bias[c] = folded.bias[c] * scale[c] + shift[c];
  return folded;
}

}  // namespace cnnc

#pragma once

#include <span>
#include <vector>

#include "cnn/network_steps.hpp"

namespace cnnc {

/// Normalisation with moving statistics as scale x + shift, by channel.
struct FoldedNorm {
  std::vector<float> scale;
  std::vector<float> shift;
};

[[nodiscard]] FoldedNorm fold_norm(const NormLayer& layer, std::span<const float> parameters);

/// Kernel and bias of a product, with the normalisation that follows it folded in.
struct FoldedProduct {
  std::vector<float> weights;
  std::vector<float> bias;  ///< zeros where the layer has none
};

/// @param norm null for none
[[nodiscard]] FoldedProduct fold_product(const ProductStep& step, const NormLayer* norm,
                                         std::span<const float> parameters);

}  // namespace cnnc

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cuda/product_block.hpp"

namespace cnnc::gpu {

/// How a warp's sums are cut: units of 32 pixels times tiles of 8 filters, as many as leave all numbers in registers.
enum class ProductCut : std::uint8_t { narrow /* 2 x 2 */, medium /* 2 x 4 */, wide /* 1 x 8 */ };

/// Calls body.template operator()<units, tiles>().
template <class Body>
void with_cut(ProductCut cut, Body&& body) {
  switch (cut) {
    case ProductCut::narrow: body.template operator()<2, 2>(); break;
    case ProductCut::medium: body.template operator()<2, 4>(); break;
    case ProductCut::wide: body.template operator()<1, 8>(); break;
  }
}

/// All of a product that does not depend on weights. T: float or Bf16.
template <class T>
struct ProductPlan {
  ProductShape shape;
  ProductCut cut;
  ProductTile tile;
  std::vector<std::uint32_t> offsets;

  [[nodiscard]] std::uint32_t blocks(std::uint32_t images) const noexcept {
    return (images + tile.images - 1) / tile.images * tile.bands;
  }
  [[nodiscard]] std::size_t shared_bytes() const noexcept { return std::size_t{tile.patch_words()} * 4; }
  [[nodiscard]] std::uint32_t padded_filters() const noexcept;
  /// The batch of a launch but for its pointers.
  [[nodiscard]] ProductBatch<T> batch(std::uint32_t images) const noexcept;
};

/// @param shared_bytes that a block may take; throws Error GPU_UNAVAILABLE when even one row of output does not fit
template <class T>
[[nodiscard]] ProductPlan<T> plan_product(const ProductShape& shape, std::size_t shared_bytes);

/// Channels in of a layer whose input lies as `in` says, or, of a dense layer, as `flattened` says.
[[nodiscard]] std::uint32_t true_channels(const Layout& in, const Layout& flattened);
/// Number of the channel that lies at `stored` among those; kNoWeight for padding.
[[nodiscard]] std::uint32_t true_channel(std::uint32_t stored, const Layout& in, const Layout& flattened);

/// Which weights of kernel x kernel x (channels in) x (filters) the numbers of ProductBatch::weights are, two to a word
/// of bfloat16. A dense layer's channels in are all values of the image that its input was: `flattened` says how that
/// lies in memory.
template <class T>
[[nodiscard]] std::vector<std::uint32_t> weight_order(const ProductPlan<T>& plan, const Layout& flattened);

/// Likewise, for the product that turns the derivative by a layer's output into that by its input: `plan` takes the
/// former and gives the latter, padded by kernel - 1 - padding; weights and `flattened` are the layer's own.
template <class T>
[[nodiscard]] std::vector<std::uint32_t> reversed_weight_order(const ProductPlan<T>& plan, const Layout& flattened);

/// Weights in the order of weight_order.
template <class T>
[[nodiscard]] std::vector<WeightWord<T>> pack_weights(const ProductPlan<T>& plan, const Layout& flattened,
                                                      std::span<const float> weights);

/// Biases, padded with zeros.
template <class T>
[[nodiscard]] std::vector<float> pack_bias(const ProductPlan<T>& plan, std::span<const float> bias);

}  // namespace cnnc::gpu

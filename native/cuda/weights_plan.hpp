#pragma once

#include <cstdint>
#include <vector>

#include "cuda/weights_block.hpp"

namespace cnnc::gpu {

/// Calls body.template operator()<rows>() with the rows of tiles that a warp has.
template <class Body>
void with_row_tiles(std::uint32_t row_tiles, Body&& body) {
  switch (row_tiles) {
    case 1: body.template operator()<1>(); break;
    case 3: body.template operator()<3>(); break;
    case 5: body.template operator()<5>(); break;
    default: body.template operator()<9>(); break;
  }
}

/// All of the derivative by a layer's weights that does not depend on values. T: float or Bf16.
template <class T>
struct WeightPlan {
  WeightShape shape;
  WeightTile tile;
  std::vector<std::uint32_t> windows;
  std::vector<std::uint32_t> offsets;
  /// Where in a part of WeightBatch::sums lies the derivative by each weight of kernel x kernel x (channels in) x
  /// (filters).
  std::vector<std::uint32_t> positions;

  [[nodiscard]] std::uint32_t chunks(std::uint32_t images) const noexcept {
    return (images + tile.images - 1) / tile.images * tile.bands;
  }
  [[nodiscard]] std::uint32_t parts(std::uint32_t images) const noexcept;
  [[nodiscard]] std::uint32_t blocks(std::uint32_t images) const noexcept {
    return parts(images) * tile.row_blocks * tile.filter_blocks;
  }
  /// Numbers of a part of WeightBatch::sums.
  [[nodiscard]] std::uint32_t part_size() const noexcept { return tile.all_rows() * tile.all_filters(); }
  [[nodiscard]] std::size_t shared_bytes() const noexcept;
  /// The batch of a launch but for its pointers.
  [[nodiscard]] WeightBatch<T> batch(std::uint32_t images) const noexcept;
};

/// @param flattened as of pack_weights
/// @param shared_bytes that a block may take; throws Error GPU_UNAVAILABLE when even one row of output does not fit
template <class T>
[[nodiscard]] WeightPlan<T> plan_weights(const WeightShape& shape, const Layout& flattened, std::size_t shared_bytes);

}  // namespace cnnc::gpu

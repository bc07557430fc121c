#pragma once

#include <algorithm>
#include <cstddef>

#include "core/aligned.hpp"

namespace cnnc {

/// Rows and columns of a tile.
inline constexpr std::size_t kTile = 64;
inline constexpr std::size_t kTileValues = kTile * kTile;

/// A symmetric matrix, of which the lower half is kept in square tiles: about size * size * 4 bytes. It starts as the
/// identity. Rows beyond `size` that fill the last tiles stay those of the identity.
class TiledMatrix {
 public:
  explicit TiledMatrix(std::size_t size)
      : size_(size), tiles_((size + kTile - 1) / kTile), values_(tiles_ * (tiles_ + 1) / 2 * kTileValues, 0.0) {
    for (std::size_t i = 0; i < tiles_ * kTile; ++i) tile(i / kTile, i / kTile)[i % kTile * (kTile + 1)] = 1;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Tiles along one side.
  [[nodiscard]] std::size_t tiles() const noexcept { return tiles_; }

  /// kTile x kTile values, row by row. \pre row >= column
  [[nodiscard]] double* tile(std::size_t row, std::size_t column) noexcept {
    return values_.data() + (row * (row + 1) / 2 + column) * kTileValues;
  }
  [[nodiscard]] const double* tile(std::size_t row, std::size_t column) const noexcept {
    return values_.data() + (row * (row + 1) / 2 + column) * kTileValues;
  }

  /// Element (i, j), which is element (j, i).
  [[nodiscard]] double at(std::size_t i, std::size_t j) const noexcept {
    const auto [low, high] = std::minmax({i, j});
    return tile(high / kTile, low / kTile)[high % kTile * kTile + low % kTile];
  }
  /// Sets elements (i, j) and (j, i).
  void set(std::size_t i, std::size_t j, double value) noexcept {
    const auto [low, high] = std::minmax({i, j});
    double* const values = tile(high / kTile, low / kTile);
    values[high % kTile * kTile + low % kTile] = value;
    // A tile on the diagonal has both halves.
    if (high / kTile == low / kTile) values[low % kTile * kTile + high % kTile] = value;
  }

 private:
  std::size_t size_;
  std::size_t tiles_;
  AlignedVector<double> values_;
};

}  // namespace cnnc

#include "core/correlation_inverse.hpp"

#include <cstring>
#include <limits>

#include "core/clones.hpp"
#include "core/error.hpp"

// The symmetric sweep, a block of kTile rows and columns at a time. Sweeping block k of A with V = A(., k):
//   A(k, k) becomes -A(k, k)^-1;  A(i, k) becomes W(i) = V(i) A(k, k)^-1;  A(i, j) becomes A(i, j) - W(i) V(j)^T.
// When all blocks are swept, A is minus its inverse.
namespace cnnc {
namespace {

/// Rows and vectors of a piece of a tile that is held in registers.
constexpr std::size_t kRows = 4;
constexpr std::size_t kVectors = 2;
constexpr std::size_t kWidth = 8;

/// c += sign * a b, all kTile x kTile, row by row.
CNNC_CLONES void add_product(double sign, const double* a, const double* b, double* c) noexcept {
  using Vector [[gnu::vector_size(kWidth * sizeof(double))]] = double;
  for (std::size_t row = 0; row < kTile; row += kRows) {
    for (std::size_t column = 0; column < kTile; column += kVectors * kWidth) {
      Vector sums[kRows][kVectors]{};
      for (std::size_t k = 0; k < kTile; ++k) {
        Vector values[kVectors];
        std::memcpy(values, b + k * kTile + column, sizeof values);
        for (std::size_t r = 0; r < kRows; ++r) {
          for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] += a[(row + r) * kTile + k] * values[v];
        }
      }
      for (std::size_t r = 0; r < kRows; ++r) {
        Vector values[kVectors];
        double* const to = c + (row + r) * kTile + column;
        std::memcpy(values, to, sizeof values);
        for (std::size_t v = 0; v < kVectors; ++v) values[v] += sign * sums[r][v];
        std::memcpy(to, values, sizeof values);
      }
    }
  }
}

/// Sweeps all rows and columns of one tile, one after the other; false when a pivot is not above `least`.
CNNC_CLONES bool sweep_tile(double* tile, double least) noexcept {
  double column[kTile];
  for (std::size_t k = 0; k < kTile; ++k) {
    const double pivot = tile[k * kTile + k];
    if (!(pivot > least)) return false;
    for (std::size_t i = 0; i < kTile; ++i) column[i] = tile[i * kTile + k];
    for (std::size_t i = 0; i < kTile; ++i) {
      if (i == k) continue;
      const double factor = column[i] / pivot;
      double* const row = tile + i * kTile;
      for (std::size_t j = 0; j < kTile; ++j) row[j] -= factor * column[j];
      row[k] = factor;
    }
    for (std::size_t j = 0; j < kTile; ++j) tile[k * kTile + j] = column[j] / pivot;
    tile[k * kTile + k] = -1 / pivot;
  }
  return true;
}

void transpose(const double* tile, double* out) noexcept {
  for (std::size_t i = 0; i < kTile; ++i) {
    for (std::size_t j = 0; j < kTile; ++j) out[j * kTile + i] = tile[i * kTile + j];
  }
}

/// What a sweep of one block needs of the others: V(i)^T and W(i), tile by tile.
struct Panels {
  explicit Panels(std::size_t tiles) : v_transposed(tiles * kTileValues), w(tiles * kTileValues) {}
  AlignedVector<double> v_transposed;
  AlignedVector<double> w;
};

/// Fills tile i of the panels. `negative_inverse` is that of tile (k, k).
void fill_panels(const TiledMatrix& matrix, std::size_t i, std::size_t k, const double* negative_inverse,
                 Panels& panels) {
  double* const v_transposed = panels.v_transposed.data() + i * kTileValues;
  alignas(64) double v[kTileValues];
  if (i > k) {
    std::memcpy(v, matrix.tile(i, k), sizeof v);
    transpose(v, v_transposed);
  } else {
    std::memcpy(v_transposed, matrix.tile(k, i), sizeof v);
    transpose(v_transposed, v);
  }
  double* const w = panels.w.data() + i * kTileValues;
  std::fill_n(w, kTileValues, 0.0);
  add_product(-1, v, negative_inverse, w);
}

/// Row i of the tiles after the sweep of block k.
void sweep_row(TiledMatrix& matrix, std::size_t i, std::size_t k, const Panels& panels) {
  const double* const w = panels.w.data() + i * kTileValues;
  for (std::size_t j = 0; j <= i; ++j) {
    if (j != k) add_product(-1, w, panels.v_transposed.data() + j * kTileValues, matrix.tile(i, j));
  }
  if (i > k) {
    std::memcpy(matrix.tile(i, k), w, kTileValues * sizeof(double));
  } else {
    transpose(w, matrix.tile(k, i));
  }
}

}  // namespace

void invert_negative(TiledMatrix& matrix, unsigned threads, const JobControl& control) {
  const std::size_t tiles = matrix.tiles();
  // Pivots are the shares of a gene's variance that the genes before it do not explain.
  const double least = static_cast<double>(matrix.size()) * std::numeric_limits<double>::epsilon();
  Panels panels(tiles);
  for (std::size_t k = 0; k < tiles; ++k) {
    if (!sweep_tile(matrix.tile(k, k), least)) {
      throw Error("SINGULAR", "some genes are exact sums of others, so that their correlations have no inverse");
    }
    const auto others = [&](auto&& work) {
      parallel_for(threads, tiles - 1, [&](unsigned, std::size_t n) {
        control.check();
        // Long rows first, so that threads end together.
        const std::size_t from_end = tiles - 2 - n;
        work(from_end < k ? from_end : from_end + 1);
      });
    };
    others([&](std::size_t i) { fill_panels(matrix, i, k, matrix.tile(k, k), panels); });
    others([&](std::size_t i) { sweep_row(matrix, i, k, panels); });
    control.check();
    control.advance(std::min(kTile, matrix.size() - k * kTile));
  }
}

}  // namespace cnnc

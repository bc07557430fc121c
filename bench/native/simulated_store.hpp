#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "core/expression_store.hpp"

// Simulated sparse genes for the benchmarks, and the pairs to count.
namespace cnnc::bench {

/// Log-normal around `mean` (sigma 0.8), as in real data, falling.
inline std::vector<double> log_normal_densities(std::uint32_t genes, double mean) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> densities(genes);
  for (double& density : densities) density = std::exp(0.8 * normal(random));
  // Cut at 98 %, then scale again until the mean is met.
  for (int round = 0; round < 50; ++round) {
    const double now = std::accumulate(densities.begin(), densities.end(), 0.0) / genes;
    for (double& density : densities) density = std::min(0.98, density * mean / now);
  }
  std::sort(densities.rbegin(), densities.rend());
  return densities;
}

/// Bins are geometric above a zero bin of 0; genes stand in order of falling density.
inline ExpressionStore simulated_store(std::uint32_t cells, std::uint32_t genes, double density) {
  ExpressionStore store;
  store.cells = cells;
  store.genes = genes;
  std::mt19937_64 random(2);
  std::vector<std::uint32_t> ids;
  std::vector<std::uint8_t> bins;
  std::geometric_distribution<int> bin(0.15);
  for (const double of_gene : log_normal_densities(genes, density)) {
    std::geometric_distribution<std::uint32_t> gap(of_gene);
    store.first.push_back(ids.size());
    std::array<std::uint32_t, kBins> marginal{};
    for (std::uint64_t cell = gap(random); cell < cells; cell += 1 + gap(random)) {
      ids.push_back(static_cast<std::uint32_t>(cell));
      bins.push_back(static_cast<std::uint8_t>(std::min(31, 8 + bin(random))));
      ++marginal[bins.back()];
    }
    store.stored.push_back(static_cast<std::uint32_t>(ids.size() - store.first.back()));
    marginal[0] += cells - store.stored.back();
    store.marginal.push_back(marginal);
  }
  store.zero_bin.assign(genes, 0);
  store.expressing = store.stored;
  store.cell_ids = RawArray<std::uint32_t>(ids.size());
  store.bins = RawArray<std::uint8_t>(bins.size());
  std::copy(ids.begin(), ids.end(), store.cell_ids.data());
  std::copy(bins.begin(), bins.end(), store.bins.data());
  return store;
}

/// Pairs of neighbouring genes.
struct Tile {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
};

/// All unordered pairs, in tiles of at most `rows` x `columns`.
inline std::vector<Tile> tiles_of_all_pairs(std::uint32_t genes, std::uint32_t rows, std::uint32_t columns) {
  std::vector<Tile> tiles;
  for (std::uint32_t row = 0; row < genes; row += rows) {
    for (std::uint32_t column = row / columns * columns; column < genes; column += columns) {
      Tile tile;
      for (std::uint32_t a = row; a < std::min(genes, row + rows); ++a) {
        for (std::uint32_t b = std::max(column, a + 1); b < std::min(genes, column + columns); ++b) {
          tile.a.push_back(a);
          tile.b.push_back(b);
        }
      }
      if (!tile.a.empty()) tiles.push_back(std::move(tile));
    }
  }
  return tiles;
}

}  // namespace cnnc::bench

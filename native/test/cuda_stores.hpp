#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "core/histograms.hpp"

namespace cnnc::test {

/// A store with genes of every awkward kind, in turn: constant, one cell, sparse, medium, dense, all
/// cells, all but the last cell, the last cell alone, and medium in a single bin. Zero bins are anywhere,
/// and some entries lie in them, as in stores that keep values.
inline ExpressionStore mixed_store(std::uint32_t cells, std::uint32_t genes, unsigned seed) {
  std::mt19937 random(seed);
  ExpressionStore store;
  store.cells = cells;
  store.genes = genes;
  std::vector<std::uint32_t> ids;
  std::vector<std::uint8_t> bins;
  for (std::uint32_t gene = 0; gene < genes; ++gene) {
    const std::uint32_t kind = gene % 9;
    const auto zero_bin = static_cast<std::uint8_t>(random() % kBins);
    const double density = std::array<double, 9>{0, 0, 0.02, 0.2, 0.8, 1, 1, 0, 0.3}[kind];
    const auto lone_cell = kind == 1 ? random() % cells : kind == 7 ? cells - 1 : cells;
    const std::uint32_t end = kind == 6 ? cells - 1 : cells;
    std::array<std::uint32_t, kBins> marginal{};
    store.first.push_back(ids.size());
    const auto threshold = static_cast<std::uint64_t>(density * 4294967296.0);
    for (std::uint32_t cell = 0; cell < end; ++cell) {
      if (random() >= threshold && cell != lone_cell) continue;
      ids.push_back(cell);
      bins.push_back(static_cast<std::uint8_t>(kind == 8 ? 31 : random() % kBins));
      ++marginal[bins.back()];
    }
    store.stored.push_back(static_cast<std::uint32_t>(ids.size() - store.first.back()));
    marginal[zero_bin] += cells - store.stored.back();
    store.zero_bin.push_back(zero_bin);
    store.marginal.push_back(marginal);
  }
  store.cell_ids = RawArray<std::uint32_t>(ids.size());
  store.bins = RawArray<std::uint8_t>(bins.size());
  std::copy(ids.begin(), ids.end(), store.cell_ids.data());
  std::copy(bins.begin(), bins.end(), store.bins.data());
  return store;
}

/// Gene pairs as two columns.
struct PairColumns {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
  [[nodiscard]] Pairs view() const { return {a, b}; }
};

/// Pairs of any genes, self-pairs and repeats included.
inline PairColumns any_pairs(std::uint32_t genes, std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  PairColumns pairs;
  for (std::size_t pair = 0; pair < count; ++pair) {
    pairs.a.push_back(static_cast<std::uint32_t>(random() % genes));
    pairs.b.push_back(static_cast<std::uint32_t>(random() % genes));
  }
  return pairs;
}

}  // namespace cnnc::test

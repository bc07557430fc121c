#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "simulation/lanes.hpp"

namespace cnnc {

/// Technical noise: how concentrations become counted molecules (UMIs).
struct Capture {
  double mean_umis_per_cell = 0;
  double library_size_sigma = 0;  ///< of the natural logarithm of a cell's expected UMIs
  std::vector<float> molecules_per_unit;  ///< genes; transcripts that one unit of concentration stands for
};

/// The sparse row of one cell.
struct CellCounts {
  std::vector<std::int32_t> genes;   ///< ascending
  std::vector<std::int32_t> counts;  ///< >= 1
};

/// How many molecules one unit of concentration stands for: log-normal over genes, which spreads the
/// genes' mean expression over orders of magnitude, as in real data.
[[nodiscard]] std::vector<float> draw_molecules_per_unit(std::uint32_t genes, std::uint64_t seed);

/// UMIs that a cell is expected to yield: log-normal with mean `mean_umis_per_cell`.
[[nodiscard]] double library_size(const Capture& capture, std::uint64_t seed, std::uint64_t cell);

/// Counts the molecules of kCellLanes cells.
///
/// A cell's expected UMIs are shared out in proportion to its transcripts; each gene's count is
/// Poisson, which is what sampling few of many molecules gives (Sarkar and Stephens 2021,
/// doi 10.1038/s41588-021-00873-4): spread beyond Poisson comes from the kinetics and the library
/// size alone. \pre first_cell is a multiple of kCellLanes, below 2^32.
void capture_molecules(const Capture& capture, std::uint64_t seed, std::uint64_t first_cell,
                       std::span<const CellLanes> concentration, std::span<CellCounts, kCellLanes> cells);

}  // namespace cnnc

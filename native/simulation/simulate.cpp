#include "simulation/simulate.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "core/error.hpp"

namespace cnnc {
namespace {

void require(bool condition, const char* message) {
  if (!condition) throw Error("INVALID_OPTIONS", message);
}

void check(const SimulationOptions& options) {
  require(options.cells >= 1 && options.cells <= (std::uint64_t{1} << 32),
          "The number of cells must be 1 to 4294967296.");
  require(options.cell_types >= 1 && options.cell_types <= 256, "The number of cell types must be 1 to 256.");
  // Within these bounds no count can leave 32 bits: the largest normal deviate drawn is 6.8.
  require(options.mean_umis_per_cell > 0 && options.mean_umis_per_cell <= 1e6,
          "The mean number of UMIs per cell must be above 0 and at most 1000000.");
  require(options.library_size_sigma >= 0 && options.library_size_sigma <= 1,
          "The sigma of the library sizes must be 0 to 1.");
}

/// Puts the rows of `cells` one after the other.
void concatenate(std::span<const CellCounts> cells, unsigned threads, CountBlock& out) {
  out.indptr.assign(cells.size() + 1, 0);
  for (std::size_t i = 0; i < cells.size(); ++i) out.indptr[i + 1] = out.indptr[i] + cells[i].genes.size();
  out.indices.resize(out.indptr.back());
  out.counts.resize(out.indptr.back());
  parallel_for(threads, cells.size(), [&](unsigned, std::size_t i) {
    const auto start = static_cast<std::ptrdiff_t>(out.indptr[i]);
    std::ranges::copy(cells[i].genes, out.indices.begin() + start);
    std::ranges::copy(cells[i].counts, out.counts.begin() + start);
  });
}

}  // namespace

Simulation prepare_simulation(const GeneNetwork& network, const SimulationOptions& options) {
  check(options);
  return {.cells = options.cells,
          .seed = options.seed,
          .kinetics = make_kinetics(network, options.cell_types, options.seed),
          .capture = {.mean_umis_per_cell = options.mean_umis_per_cell,
                      .library_size_sigma = options.library_size_sigma,
                      .molecules_per_unit = draw_molecules_per_unit(network.genes, options.seed)}};
}

void simulate_cells(const Simulation& simulation, std::uint64_t first, std::uint32_t count, unsigned threads,
                    CountBlock& out, const JobControl& control) {
  require(first <= simulation.cells && count <= simulation.cells - first,
          "The simulation has no such cells.");
  const std::uint64_t first_group = first / kCellLanes;
  const std::uint64_t groups = (first + count + kCellLanes - 1) / kCellLanes - first_group;

  // Whole groups of lanes; cells of the first and last group outside the block are not copied out.
  std::vector<CellCounts> cells(groups * kCellLanes);
  std::vector<Trajectories> trajectories(std::max(threads, 1U));
  parallel_for(threads, groups, [&](unsigned thread, std::size_t group) {
    control.check();
    const std::uint64_t first_cell = (first_group + group) * kCellLanes;
    simulate_concentrations(simulation.kinetics, simulation.seed, first_cell, trajectories[thread]);
    capture_molecules(simulation.capture, simulation.seed, first_cell, trajectories[thread].concentration,
                      std::span(cells).subspan(group * kCellLanes).first<kCellLanes>());
    control.advance(std::min(first_cell + kCellLanes, first + count) - std::max(first_cell, first));
  });

  concatenate(std::span(cells).subspan(first % kCellLanes, count), threads, out);
  out.cell_type.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    out.cell_type[i] = static_cast<std::uint8_t>(cell_type_of(first + i, simulation.kinetics.cell_types));
  }
}

}  // namespace cnnc

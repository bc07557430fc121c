#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "simulation/capture.hpp"
#include "simulation/kinetics.hpp"
#include "simulation/network.hpp"

namespace cnnc {

struct SimulationOptions {
  std::uint64_t cells = 0;                ///< 1 to 2^32
  std::uint32_t cell_types = 3;           ///< 1 to 256, equally frequent
  double mean_umis_per_cell = 5000;       ///< above 0, to 1e6; sets the sparsity
  double library_size_sigma = 0.3;        ///< 0 to 1; of the natural logarithm of a cell's expected UMIs
  std::uint64_t seed = 0;
};

/// Everything the cells have in common.
struct Simulation {
  std::uint64_t cells = 0;
  std::uint64_t seed = 0;
  Kinetics kinetics;
  Capture capture;
};

/// Counts of consecutive cells, as CSR: cells x genes.
struct CountBlock {
  std::vector<std::uint64_t> indptr;     ///< cells of the block + 1, from 0
  std::vector<std::int32_t> indices;     ///< gene, ascending within a cell
  std::vector<std::int32_t> counts;      ///< UMIs, >= 1
  std::vector<std::uint8_t> cell_type;   ///< cells of the block
};

/// Gives the network its rate constants, steady states and expression levels.
/// \throws Error INVALID_OPTIONS, INVALID_NETWORK
[[nodiscard]] Simulation prepare_simulation(const GeneNetwork& network, const SimulationOptions& options);

/// Simulates the cells first .. first + count - 1 into `out`, replacing what it held.
///
/// A cell's counts depend on the simulation and the cell alone: neither the number of threads nor the
/// division into blocks changes them. control.done counts cells.
/// \throws Error INVALID_OPTIONS when there are no such cells; Cancelled
void simulate_cells(const Simulation& simulation, std::uint64_t first, std::uint32_t count, unsigned threads,
                    CountBlock& out, const JobControl& control = {});

}  // namespace cnnc

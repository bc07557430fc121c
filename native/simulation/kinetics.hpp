#pragma once

#include <cstdint>
#include <vector>

#include "simulation/lanes.hpp"
#include "simulation/network.hpp"

namespace cnnc {

/// A network with rate constants: the chemical Langevin model of SERGIO (Dibaeinia and Sinha, Cell
/// Systems 2020, doi 10.1016/j.cels.2020.08.003). The concentration x of gene i follows
///
///   dx = (P - decay x) dt + noise (sqrt(P) dW + sqrt(decay x) dW'),   x >= 0
///   P  = basal + sum over activators |K| H(r) + sum over repressors |K| (1 - H(r))
///   H(r) = r^2 / (h^2 + r^2)
///
/// with r the regulator's concentration and h, the half response, its deterministic steady state
/// averaged over the cell types. Types differ in the basal rates of the masters (regulators that
/// nothing regulates); a regulated gene has no basal rate.
struct Kinetics {
  std::uint32_t genes = 0;
  std::uint32_t regulators = 0;
  std::uint32_t cell_types = 0;
  std::vector<std::uint32_t> order;        ///< as in GeneNetwork
  std::vector<Edge> edges;                 ///< as in GeneNetwork
  std::vector<std::uint32_t> first_edge;   ///< genes + 1; edges of target g from first_edge[g]
  std::vector<float> unregulated_rate;     ///< genes x cell types; P where every H is 0
  std::vector<float> steady_state;         ///< genes x cell types; x with neither noise nor change
  std::vector<float> half_response;        ///< regulators
};

/// SERGIO's defaults: decay and noise amplitude of every gene.
inline constexpr float kDecay = 0.8F;
inline constexpr float kNoise = 1.0F;

/// Draws basal rates and solves for the steady states, down the hierarchy.
/// \pre cell_types >= 1 \throws Error INVALID_NETWORK when edges or order are not as GeneNetwork says.
[[nodiscard]] Kinetics make_kinetics(const GeneNetwork& network, std::uint32_t cell_types, std::uint64_t seed);

/// Memory of one thread that simulates cells.
struct Trajectories {
  std::vector<CellLanes> concentration;  ///< genes; of the cells first_cell .. first_cell + kCellLanes - 1
  std::vector<CellLanes> response;       ///< regulators x steps of an epoch: H
};

/// The type of a cell: types take turns, so all are equally frequent.
[[nodiscard]] constexpr std::uint32_t cell_type_of(std::uint64_t cell, std::uint32_t cell_types) noexcept {
  return static_cast<std::uint32_t>(cell % cell_types);
}

/// Simulates kCellLanes independent cells from their type's steady state until they have forgotten it,
/// and leaves their concentrations in `trajectories`.
///
/// Each cell's result depends on the seed and the cell alone. Integrated by the simplified weak Euler
/// scheme (Kloeden and Platen, Numerical Solution of Stochastic Differential Equations, 1992, 14.1),
/// in which dW is +-sqrt(dt) with equal odds: it has the weak order of the normal increments, and
/// only the distribution at the end is wanted. The two noise terms are merged into one of the same
/// variance. \pre first_cell is a multiple of kCellLanes, below 2^32.
void simulate_concentrations(const Kinetics& kinetics, std::uint64_t seed, std::uint64_t first_cell,
                             Trajectories& trajectories);

}  // namespace cnnc

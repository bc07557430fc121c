#include "simulation/kinetics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <span>

#include "core/error.hpp"
#include "core/random.hpp"

namespace cnnc {
namespace {

/// Steps of an epoch: one random word of 32 signs per gene and cell.
constexpr unsigned kEpochSteps = 32;
/// 6 epochs x 32 steps x 0.05 x decay = 7.7 lifetimes of a molecule, which leaves exp(-7.7) of the start.
/// Four times as many give the same means and variances, in deep hierarchies too.
constexpr unsigned kEpochs = 6;
constexpr float kTimeStep = 0.05F;

/// Basal rates are uniform on this range; in each type a master's is up to 2^kTypeFold times higher or
/// lower.
constexpr double kBasalLow = 2.0;
constexpr double kBasalHigh = 4.0;
constexpr double kTypeFold = 1.0;

float hill(float concentration, float half_response) {
  const float squared = concentration * concentration;
  return squared / (half_response * half_response + squared);
}

void check(const GeneNetwork& network) {
  const auto require = [](bool condition, const char* message) {
    if (!condition) throw Error("INVALID_NETWORK", message);
  };
  require(network.genes >= 1 && network.regulators <= network.genes,
          "The network has no genes, or more regulators than genes.");
  require(network.order.size() == network.genes, "The network's order does not name every gene once.");
  std::vector<std::uint32_t> position(network.genes, network.genes);
  for (std::uint32_t i = 0; i < network.genes; ++i) {
    const auto gene = network.order[i];
    require(gene < network.genes && position[gene] == network.genes,
            "The network's order does not name every gene once.");
    position[gene] = i;
  }
  const Edge* previous = nullptr;
  for (const Edge& edge : network.edges) {
    require(edge.regulator < network.regulators && edge.target < network.genes,
            "An edge of the network names a gene that does not exist, or a regulator that is none.");
    require(position[edge.regulator] < position[edge.target],
            "The network's order has a target before its regulator.");
    require(std::isfinite(edge.strength) && edge.strength != 0,
            "The strength of an edge of the network is zero or not finite.");
    require(previous == nullptr || previous->target < edge.target ||
                (previous->target == edge.target && previous->regulator < edge.regulator),
            "The edges of the network are not sorted, or one occurs twice.");
    previous = &edge;
  }
}

std::vector<std::uint32_t> first_edges(const GeneNetwork& network) {
  std::vector<std::uint32_t> first(network.genes + std::size_t{1});
  for (const Edge& edge : network.edges) ++first[edge.target + std::size_t{1}];
  for (std::size_t gene = 0; gene < network.genes; ++gene) first[gene + 1] += first[gene];
  return first;
}

std::span<const Edge> edges_to(const Kinetics& kinetics, std::uint32_t gene) {
  const auto first = kinetics.first_edge[gene];
  return std::span(kinetics.edges).subspan(first, kinetics.first_edge[gene + std::size_t{1}] - first);
}

/// P of a gene in each type where every H is 0: its basal rates, or the strengths of its repressors.
void draw_unregulated_rate(Kinetics& kinetics, std::uint32_t gene, RandomSequence& random) {
  const auto rates = std::span(kinetics.unregulated_rate)
                         .subspan(std::size_t{gene} * kinetics.cell_types, kinetics.cell_types);
  const auto edges = edges_to(kinetics, gene);
  if (edges.empty()) {
    const double rate = random.uniform(kBasalLow, kBasalHigh);
    const bool master = gene < kinetics.regulators;
    for (float& of_type : rates) {
      of_type = static_cast<float>(master ? rate * std::exp2(random.uniform(-kTypeFold, kTypeFold)) : rate);
    }
  } else {
    float repressible = 0;
    for (const Edge& edge : edges) repressible += std::max(-edge.strength, 0.0F);
    std::ranges::fill(rates, repressible);
  }
}

/// Solves for the gene's steady state in each type, and for its half response.
/// \pre done for every gene before it in the order.
void solve_steady_state(Kinetics& kinetics, std::uint32_t gene) {
  const std::size_t types = kinetics.cell_types;
  float sum = 0;
  for (std::size_t type = 0; type < types; ++type) {
    float production = kinetics.unregulated_rate[gene * types + type];
    for (const Edge& edge : edges_to(kinetics, gene)) {
      production += edge.strength * hill(kinetics.steady_state[edge.regulator * types + type],
                                         kinetics.half_response[edge.regulator]);
    }
    sum += kinetics.steady_state[gene * types + type] = production / kDecay;
  }
  if (gene < kinetics.regulators) kinetics.half_response[gene] = sum / static_cast<float>(types);
}

/// Moves one gene through one epoch, given its regulators' responses at every step, and records its own.
/// The loops over lanes vectorise only under -fno-math-errno, because of the square root; the results are
/// the same either way.
void advance(const Kinetics& kinetics, std::uint32_t gene, const CellLanes& unregulated_rate,
             std::array<std::uint32_t, kCellLanes> signs, Trajectories& trajectories) {
  constexpr float kVariance = kNoise * kNoise * kTimeStep;
  const auto edges = edges_to(kinetics, gene);
  CellLanes x = trajectories.concentration[gene];
  for (std::size_t step = 0; step < kEpochSteps; ++step) {
    CellLanes production = unregulated_rate;
    for (const Edge& edge : edges) {
      const CellLanes& response = trajectories.response[edge.regulator * kEpochSteps + step];
      for (unsigned i = 0; i < kCellLanes; ++i) production[i] += edge.strength * response[i];
    }
    if (gene < kinetics.regulators) {
      CellLanes& response = trajectories.response[gene * kEpochSteps + step];
      for (unsigned i = 0; i < kCellLanes; ++i) response[i] = hill(x[i], kinetics.half_response[gene]);
    }
    for (unsigned i = 0; i < kCellLanes; ++i) {
      const float gain = std::max(production[i], 0.0F);  // rounding can take it below 0
      const float loss = kDecay * x[i];
      const float deviation = std::sqrt((gain + loss) * kVariance);
      const float noise =
          std::bit_cast<float>(std::bit_cast<std::uint32_t>(deviation) ^ (signs[i] & 0x80000000U));
      signs[i] <<= 1;
      x[i] = std::max(x[i] + (gain - loss) * kTimeStep + noise, 0.0F);
    }
  }
  trajectories.concentration[gene] = x;
}

}  // namespace

Kinetics make_kinetics(const GeneNetwork& network, std::uint32_t cell_types, std::uint64_t seed) {
  check(network);
  const std::size_t states = std::size_t{network.genes} * cell_types;
  Kinetics kinetics{.genes = network.genes,
                    .regulators = network.regulators,
                    .cell_types = cell_types,
                    .order = network.order,
                    .edges = network.edges,
                    .first_edge = first_edges(network),
                    .unregulated_rate = std::vector<float>(states),
                    .steady_state = std::vector<float>(states),
                    .half_response = std::vector<float>(network.regulators)};
  RandomSequence random(seed, Purpose::kinetics);
  for (std::uint32_t gene = 0; gene < network.genes; ++gene) draw_unregulated_rate(kinetics, gene, random);
  for (const auto gene : network.order) solve_steady_state(kinetics, gene);
  return kinetics;
}

void simulate_concentrations(const Kinetics& kinetics, std::uint64_t seed, std::uint64_t first_cell,
                             Trajectories& trajectories) {
  trajectories.concentration.resize(kinetics.genes);
  trajectories.response.resize(std::size_t{kinetics.regulators} * kEpochSteps);

  std::array<std::size_t, kCellLanes> types{};
  for (unsigned i = 0; i < kCellLanes; ++i) types[i] = cell_type_of(first_cell + i, kinetics.cell_types);
  const auto of_types = [&](const std::vector<float>& values, std::size_t gene) {
    CellLanes lanes{};
    for (unsigned i = 0; i < kCellLanes; ++i) lanes[i] = values[gene * kinetics.cell_types + types[i]];
    return lanes;
  };

  for (std::size_t gene = 0; gene < kinetics.genes; ++gene) {
    trajectories.concentration[gene] = of_types(kinetics.steady_state, gene);
  }
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    for (const auto gene : kinetics.order) {
      advance(kinetics, gene, of_types(kinetics.unregulated_rate, gene),
              lane_words(seed, Purpose::trajectory, first_cell, gene, epoch), trajectories);
    }
  }
}

}  // namespace cnnc

#pragma once

#include <cstdint>
#include <vector>

namespace cnnc {

/// One regulatory interaction.
struct Edge {
  std::uint32_t regulator = 0;
  std::uint32_t target = 0;
  float strength = 0;  ///< largest contribution to the target's production rate; negative: repression
};

/// A signed, acyclic gene regulatory network. Genes 0 .. regulators-1 may regulate, the others not.
struct GeneNetwork {
  std::uint32_t genes = 0;
  std::uint32_t regulators = 0;
  std::vector<Edge> edges;           ///< by target, then regulator; no pair twice
  std::vector<std::uint32_t> order;  ///< every gene once, each after all its regulators
};

struct GeneNetworkOptions {
  std::uint32_t genes = 0;
  std::uint32_t regulators = 0;
  double mean_in_degree = 2.5;  ///< regulators of a regulated gene; at least 1
  double activating_fraction = 0.7;
  /// Share of the regulators (at least one: the masters) and of the other genes (the background:
  /// true negatives) that nothing regulates.
  double unregulated_fraction = 0.2;
  std::uint64_t seed = 0;
};

/// A random network.
///
/// A regulated gene has 1 + Poisson(mean_in_degree - 1) regulators, fewer where fewer exist. They are
/// drawn with probability proportional to popularity^(-2/3), popularity being a random rank, which
/// makes the out-degrees scale-free with exponent 2.5 (the static model of Goh, Kahng and Kim 2001,
/// doi 10.1103/PhysRevLett.87.278701). A regulator is regulated only by those before it in a random
/// hierarchy. Strengths are uniform on [1, 5], as in SERGIO (doi 10.1016/j.cels.2020.08.003).
/// \throws Error INVALID_OPTIONS
[[nodiscard]] GeneNetwork make_network(const GeneNetworkOptions& options);

}  // namespace cnnc

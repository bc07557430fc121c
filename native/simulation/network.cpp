#include "simulation/network.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>

#include "core/error.hpp"
#include "core/random.hpp"

namespace cnnc {
namespace {

bool is_fraction(double value) { return value >= 0 && value <= 1; }

void check(const GeneNetworkOptions& options) {
  const auto require = [](bool condition, const char* message) {
    if (!condition) throw Error("INVALID_OPTIONS", message);
  };
  require(options.genes >= 1 && options.genes <= 0x7fffffffU, "The number of genes must be 1 to 2147483647.");
  require(options.regulators >= 1 && options.regulators <= options.genes,
          "The number of regulators must be between 1 and the number of genes.");
  require(options.mean_in_degree >= 1 && options.mean_in_degree <= options.regulators,
          "The mean number of regulators per regulated gene must be between 1 and the number of regulators.");
  require(is_fraction(options.activating_fraction), "The fraction of activating edges must be 0 to 1.");
  require(is_fraction(options.unregulated_fraction), "The fraction of unregulated genes must be 0 to 1.");
}

/// The numbers 0 .. count-1 in random order (Fisher and Yates).
std::vector<std::uint32_t> permutation(std::uint32_t count, RandomSequence& random) {
  std::vector<std::uint32_t> items(count);
  std::iota(items.begin(), items.end(), 0U);
  for (std::uint32_t i = count; i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
  return items;
}

/// How likely each level of the hierarchy is to be drawn as a regulator, relative to the others.
std::vector<double> popularity(std::uint32_t regulators, RandomSequence& random) {
  const auto rank = permutation(regulators, random);
  std::vector<double> weights(regulators);
  std::ranges::transform(rank, weights.begin(), [](auto r) { return std::pow(r + 1.0, -2.0 / 3.0); });
  return weights;
}

/// Draws `count` different positions of `weights`, one after the other, in proportion to the weights
/// still there: those with the smallest Exponential(1) / weight (Efraimidis and Spirakis 2006,
/// doi 10.1016/j.ipl.2005.11.003).
std::vector<std::uint32_t> draw_distinct(std::uint32_t count, std::span<const double> weights,
                                         RandomSequence& random) {
  std::vector<std::pair<double, std::uint32_t>> arrivals;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    arrivals.emplace_back(-std::log(random.uniform(0, 1)) / weights[i], i);
  }
  std::ranges::partial_sort(arrivals, arrivals.begin() + count);
  std::vector<std::uint32_t> drawn(count);
  std::transform(arrivals.begin(), arrivals.begin() + count, drawn.begin(), [](auto& a) { return a.second; });
  return drawn;
}

std::uint32_t share(double fraction, std::uint32_t count) {
  return static_cast<std::uint32_t>(std::lround(fraction * count));
}

}  // namespace

GeneNetwork make_network(const GeneNetworkOptions& options) {
  check(options);
  RandomSequence random(options.seed, Purpose::network);
  GeneNetwork network{.genes = options.genes, .regulators = options.regulators, .edges = {}, .order = {}};

  const auto hierarchy = permutation(options.regulators, random);
  const auto weights = popularity(options.regulators, random);
  const auto regulate = [&](std::uint32_t target, std::uint32_t candidates) {
    const auto in_degree = std::min(1 + random.poisson(options.mean_in_degree - 1), candidates);
    for (const auto level : draw_distinct(in_degree, std::span(weights).first(candidates), random)) {
      const double size = random.uniform(1, 5);
      const double sign = random.chance(options.activating_fraction) ? 1 : -1;
      network.edges.push_back({hierarchy[level], target, static_cast<float>(sign * size)});
    }
  };

  const auto masters = std::max(1U, share(options.unregulated_fraction, options.regulators));
  for (auto level = masters; level < options.regulators; ++level) regulate(hierarchy[level], level);

  const auto others = options.genes - options.regulators;
  const auto shuffled = permutation(others, random);
  for (auto i = share(options.unregulated_fraction, others); i < others; ++i) {
    regulate(options.regulators + shuffled[i], options.regulators);
  }

  std::ranges::sort(network.edges, {},
                    [](const Edge& edge) { return std::tuple(edge.target, edge.regulator); });
  network.order = hierarchy;
  for (auto gene = options.regulators; gene < options.genes; ++gene) network.order.push_back(gene);
  return network;
}

}  // namespace cnnc

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "simulation/capture.hpp"
#include "simulation/kinetics.hpp"
#include "simulation/network.hpp"
#include "core/random.hpp"
#include "simulation/simulate.hpp"

namespace {

using namespace cnnc;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variance_of(std::span<const double> values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size());
}

double correlation_of(std::span<const double> a, std::span<const double> b) {
  const double mean_a = mean_of(a);
  const double mean_b = mean_of(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size()) / std::sqrt(variance_of(a) * variance_of(b));
}

/// Average ranks: equal values share the mean of their places.
std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    for (std::size_t i = first; i <= last; ++i) ranks[order[i]] = static_cast<double>(first + last) / 2;
    first = last + 1;
  }
  return ranks;
}

/// Probability that a score of `positive` is above one of `negative`.
double auroc(std::span<const double> positive, std::span<const double> negative) {
  double wins = 0;
  for (const double p : positive) {
    for (const double n : negative) wins += p > n ? 1.0 : (p == n ? 0.5 : 0.0);
  }
  return wins / static_cast<double>(positive.size()) / static_cast<double>(negative.size());
}

std::string code_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return "no error";
}

/// Gene 0 regulates gene 1; gene 2 is alone.
GeneNetwork small_network(float strength) {
  return {.genes = 3, .regulators = 1, .edges = {{0, 1, strength}}, .order = {0, 1, 2}};
}

/// Concentrations of the first `cells` cells, by gene.
std::vector<std::vector<double>> concentrations(const Kinetics& kinetics, std::uint64_t cells,
                                                std::uint64_t seed) {
  std::vector<std::vector<double>> values(kinetics.genes);
  Trajectories trajectories;
  for (std::uint64_t first = 0; first < cells; first += kCellLanes) {
    simulate_concentrations(kinetics, seed, first, trajectories);
    for (std::size_t gene = 0; gene < kinetics.genes; ++gene) {
      for (const float x : trajectories.concentration[gene]) values[gene].push_back(double{x});
    }
  }
  return values;
}

/// The model of Kinetics for genes 0 and 1 of small_network, by the textbook's Euler-Maruyama scheme:
/// small steps, two normal increments per gene, the standard library's generator.
std::array<std::vector<double>, 2> euler_maruyama(const Kinetics& kinetics, int cells) {
  constexpr double kStep = 0.01;
  const double decay = double{kDecay};
  std::mt19937_64 engine(5);
  std::normal_distribution<double> increment(0, double{kNoise} * std::sqrt(kStep));
  const double strength = double{kinetics.edges[0].strength};
  const double half = double{kinetics.half_response[0]};
  std::array<std::vector<double>, 2> values;
  for (int cell = 0; cell < cells; ++cell) {
    double x = double{kinetics.steady_state[0]};
    double y = double{kinetics.steady_state[1]};
    const auto move = [&](double& z, double production) {
      const double gain = std::sqrt(production) * increment(engine);
      const double loss = std::sqrt(decay * z) * increment(engine);
      z = std::max(0.0, z + (production - decay * z) * kStep + gain + loss);
    };
    for (double time = 0; time < 12; time += kStep) {
      const double active = x * x / (half * half + x * x);
      move(y, strength > 0 ? strength * active : -strength * (1 - active));
      move(x, double{kinetics.unregulated_rate[0]});
    }
    values[0].push_back(x);
    values[1].push_back(y);
  }
  return values;
}

Simulation sample_simulation(double mean_umis_per_cell, double library_size_sigma = 0.3) {
  const auto network = make_network({.genes = 100, .regulators = 20, .seed = 11});
  return prepare_simulation(network, {.cells = 2000,
                                      .cell_types = 3,
                                      .mean_umis_per_cell = mean_umis_per_cell,
                                      .library_size_sigma = library_size_sigma,
                                      .seed = 12});
}

CountBlock simulate_all(const Simulation& simulation) {
  CountBlock block;
  simulate_cells(simulation, 0, static_cast<std::uint32_t>(simulation.cells), 2, block);
  return block;
}

/// UMIs of each cell.
std::vector<double> totals_of(const CountBlock& block) {
  std::vector<double> totals(block.cell_type.size());
  for (std::size_t cell = 0; cell < totals.size(); ++cell) {
    for (auto i = block.indptr[cell]; i < block.indptr[cell + 1]; ++i) totals[cell] += block.counts[i];
  }
  return totals;
}

/// Counts divided by the cell's total, by gene.
std::vector<std::vector<double>> shares_of(const CountBlock& block, std::uint32_t genes) {
  const auto totals = totals_of(block);
  std::vector<std::vector<double>> shares(genes, std::vector<double>(totals.size()));
  for (std::size_t cell = 0; cell < totals.size(); ++cell) {
    for (auto i = block.indptr[cell]; i < block.indptr[cell + 1]; ++i) {
      shares[static_cast<std::size_t>(block.indices[i])][cell] = block.counts[i] / totals[cell];
    }
  }
  return shares;
}

}  // namespace

TEST_CASE("philox gives the known answers of Random123") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == RandomWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        RandomWords{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        RandomWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("normal deviates have the moments of the standard normal") {
  RandomSequence random(1, Purpose::network);
  constexpr int kDraws = 200'000;
  std::array<double, 4> moments{};
  for (int i = 0; i < kDraws; ++i) {
    const double z = random.normal();
    double power = 1;
    for (double& moment : moments) moment += (power *= z) / kDraws;
  }
  CHECK(std::abs(moments[0]) < 0.01);
  CHECK(std::abs(moments[1] - 1) < 0.02);
  CHECK(std::abs(moments[2]) < 0.04);
  CHECK(std::abs(moments[3] - 3) < 0.12);
}

TEST_CASE("Poisson counts have equal mean and variance, and the right share of zeros") {
  constexpr int kDraws = 100'000;
  for (const double mean : {0.05, 1.0, 4.0, 16.0, 16.5, 200.0}) {
    CAPTURE(mean);
    RandomSequence random(2, Purpose::network);
    std::vector<double> counts;
    for (int i = 0; i < kDraws; ++i) counts.push_back(random.poisson(mean));
    CHECK(std::abs(mean_of(counts) - mean) < 5 * std::sqrt(mean / kDraws));
    CHECK(variance_of(counts) == doctest::Approx(mean).epsilon(0.03));
    const auto zeros = static_cast<double>(std::ranges::count(counts, 0.0));
    CHECK(std::abs(zeros / kDraws - std::exp(-mean)) < 0.008);
  }
  RandomSequence random(2, Purpose::network);
  CHECK(random.poisson(0) == 0);
}

TEST_CASE("a random network is acyclic, sorted, and has only regulators that may regulate") {
  for (const GeneNetworkOptions& options : {GeneNetworkOptions{.genes = 1, .regulators = 1, .mean_in_degree = 1},
                                        {.genes = 50, .regulators = 50, .mean_in_degree = 3},
                                        {.genes = 60, .regulators = 3, .mean_in_degree = 3},
                                        {.genes = 2000, .regulators = 200, .mean_in_degree = 2.5}}) {
    const auto genes = options.genes;
    const auto regulators = options.regulators;
    CAPTURE(genes);
    const auto network = make_network(options);
    const std::set<std::uint32_t> named(network.order.begin(), network.order.end());
    CHECK(network.order.size() == genes);
    CHECK(named.size() == genes);
    CHECK(*named.rbegin() == genes - 1);

    std::vector<std::size_t> position(genes);
    for (std::size_t i = 0; i < genes; ++i) position[network.order[i]] = i;
    bool valid = true;
    for (const Edge& edge : network.edges) {
      valid &= edge.regulator < regulators && edge.target < genes;
      valid &= position[edge.regulator] < position[edge.target];
      valid &= std::abs(edge.strength) >= 1 && std::abs(edge.strength) <= 5;
    }
    CHECK(valid);
    const auto unordered = [](const Edge& a, const Edge& b) {
      return std::pair(a.target, a.regulator) >= std::pair(b.target, b.regulator);
    };
    CHECK(std::ranges::adjacent_find(network.edges, unordered) == network.edges.end());
  }
}

TEST_CASE("a random network has the shape that was asked for") {
  const GeneNetworkOptions options{.genes = 4000,
                               .regulators = 400,
                               .mean_in_degree = 3,
                               .activating_fraction = 0.6,
                               .unregulated_fraction = 0.25,
                               .seed = 3};
  const auto network = make_network(options);
  std::vector<int> in_degree(options.genes);
  std::vector<int> out_degree(options.regulators);
  double activating = 0;
  for (const Edge& edge : network.edges) {
    ++in_degree[edge.target];
    ++out_degree[edge.regulator];
    activating += edge.strength > 0;
  }
  const auto edges = static_cast<double>(network.edges.size());
  CHECK(std::ranges::count(std::span(in_degree).first(options.regulators), 0) == 100);
  CHECK(std::ranges::count(std::span(in_degree).subspan(options.regulators), 0) == 900);
  CHECK(edges / 3000 == doctest::Approx(3).epsilon(0.05));
  CHECK(activating / edges == doctest::Approx(0.6).epsilon(0.05));

  // Hubs: with rank^(-2/3) the first tenth of 400 regulators holds 43 % of the edges.
  std::ranges::sort(out_degree, std::greater{});
  CHECK(std::accumulate(out_degree.begin(), out_degree.begin() + 40, 0.0) / edges > 0.35);
}

TEST_CASE("a random network is a function of its seed") {
  const auto strengths = [](std::uint64_t seed) {
    std::vector<float> values;
    for (const Edge& edge : make_network({.genes = 50, .regulators = 10, .seed = seed}).edges) {
      values.push_back(edge.strength);
    }
    return values;
  };
  CHECK(strengths(1) == strengths(1));
  CHECK(strengths(1) != strengths(2));
  CHECK(strengths(1) != strengths((std::uint64_t{1} << 32) + 1));
}

TEST_CASE("options that make no network are refused") {
  const auto code = [](const GeneNetworkOptions& options) {
    return code_of([&] { (void)make_network(options); });
  };
  CHECK(code({.genes = 0, .regulators = 0}) == "INVALID_OPTIONS");
  CHECK(code({.genes = 5, .regulators = 0}) == "INVALID_OPTIONS");
  CHECK(code({.genes = 5, .regulators = 6}) == "INVALID_OPTIONS");
  CHECK(code({.genes = 5, .regulators = 5, .mean_in_degree = 0.5}) == "INVALID_OPTIONS");
  CHECK(code({.genes = 5, .regulators = 5, .mean_in_degree = 6}) == "INVALID_OPTIONS");
  CHECK(code({.genes = 5, .regulators = 5, .mean_in_degree = std::nan("")}) == "INVALID_OPTIONS");
  CHECK(code({.genes = 5, .regulators = 5, .activating_fraction = 1.1}) == "INVALID_OPTIONS");
  CHECK(code({.genes = 5, .regulators = 5, .unregulated_fraction = -0.1}) == "INVALID_OPTIONS");
}

TEST_CASE("networks that break their promises are refused") {
  const auto code = [](const GeneNetwork& network) {
    return code_of([&] { (void)make_kinetics(network, 2, 0); });
  };
  CHECK(code(small_network(3)) == "no error");
  CHECK(code(small_network(0)) == "INVALID_NETWORK");
  CHECK(code(small_network(std::nanf(""))) == "INVALID_NETWORK");
  CHECK(code({.genes = 0, .regulators = 0, .edges = {}, .order = {}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 1, .regulators = 2, .edges = {}, .order = {0}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {}, .order = {0}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {}, .order = {0, 0}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {}, .order = {0, 2}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {{0, 1, 2}}, .order = {1, 0}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {{0, 0, 2}}, .order = {0, 1}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {{1, 0, 2}}, .order = {1, 0}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {{0, 2, 2}}, .order = {0, 1}}) == "INVALID_NETWORK");
  CHECK(code({.genes = 2, .regulators = 1, .edges = {{0, 1, 2}, {0, 1, 3}}, .order = {0, 1}}) ==
        "INVALID_NETWORK");
}

TEST_CASE("steady states are fixed points, and half responses their mean over the types") {
  const auto network = make_network({.genes = 40, .regulators = 10, .seed = 4});
  const auto kinetics = make_kinetics(network, 4, 4);
  const auto state = [&](std::size_t gene, std::size_t type) {
    return double{kinetics.steady_state[gene * 4 + type]};
  };
  std::vector<bool> regulated(network.genes);
  for (const Edge& edge : network.edges) regulated[edge.target] = true;
  for (std::size_t type = 0; type < 4; ++type) {
    std::vector<double> production(network.genes);
    for (const Edge& edge : network.edges) {
      double mean = 0;
      for (std::size_t t = 0; t < 4; ++t) mean += state(edge.regulator, t) / 4;
      const double active = 1 / (1 + std::pow(mean / state(edge.regulator, type), 2));
      const double strength = double{edge.strength};
      production[edge.target] += strength > 0 ? strength * active : -strength * (1 - active);
    }
    for (std::size_t gene = 0; gene < network.genes; ++gene) {
      CAPTURE(gene);
      if (regulated[gene]) CHECK(production[gene] == doctest::Approx(0.8 * state(gene, type)).epsilon(1e-4));
      if (!regulated[gene] && gene >= 10) CHECK(state(gene, type) == state(gene, 0));
    }
  }
  const auto master = network.order[0];
  CHECK(state(master, 0) != state(master, 1));
}

TEST_CASE("a gene without regulators has mean production / decay and, by theory, the same variance") {
  const auto kinetics = make_kinetics(small_network(3), 1, 6);
  const auto values = concentrations(kinetics, 16'384, 6);
  const double production = double{kinetics.unregulated_rate[2]};
  CHECK(mean_of(values[2]) == doctest::Approx(production / 0.8).epsilon(0.03));
  // Linear noise: noise^2 (production + decay mean) / (2 decay), which is noise^2 mean.
  CHECK(variance_of(values[2]) == doctest::Approx(production / 0.8).epsilon(0.1));
  CHECK(std::abs(correlation_of(values[0], values[2])) < 0.03);
}

TEST_CASE("the fast integrator has the distribution of Euler-Maruyama with normal increments") {
  for (const float strength : {4.0F, -4.0F}) {
    CAPTURE(strength);
    const auto kinetics = make_kinetics(small_network(strength), 1, 7);
    const auto fast = concentrations(kinetics, 16'384, 7);
    const auto plain = euler_maruyama(kinetics, 4096);
    for (std::size_t gene = 0; gene < 2; ++gene) {
      CAPTURE(gene);
      CHECK(mean_of(fast[gene]) == doctest::Approx(mean_of(plain[gene])).epsilon(0.04));
      CHECK(variance_of(fast[gene]) == doctest::Approx(variance_of(plain[gene])).epsilon(0.12));
    }
    const double correlation = correlation_of(fast[0], fast[1]);
    CHECK(std::abs(correlation - correlation_of(plain[0], plain[1])) < 0.06);
    CHECK((correlation > 0) == (strength > 0));
  }
}

TEST_CASE("activation raises the target of a busy regulator, repression lowers it") {
  for (const float strength : {5.0F, -5.0F}) {
    const auto kinetics = make_kinetics(small_network(strength), 1, 8);
    const auto values = concentrations(kinetics, 8192, 8);
    std::array<std::vector<double>, 2> target;  // below and above the half response
    for (std::size_t cell = 0; cell < values[0].size(); ++cell) {
      target[values[0][cell] > double{kinetics.half_response[0]}].push_back(values[1][cell]);
    }
    const double ratio = mean_of(target[1]) / mean_of(target[0]);
    if (strength > 0) CHECK(ratio > 1.1);
    if (strength < 0) CHECK(ratio < 0.9);
  }
}

TEST_CASE("library sizes are log-normal with the mean and sigma asked for") {
  for (const double sigma : {0.0, 0.3, 0.6}) {
    CAPTURE(sigma);
    const auto totals = totals_of(simulate_all(sample_simulation(3000, sigma)));
    CHECK(mean_of(totals) == doctest::Approx(3000).epsilon(0.05));
    std::vector<double> logs(totals.size());
    std::ranges::transform(totals, logs.begin(), [](double total) { return std::log(total); });
    const double counting = 1.0 / 3000;  // what Poisson adds to the variance of the logarithm, about
    CHECK(std::sqrt(variance_of(logs)) == doctest::Approx(std::sqrt(sigma * sigma + counting)).epsilon(0.06));
  }
}

TEST_CASE("a cell's molecules are shared out by concentration") {
  const Capture capture{.mean_umis_per_cell = 6000, .library_size_sigma = 0, .molecules_per_unit = {1, 2, 3}};
  std::vector<CellLanes> concentration(3);
  for (auto& lanes : concentration) lanes.fill(1);
  concentration[0].back() = 0;
  std::array<std::vector<double>, 3> counts;
  std::array<CellCounts, kCellLanes> cells;
  for (std::uint64_t first = 0; first < 4096; first += kCellLanes) {
    capture_molecules(capture, 9, first, concentration, cells);
    CHECK(cells.back().genes == std::vector<std::int32_t>{1, 2});
    for (std::size_t gene = 0; gene < 3; ++gene) counts[gene].push_back(cells[0].counts[gene]);
  }
  for (std::size_t gene = 0; gene < 3; ++gene) {
    const double expected = 1000.0 * static_cast<double>(gene + 1);
    CHECK(mean_of(counts[gene]) == doctest::Approx(expected).epsilon(0.02));
    CHECK(variance_of(counts[gene]) == doctest::Approx(expected).epsilon(0.4));
  }
}

TEST_CASE("a cell without transcripts has no counts") {
  const Capture capture{.mean_umis_per_cell = 100, .library_size_sigma = 0, .molecules_per_unit = {1}};
  std::array<CellCounts, kCellLanes> cells;
  capture_molecules(capture, 9, 0, std::vector<CellLanes>(1), cells);
  CHECK(cells[0].counts.empty());
}

TEST_CASE("more UMIs per cell make the matrix denser") {
  double previous = 0;
  for (const double umis : {20.0, 100.0, 500.0, 2500.0}) {
    CAPTURE(umis);
    const auto block = simulate_all(sample_simulation(umis));
    const double density = static_cast<double>(block.indices.size()) / (2000.0 * 100.0);
    CHECK(density > 1.2 * previous);
    CHECK(density <= umis / 100);
    previous = density;
  }
  CHECK(previous > 0.8);
}

TEST_CASE("blocks are valid CSR, with types in equal parts and expression spread over genes") {
  const auto block = simulate_all(sample_simulation(500));
  CHECK(block.indptr.front() == 0);
  CHECK(block.indptr.back() == block.indices.size());
  CHECK(block.indices.size() == block.counts.size());
  bool valid = true;
  for (std::size_t cell = 0; cell < 2000; ++cell) {
    for (auto i = block.indptr[cell]; i < block.indptr[cell + 1]; ++i) {
      valid &= block.indices[i] >= 0 && block.indices[i] < 100 && block.counts[i] >= 1;
      valid &= i == block.indptr[cell] || block.indices[i - 1] < block.indices[i];
    }
  }
  CHECK(valid);
  CHECK(std::ranges::count(block.cell_type, 0) == 667);
  CHECK(std::ranges::count(block.cell_type, 1) == 667);
  CHECK(std::ranges::count(block.cell_type, 2) == 666);

  std::vector<double> logs;
  for (const auto& share : shares_of(block, 100)) logs.push_back(std::log(mean_of(share)));
  CHECK(std::sqrt(variance_of(logs)) > 0.9);
  CHECK(std::sqrt(variance_of(logs)) < 1.8);
}

TEST_CASE("neither threads nor blocks change a single count") {
  const auto simulation = sample_simulation(1000);
  CountBlock whole;
  simulate_cells(simulation, 0, 200, 1, whole);
  for (const unsigned threads : {0U, 2U, 5U}) {
    CAPTURE(threads);
    for (const std::uint32_t size : {1U, 7U, 16U, 33U, 200U}) {
      CAPTURE(size);
      CountBlock joined{.indptr = {0}, .indices = {}, .counts = {}, .cell_type = {}};
      CountBlock block;
      for (std::uint32_t first = 0; first < 200; first += size) {
        simulate_cells(simulation, first, std::min(size, 200 - first), threads, block);
        const auto start = joined.indptr.back();
        for (std::size_t i = 1; i < block.indptr.size(); ++i) {
          joined.indptr.push_back(start + block.indptr[i]);
        }
        joined.indices.insert(joined.indices.end(), block.indices.begin(), block.indices.end());
        joined.counts.insert(joined.counts.end(), block.counts.begin(), block.counts.end());
        joined.cell_type.insert(joined.cell_type.end(), block.cell_type.begin(), block.cell_type.end());
      }
      CHECK(joined.indptr == whole.indptr);
      CHECK(joined.indices == whole.indices);
      CHECK(joined.counts == whole.counts);
      CHECK(joined.cell_type == whole.cell_type);
    }
  }
  CountBlock none;
  simulate_cells(simulation, 2000, 0, 1, none);
  CHECK(none.indptr == std::vector<std::uint64_t>{0});
}

TEST_CASE("cells differ from each other and between seeds") {
  auto simulation = sample_simulation(1000);
  CountBlock first;
  CountBlock second;
  simulate_cells(simulation, 0, 1, 1, first);
  simulate_cells(simulation, 3, 1, 1, second);
  CHECK(first.counts != second.counts);
  simulation.seed += 1;
  simulate_cells(simulation, 0, 1, 1, second);
  CHECK(first.counts != second.counts);
}

TEST_CASE("a simulation counts its cells and stops when told to") {
  const auto simulation = sample_simulation(100);
  CountBlock block;
  std::atomic<std::uint64_t> done = 0;
  std::atomic<bool> cancel = false;
  simulate_cells(simulation, 5, 70, 2, block, {.cancel = &cancel, .done = &done});
  CHECK(done == 70);
  cancel = true;
  CHECK_THROWS_AS(simulate_cells(simulation, 5, 70, 2, block, {.cancel = &cancel, .done = &done}), Cancelled);
}

TEST_CASE("options that make no simulation are refused") {
  const auto code = [](const SimulationOptions& options) {
    return code_of([&] { (void)prepare_simulation(small_network(3), options); });
  };
  CHECK(code({.cells = 1}) == "no error");
  CHECK(code({.cells = 0}) == "INVALID_OPTIONS");
  CHECK(code({.cells = (std::uint64_t{1} << 32) + 1}) == "INVALID_OPTIONS");
  CHECK(code({.cells = 1, .cell_types = 0}) == "INVALID_OPTIONS");
  CHECK(code({.cells = 1, .cell_types = 257}) == "INVALID_OPTIONS");
  CHECK(code({.cells = 1, .mean_umis_per_cell = 0}) == "INVALID_OPTIONS");
  CHECK(code({.cells = 1, .mean_umis_per_cell = 2e6}) == "INVALID_OPTIONS");
  CHECK(code({.cells = 1, .mean_umis_per_cell = std::nan("")}) == "INVALID_OPTIONS");
  CHECK(code({.cells = 1, .library_size_sigma = -1}) == "INVALID_OPTIONS");
  CHECK(code({.cells = 1, .library_size_sigma = 2}) == "INVALID_OPTIONS");

  const auto simulation = sample_simulation(100);
  CountBlock block;
  CHECK(code_of([&] { simulate_cells(simulation, 1999, 2, 1, block); }) == "INVALID_OPTIONS");
  CHECK(code_of([&] { simulate_cells(simulation, 2001, 0, 1, block); }) == "INVALID_OPTIONS");
}

TEST_CASE("the network can be recovered from the counts") {
  const auto network = make_network({.genes = 100, .regulators = 20, .seed = 11});
  const auto shares = shares_of(simulate_all(sample_simulation(1500)), 100);
  std::vector<std::vector<double>> ranks;
  for (const auto& share : shares) ranks.push_back(ranks_of(share));

  std::vector<double> of_edges;
  std::vector<double> of_others;
  int right_sign = 0;
  std::set<std::pair<std::uint32_t, std::uint32_t>> linked;
  for (const Edge& edge : network.edges) {
    const double spearman = correlation_of(ranks[edge.regulator], ranks[edge.target]);
    of_edges.push_back(std::abs(spearman));
    right_sign += (spearman > 0) == (edge.strength > 0);
    linked.insert({edge.regulator, edge.target});
    linked.insert({edge.target, edge.regulator});
  }
  for (std::uint32_t regulator = 0; regulator < 20; ++regulator) {
    for (std::uint32_t gene = regulator + 1; gene < 100; ++gene) {
      if (linked.contains({regulator, gene})) continue;
      of_others.push_back(std::abs(correlation_of(ranks[regulator], ranks[gene])));
    }
  }
  CHECK(auroc(of_edges, of_others) > 0.75);
  CHECK(right_sign / static_cast<double>(network.edges.size()) > 0.85);
}

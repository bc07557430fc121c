#include "core/pair_groups.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "reference.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

constexpr std::uint32_t kGenes = 60;

ExpressionStore store_of_rising_density() {
  const Matrix matrix = random_counts(200, kGenes, 0.02, 1.0, 3);
  return build(whole_matrix(matrix, Scale::linear, Transform::log10), blocks_of(matrix, MajorAxis::cell, false, 50));
}

std::vector<std::uint32_t> random_genes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint32_t> genes(count);
  for (auto& gene : genes) gene = random() % kGenes;
  return genes;
}

}  // namespace

TEST_CASE("every pair is in one group, its denser gene in the lane that is told, its other gene streamed") {
  const ExpressionStore store = store_of_rising_density();
  // More than one task of a thread, with repetitions and genes beside themselves.
  const auto a = random_genes(150'000, 1);
  const auto b = random_genes(150'000, 2);
  for (const unsigned threads : {1U, 3U}) {
    const PairGroups groups(store, {a, b}, 8, threads);
    std::vector<int> seen(a.size(), 0);
    std::vector<GroupedPair> members;
    for (std::size_t group = 0; group < groups.size(); ++group) {
      groups.pairs_of(group, members);
      const auto lanes = groups.lane_genes(group);
      CHECK(lanes.size() <= 8);
      bool right = true;
      for (const GroupedPair& pair : members) {
        ++seen[pair.pair];
        const std::uint32_t spread = lanes[pair.lane];
        right = right && std::minmax(spread, pair.streamed) == std::minmax(a[pair.pair], b[pair.pair]);
        right = right && store.stored[spread] >= store.stored[pair.streamed];
      }
      CHECK(right);
      CHECK(std::is_sorted(members.begin(), members.end(),
                           [](const auto& one, const auto& other) { return one.streamed < other.streamed; }));
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
  }
}

TEST_CASE("genes are spread only when a pair needs it, and once") {
  const ExpressionStore store = store_of_rising_density();
  // Gene 0 is constant and so the sparsest, gene 59 the densest.
  const std::vector<std::uint32_t> a{0, 59, 0, 30};
  const std::vector<std::uint32_t> b{59, 0, 30, 30};
  const PairGroups groups(store, {a, b}, 8, 2);
  REQUIRE(groups.size() == 1);
  const auto lanes = groups.lane_genes(0);
  CHECK(std::vector(lanes.begin(), lanes.end()) == std::vector<std::uint32_t>{59, 30});
  CHECK(PairGroups(store, {}, 8, 2).size() == 0);
}

TEST_CASE("the cheapest way spreads the few genes that all others meet, though they are sparser") {
  const ExpressionStore store = store_of_rising_density();
  // Three sparse genes with all others, which are 40 of 60.
  std::vector<std::uint32_t> few;
  std::vector<std::uint32_t> many;
  for (std::uint32_t gene = 20; gene < kGenes; ++gene) {
    for (const std::uint32_t sparse : {3U, 4U, 5U}) {
      few.push_back(sparse);
      many.push_back(gene);
    }
  }
  const auto lanes_of = [&](const Pairs& pairs, SpreadGene spread) {
    const PairGroups groups(store, pairs, 8, 2, spread);
    std::size_t lanes = 0;
    std::size_t members = 0;
    for (std::size_t group = 0; group < groups.size(); ++group) {
      lanes += groups.lane_genes(group).size();
      members += groups.pairs_in(group);
    }
    CHECK(members == few.size());
    return lanes;
  };
  CHECK(lanes_of({few, many}, SpreadGene::cheapest) == 3);
  CHECK(lanes_of({many, few}, SpreadGene::cheapest) == 3);
  CHECK(lanes_of({few, many}, SpreadGene::denser) == 40);

  const PairGroups groups(store, {many, few}, 8, 2, SpreadGene::cheapest);
  REQUIRE(groups.size() == 1);
  std::vector<GroupedPair> members;
  groups.pairs_of(0, members);
  const auto lanes = groups.lane_genes(0);
  CHECK(std::all_of(members.begin(), members.end(), [&](const GroupedPair& pair) {
    return lanes[pair.lane] == few[pair.pair] && pair.streamed == many[pair.pair];
  }));
}

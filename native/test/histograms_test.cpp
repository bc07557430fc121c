#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/histogram_plan.hpp"
#include "core/histograms.hpp"
#include "cpu/kernels.hpp"
#include "reference.hpp"
#include "test/errors.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

struct PairList {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
  [[nodiscard]] Pairs view() const { return {a, b}; }
};

PairList random_pairs(std::uint32_t genes, std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  PairList pairs;
  for (std::size_t pair = 0; pair < count; ++pair) {
    pairs.a.push_back(static_cast<std::uint32_t>(random() % genes));
    pairs.b.push_back(static_cast<std::uint32_t>(random() % genes));
  }
  return pairs;
}

/// The definition: every cell visited for every pair.
std::vector<std::uint32_t> count_cells(const ExpressionStore& store, const PairList& pairs) {
  std::vector<std::vector<std::uint8_t>> bins(store.genes);
  for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
    bins[gene].assign(store.cells, store.zero_bin[gene]);
    for (std::size_t i = 0; i < store.cells_of(gene).size(); ++i) {
      bins[gene][store.cells_of(gene)[i]] = store.bins_of(gene)[i];
    }
  }
  std::vector<std::uint32_t> counts(pairs.a.size() * kImage, 0);
  for (std::size_t pair = 0; pair < pairs.a.size(); ++pair) {
    for (std::size_t cell = 0; cell < store.cells; ++cell) {
      ++counts[pair * kImage + bins[pairs.b[pair]][cell] * std::size_t{kBins} + bins[pairs.a[pair]][cell]];
    }
  }
  return counts;
}

template <class Count>
std::vector<Count> count_fast(const ExpressionStore& store, const PairList& pairs, unsigned threads) {
  std::vector<Count> counts(pairs.a.size() * kImage, Count{77});
  histograms_cpu(store, pairs.view(), std::span<Count>(counts), threads);
  return counts;
}

template <class Count>
bool same(const std::vector<Count>& fast, const std::vector<std::uint32_t>& slow) {
  return std::equal(fast.begin(), fast.end(), slow.begin(), slow.end());
}

ExpressionStore store_of(std::size_t cells, std::size_t genes, double least, double most, bool keep_values = false) {
  const Matrix matrix = random_counts(cells, genes, least, most, static_cast<unsigned>(cells + genes));
  StoreOptions options = whole_matrix(matrix, Scale::counts, Transform::log10);
  options.keep_values = keep_values;
  return build(options, blocks_of(matrix, MajorAxis::cell, false, 100));
}

}  // namespace

TEST_CASE("histograms equal a visit to every cell, for any density, size and thread count") {
  for (const std::size_t cells : {2, 63, 64, 65, 255, 500, 1999}) {
    for (const auto& [least, most] : {std::pair{0.0, 0.05}, {0.05, 0.4}, {0.7, 1.0}}) {
      const ExpressionStore store = store_of(cells, 29, least, most);
      const PairList pairs = random_pairs(store.genes, 400, 11);
      const auto expected = count_cells(store, pairs);
      for (const unsigned threads : {1U, 2U, 5U}) {
        CHECK(same(count_fast<std::uint32_t>(store, pairs, threads), expected));
        CHECK(same(count_fast<std::uint16_t>(store, pairs, threads), expected));
        if (cells <= 255) CHECK(same(count_fast<std::uint8_t>(store, pairs, threads), expected));
      }
    }
  }
}

TEST_CASE("values kept beside the bins do not change the counts") {
  const PairList pairs = random_pairs(29, 300, 3);
  CHECK(count_fast<std::uint16_t>(store_of(700, 29, 0.1, 0.6, true), pairs, 2) ==
        count_fast<std::uint16_t>(store_of(700, 29, 0.1, 0.6, false), pairs, 2));
}

TEST_CASE("more cells than 16 bits count, in streams below and above 65,535 entries") {
  const ExpressionStore store = store_of(70'003, 5, 0.1, 1.2);
  REQUIRE(store.stored[1] < 65'536);
  REQUIRE(store.stored[4] > 65'535);
  const PairList pairs = random_pairs(store.genes, 60, 5);
  CHECK(same(count_fast<std::uint32_t>(store, pairs, 2), count_cells(store, pairs)));
}

TEST_CASE("the image of (b, a) is the transpose, and counts sum to the cells") {
  const ExpressionStore store = store_of(321, 17, 0.05, 0.9);
  const PairList pairs = random_pairs(store.genes, 200, 9);
  const auto forward = count_fast<std::uint16_t>(store, pairs, 1);
  const auto backward = count_fast<std::uint16_t>(store, {pairs.b, pairs.a}, 1);
  for (std::size_t pair = 0; pair < pairs.a.size(); ++pair) {
    const auto* image = &forward[pair * kImage];
    CHECK(std::accumulate(image, image + kImage, 0U) == store.cells);
    bool transposed = true;
    for (std::size_t row = 0; row < kBins; ++row) {
      for (std::size_t column = 0; column < kBins; ++column) {
        transposed = transposed && image[row * kBins + column] == backward[pair * kImage + column * kBins + row];
      }
    }
    CHECK(transposed);
  }
}

TEST_CASE("every kernel of this machine counts the same, in both layouts") {
  const ExpressionStore store = store_of(1234, 9, 0.05, 0.95);
  std::vector<std::uint64_t> lanes(store.cells, 0);
  std::uint64_t zero_bins = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    zero_bins |= std::uint64_t{store.zero_bin[lane]} << (8 * lane);
    std::vector<std::uint64_t> bins(store.cells, store.zero_bin[lane]);
    for (std::size_t i = 0; i < store.cells_of(lane).size(); ++i) bins[store.cells_of(lane)[i]] = store.bins_of(lane)[i];
    for (std::size_t cell = 0; cell < store.cells; ++cell) lanes[cell] |= bins[cell] << (8 * lane);
  }
  const StreamedGene stream{store.cells_of(8), store.bins_of(8).data()};
  const SpreadGenes spread{lanes.data(), zero_bins};
  if (avx512_kernels() == nullptr) MESSAGE("no AVX-512 on this machine: only the portable kernel is checked");
  for (const Layout layout : {Layout::stream_rows, Layout::lane_rows}) {
    const auto images = [&](const Kernels& kernels) {
      std::vector<std::uint16_t> small(kLaneCounts, 0);
      std::vector<std::uint32_t> large(kLaneCounts, 0);
      kernels.count_16(stream, spread, layout, small.data());
      kernels.count_32(stream, spread, layout, large.data());
      std::vector<std::uint32_t> all;
      for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        const bool stream_rows = layout == Layout::stream_rows;
        const std::size_t start = lane * (stream_rows ? kImage : kBins);
        const std::size_t stride = stream_rows ? kBins : kLanes * kBins;
        const std::uint32_t row_gene = stream_rows ? 8 : lane;
        const std::uint32_t column_gene = stream_rows ? lane : 8;
        const auto complete = [&](auto counted, auto write, auto count) {
          std::vector<decltype(count)> out(kImage);
          write({counted + start, stride, store.marginal[row_gene].data(), store.marginal[column_gene].data(),
                 store.zero_bin[row_gene], store.zero_bin[column_gene]},
                out.data());
          all.insert(all.end(), out.begin(), out.end());
        };
        complete(static_cast<const std::uint16_t*>(small.data()), kernels.complete_16_to_16, std::uint16_t{});
        complete(static_cast<const std::uint16_t*>(small.data()), kernels.complete_16_to_32, std::uint32_t{});
        complete(static_cast<const std::uint32_t*>(large.data()), kernels.complete_32_to_32, std::uint32_t{});
      }
      return all;
    };
    const auto portable = images(portable_kernels());
    CHECK(std::accumulate(portable.begin(), portable.end(), std::uint64_t{0}) == std::uint64_t{store.cells} * 3 * kLanes);
    CHECK(images(best_kernels()) == portable);
  }
}

TEST_CASE("a plan yields each pair exactly once, whichever side it spreads") {
  const ExpressionStore store = store_of(100, 40, 0.1, 0.9);
  PairList product;
  for (std::uint32_t a = 0; a < 3; ++a) {
    for (std::uint32_t b = 0; b < 40; ++b) {
      product.a.push_back(a);
      product.b.push_back(b);
    }
  }
  const PairList reversed{product.b, product.a};
  const PairList random = random_pairs(40, 5000, 2);
  CHECK(plan_histograms(store, product.view()).lanes_hold_a != plan_histograms(store, reversed.view()).lanes_hold_a);
  for (const PairList* pairs : std::array<const PairList*, 3>{&product, &reversed, &random}) {
    const Plan plan = plan_histograms(store, pairs->view());
    std::vector<int> seen(pairs->a.size(), 0);
    for (const Task& task : plan.tasks) {
      CHECK(task.lanes <= kLanes);
      for (std::uint32_t s = 0; s < task.streams; ++s) {
        const Stream& stream = plan.streams[task.first_stream + s];
        for (std::uint32_t o = 0; o < stream.outputs; ++o) {
          const LaneOutput output = plan.outputs[stream.first_output + o];
          const std::uint32_t lane_gene = plan.lane_genes[task.first_lane_gene + output.lane];
          CHECK((plan.lanes_hold_a ? pairs->a : pairs->b)[output.pair] == lane_gene);
          CHECK((plan.lanes_hold_a ? pairs->b : pairs->a)[output.pair] == stream.gene);
          ++seen[output.pair];
        }
      }
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
  }
}

TEST_CASE("NEPDF is (log10(count / cells + 1e-4) + 4) / 4") {
  const ExpressionStore store = store_of(20'011, 6, 0.1, 0.9);
  const PairList pairs = random_pairs(store.genes, 20, 1);
  const auto counts = count_cells(store, pairs);
  const auto nepdf = count_fast<float>(store, pairs, 2);
  double worst = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    worst = test::larger_error(worst, std::abs(nepdf[i] - (std::log10(counts[i] / 20011.0 + 1e-4) + 4) / 4));
  }
  CHECK(worst < 1e-7);
}

TEST_CASE("wrong arguments and cancelling are reported, and no pairs are no work") {
  const ExpressionStore store = store_of(300, 4, 0.2, 0.5);
  std::vector<std::uint16_t> counts(kImage);
  std::vector<std::uint8_t> small(kImage);
  const std::vector<std::uint32_t> zero{0};
  const std::vector<std::uint32_t> four{4};
  const auto run = [&](Pairs pairs, HistogramOutput out, const JobControl& control = {}) -> std::string {
    try {
      histograms_cpu(store, pairs, out, 1, control);
    } catch (const Error& error) {
      return error.code();
    }
    return "no error";
  };
  CHECK(run({zero, zero}, std::span(counts)) == "no error");
  CHECK(run({}, std::span<std::uint16_t>()) == "no error");
  CHECK(run({zero, four}, std::span(counts)) == "BAD_PAIRS");
  CHECK(run({zero, {}}, std::span(counts)) == "BAD_PAIRS");
  CHECK(run({zero, zero}, std::span(counts).first(1000)) == "BAD_OUTPUT");
  CHECK(run({zero, zero}, std::span(small)) == "BAD_OUTPUT");
  const std::atomic<bool> cancel{true};
  CHECK(run({zero, zero}, std::span(counts), {&cancel, nullptr}) == "CANCELLED");
  std::atomic<std::uint64_t> done{0};
  CHECK(run({zero, zero}, std::span(counts), {nullptr, &done}) == "no error");
  CHECK(done == 1);
}

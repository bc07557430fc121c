#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "cnn/scorer.hpp"
#include "core/error.hpp"
#include "cpu/network_onednn.hpp"
#include "networks.hpp"
#include "reference.hpp"

namespace cnnc {
namespace {

constexpr std::size_t kCells = 400;
constexpr std::uint32_t kGenes = 9;

/// A store, with the bins of every cell as the histogram engine would see them.
struct Data {
  ExpressionStore store;
  std::vector<std::uint32_t> a, b;

  Data() {
    const auto matrix = test::random_counts(kCells, kGenes, 0.2, 0.8, 5);
    const auto blocks = test::blocks_of(matrix, MajorAxis::cell, false, 100);
    store = test::build(test::whole_matrix(matrix, Scale::linear, Transform::log10), blocks);
    for (std::uint32_t i = 0; i < 75; ++i) {
      a.push_back(1 + i % (kGenes - 1));
      b.push_back(i * 5 % kGenes);
    }
  }
  Pairs pairs() const { return {a, b}; }
  Pairs pairs(std::size_t first, std::size_t count) const {
    return {std::span(a).subspan(first, count), std::span(b).subspan(first, count)};
  }
};

struct Scoring {
  Network network = place_layers(test::compact(2, true, 4));
  std::vector<ImageKind> kinds{ImageKind::nepdf, ImageKind::residual};
  std::unique_ptr<Predictor> predictor;

  explicit Scoring(unsigned threads) : predictor(make_onednn_predictor(network, {Precision::f32, threads, 32})) {
    predictor->set_parameters(test::random_parameters(network, 3));
  }
  std::vector<float> score(const Data& data, const Pairs& pairs, Orders orders, unsigned threads,
                           const JobControl& control = {}) const {
    std::vector<float> out(pairs.a.size() * network.outputs * (orders == Orders::both ? 2 : 1));
    score_pairs(data.store, pairs, orders, ImageMaker(kinds, kCells), *predictor, network.outputs, threads, out,
                control);
    return out;
  }
};

bool without_onednn() {
  if (!onednn_version().empty()) return false;
  MESSAGE("skipped: built without oneDNN");
  return true;
}

}  // namespace

TEST_CASE("scores of pairs are the network's on their images, made one by one") {
  if (without_onednn()) return;
  const Data data;
  const Scoring scoring(1);
  const auto given = scoring.score(data, data.pairs(), Orders::given, 1);
  const auto both = scoring.score(data, data.pairs(), Orders::both, 1);
  const ImageMaker maker(scoring.kinds, kCells);
  const std::size_t outputs = scoring.network.outputs;
  const std::size_t size = scoring.network.input.size();
  for (std::size_t pair = 0; pair < data.a.size(); ++pair) {
    std::vector<std::uint32_t> counts(kImage);
    histograms_cpu(data.store, data.pairs(pair, 1), std::span(counts), 1, {});
    for (const bool swapped : {false, true}) {
      std::vector<float> image(size);
      maker.make(std::span<const std::uint32_t>(counts), 0, swapped, image.data());
      std::vector<float> expected(outputs);
      scoring.predictor->predict(image, expected, size);
      for (std::size_t o = 0; o < outputs; ++o) {
        CHECK(both[(2 * pair + (swapped ? 1 : 0)) * outputs + o] == expected[o]);
        if (!swapped) CHECK(given[pair * outputs + o] == expected[o]);
      }
    }
  }
}

TEST_CASE("the swapped order of a pair scores as the pair of swapped genes does") {
  if (without_onednn()) return;
  const Data data;
  const Scoring scoring(2);
  const auto both = scoring.score(data, data.pairs(), Orders::both, 2);
  const auto mirrored = scoring.score(data, {data.b, data.a}, Orders::given, 2);
  for (std::size_t pair = 0; pair < data.a.size(); ++pair) {
    for (std::size_t o = 0; o < 3; ++o) CHECK(both[(2 * pair + 1) * 3 + o] == mirrored[pair * 3 + o]);
  }
}

TEST_CASE("scores have the same bits however the pairs are cut and whatever the number of threads") {
  if (without_onednn()) return;
  const Data data;
  const auto expected = Scoring(1).score(data, data.pairs(), Orders::both, 1);
  for (const unsigned threads : {2U, 3U}) {
    const Scoring scoring(threads);
    CHECK(scoring.score(data, data.pairs(), Orders::both, threads) == expected);
    for (const std::size_t cut : {1UL, 15UL, 16UL, 33UL}) {
      std::vector<float> pieces;
      for (std::size_t first = 0; first < data.a.size(); first += cut) {
        const auto piece = scoring.score(data, data.pairs(first, std::min(cut, data.a.size() - first)), Orders::both,
                                         threads);
        pieces.insert(pieces.end(), piece.begin(), piece.end());
      }
      CHECK(pieces == expected);
    }
  }
}

TEST_CASE("scoring counts its pairs, stops when it is told to, and can be used again") {
  if (without_onednn()) return;
  const Data data;
  const Scoring scoring(2);
  std::atomic<bool> cancel{true};
  std::atomic<std::uint64_t> done{0};
  CHECK_THROWS_AS(scoring.score(data, data.pairs(), Orders::given, 2, {&cancel, &done}), Cancelled);
  CHECK(done == 0);
  cancel = false;
  const auto scores = scoring.score(data, data.pairs(), Orders::given, 2, {&cancel, &done});
  CHECK(done == data.a.size());
  CHECK(scores == scoring.score(data, data.pairs(), Orders::given, 2));
  CHECK(scoring.score(data, data.pairs(0, 0), Orders::both, 2).empty());
}

TEST_CASE("genes that the store lacks are refused before anything is scored") {
  if (without_onednn()) return;
  Data data;
  data.b[70] = kGenes;
  CHECK_THROWS_AS(Scoring(1).score(data, data.pairs(), Orders::given, 1), Error);
}

}  // namespace cnnc

#include "cuda_network_check.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <variant>
#include <vector>

#include "check_line.hpp"
#include "cnn/reference_engine.hpp"
#include "core/devices.hpp"
#include "cuda/network_cuda.hpp"
#include "simulated_store.hpp"
#include "test/cuda_stores.hpp"
#include "test/networks.hpp"

namespace cnnc::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Kinds = std::vector<ImageKind>;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A network as it is used: its layers, and what its images show.
struct Named {
  std::string name;
  Network network;
  Kinds kinds;
};

Named published(bool causality, std::size_t channels) {
  return {causality ? "cnnc, causality" : "cnnc", place_layers(test::published(channels, causality, 1)),
          channels == 1 ? Kinds{ImageKind::nepdf} : Kinds{ImageKind::residual, ImageKind::margins}};
}
Named compact(bool causality, std::size_t channels) {
  return {causality ? "compact, causality" : "compact", place_layers(test::compact(channels, causality, 1)),
          channels == 1 ? Kinds{ImageKind::nepdf} : Kinds{ImageKind::residual, ImageKind::margins}};
}

double largest_difference(std::span<const float> left, std::span<const float> right) {
  double largest = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double difference = std::abs(double{left[i]} - right[i]);
    largest = std::isfinite(difference) ? std::max(largest, difference) : INFINITY;
  }
  return largest;
}

/// Ranks from 0; equal values in the order in which they stand.
std::vector<double> ranks_of(std::span<const float> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) ranks[order[rank]] = static_cast<double>(rank);
  return ranks;
}

double rank_correlation(std::span<const float> left, std::span<const float> right) {
  const auto x = ranks_of(left);
  const auto y = ranks_of(right);
  const double mean = (static_cast<double>(x.size()) - 1) / 2;
  double product = 0;
  double square = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    product += (x[i] - mean) * (y[i] - mean);
    square += (x[i] - mean) * (x[i] - mean);
  }
  return product / square;
}

bool same_as_reference(const Named& one, std::size_t count) {
  const auto parameters = test::random_parameters(one.network, 17);
  const test::Labelled images = test::random_images(one.network, count, 5);
  const std::size_t size = one.network.input.size();
  std::vector<float> expected(count * one.network.outputs);
  const auto judge = make_reference_predictor(one.network);
  judge->set_parameters(parameters);
  judge->predict(images.images, expected, size);
  bool good = true;
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const auto gpu = make_cuda_predictor(one.network, precision);
    gpu->set_parameters(parameters);
    std::vector<float> given(expected.size());
    gpu->predict(images.images, given, size);
    const bool whole = precision == Precision::f32;
    const double difference = largest_difference(given, expected);
    good = say(whole ? "float32 against plain C++, largest difference" : "bfloat16 against plain C++, largest difference",
               one.name, difference, difference < (whole ? 1e-5 : 0.01)) &&
           good;
  }
  return good;
}

std::vector<float> scores(const Named& one, Precision precision, const ExpressionStore& store, const Pairs& pairs,
                          Orders orders) {
  const auto gpu = make_cuda_predictor(one.network, precision);
  gpu->set_parameters(test::random_parameters(one.network, 17));
  std::vector<float> answers(pairs.a.size() * one.network.outputs * (orders == Orders::both ? 2 : 1));
  gpu->score_pairs(store, pairs, orders, one.kinds, answers, {});
  return answers;
}

/// Pairs whose way through histograms, images and network on the GPU is compared with that on the CPU.
bool same_as_cpu(const Named& one, const ExpressionStore& store, std::size_t count) {
  const test::PairColumns pairs = test::any_pairs(store.genes, count, 3);
  const auto judge = make_reference_predictor(one.network);
  judge->set_parameters(test::random_parameters(one.network, 17));
  const ImageMaker images(one.kinds, store.cells);
  std::vector<float> expected(count * 2 * one.network.outputs);
  score_pairs(store, pairs.view(), Orders::both, images, *judge, one.network.outputs, granted_cpus(), expected);
  const double difference =
      largest_difference(scores(one, Precision::f32, store, pairs.view(), Orders::both), expected);
  const std::string what = "pairs, both orders, of " + std::to_string(store.cells) + " cells, float32";
  return say(what.c_str(), one.name, difference, difference < 1e-5);
}

bool precisions_agree(const Named& one, const ExpressionStore& store) {
  const test::PairColumns pairs = test::any_pairs(store.genes, 20'000, 4);
  const auto whole = scores(one, Precision::f32, store, pairs.view(), Orders::given);
  const auto half = scores(one, Precision::bf16, store, pairs.view(), Orders::given);
  const double difference = largest_difference(half, whole);
  const double correlation = rank_correlation(half, whole);
  const bool close = say("bfloat16 against float32, 20,000 pairs, largest difference", one.name, difference, difference < 0.01);
  return say("the same, rank correlation", one.name, correlation, correlation >= 0.999) && close;
}

/// Multiplications with addition of one image.
double products_of(const Network& network) {
  double products = 0;
  for (const PlacedLayer& layer : network.layers) {
    const bool multiplies = std::holds_alternative<Conv>(layer.layer) || std::holds_alternative<Dense>(layer.layer);
    if (!multiplies) continue;
    const double weights = static_cast<double>(layer.parameters[0].size);
    products += weights * static_cast<double>(layer.out.pixels());
  }
  return products;
}

struct Rate {
  double per_second;
  double seconds;
};

/// Calls score(pairs) of tiles from all over until `seconds` have passed.
template <class Score>
Rate rate_of(const std::vector<Tile>& tiles, double seconds, Score score) {
  score(tiles.front());  // buffers and uploads
  std::size_t pairs = 0;
  const auto start = Clock::now();
  for (std::size_t i = 1; seconds_since(start) < seconds; ++i) {
    const Tile& tile = tiles[i * 7919 % tiles.size()];
    score(tile);
    pairs += tile.a.size();
  }
  const double took = seconds_since(start);
  return {static_cast<double>(pairs) / took, took};
}

void print_rate(const Named& one, Precision precision, const ExpressionStore& store, const std::vector<Tile>& tiles,
                double density) {
  const auto gpu = make_cuda_predictor(one.network, precision);
  gpu->set_parameters(test::random_parameters(one.network, 17));
  std::vector<float> answers;
  const Rate rate = rate_of(tiles, 2, [&](const Tile& tile) {
    answers.resize(tile.a.size() * 2 * one.network.outputs);
    gpu->score_pairs(store, {tile.a, tile.b}, Orders::both, one.kinds, answers, {});
  });
  const double images = rate.per_second * 2;
  std::printf("%-10s %-9s %7.0f %% %14.0f %14.0f %12.1f\n", one.name.c_str(),
              precision == Precision::f32 ? "float32" : "bfloat16", density * 100, rate.per_second, images,
              images * products_of(one.network) * 2 / 1e12);
  std::fflush(stdout);
}

}  // namespace

bool check_network_parity() {
  bool good = true;
  for (const bool causality : {false, true}) {
    for (const std::size_t channels : {1U, 2U}) {
      good = same_as_reference(published(causality, channels), 6) && good;
      good = same_as_reference(compact(causality, channels), 40) && good;
    }
    const std::string task = causality ? ", causality" : "";
    for (std::size_t channels = 1; channels <= 3; ++channels) {
      good = same_as_reference({"mlp" + task, place_layers(test::mlp(channels, causality, 1)), {}}, 40) && good;
      good = same_as_reference({"unusual" + task, place_layers(test::unusual(channels, causality)), {}}, 40) && good;
    }
  }
  for (const std::uint32_t cells : {3000U, 43'261U, 120'000U}) {
    good = same_as_cpu(compact(true, 2), test::mixed_store(cells, 30, cells), 60) && good;
    good = same_as_cpu(published(false, 1), test::mixed_store(cells, 30, cells), 4) && good;
  }
  const ExpressionStore store = simulated_store(43'261, 400, 0.1);
  good = precisions_agree(published(false, 1), store) && good;
  good = precisions_agree(compact(false, 2), store) && good;
  std::printf("parity  %s\n\n", good ? "networks agree" : "NETWORKS DIFFER");
  return good;
}

bool smoke_networks() {
  bool good = true;
  const Kinds kinds{ImageKind::residual, ImageKind::margins};
  const std::vector<Named> all{{"cnnc, narrow", place_layers(test::published(2, true, 4)), kinds},
                               {"compact", place_layers(test::compact(2, true, 1)), kinds},
                               {"unusual", place_layers(test::unusual(2, true)), kinds}};
  const ExpressionStore store = test::mixed_store(1000, 30, 1);
  for (const Named& one : all) {
    good = same_as_reference(one, 5) && good;
    good = same_as_cpu(one, store, 9) && good;
  }
  return good;
}

void print_network_rates() {
  std::printf("Both orders of pairs, histograms, images and network on the GPU, answers on the host; 43,261 cells\n");
  std::printf("network    precision  density        pairs/s       images/s      TFLOP/s\n");
  for (const double density : {0.02, 0.1}) {
    const ExpressionStore store = simulated_store(43'261, 2000, density);
    const auto tiles = tiles_of_all_pairs(store.genes, 500, 500);
    for (const Precision precision : {Precision::bf16, Precision::f32}) {
      print_rate(published(false, 1), precision, store, tiles, density);
      print_rate(compact(false, 2), precision, store, tiles, density);
    }
    const Rate alone = rate_of(tiles, 2, [&](const Tile& tile) { histograms_cuda_only(store, {tile.a, tile.b}); });
    // Each pair streams its sparser gene once: four bytes of cell and one of bin for each entry, from the cache.
    const double entries = density * store.cells;
    std::printf("%-20s %7.0f %% %14.0f pairs/s; about %.0f G entries/s, %.1f TB/s of them\n", "histograms alone",
                density * 100, alone.per_second, alone.per_second * entries / 1e9, alone.per_second * entries * 5 / 1e12);
  }
  std::printf("\n");
}

void print_whole_transcriptome() {
  constexpr std::uint32_t kCells = 40'000;
  constexpr std::uint32_t kGenes = 20'000;
  constexpr double kLongest = 90;
  const ExpressionStore store = simulated_store(kCells, kGenes, 0.1);
  const auto tiles = tiles_of_all_pairs(kGenes, 1000, 1000);
  std::size_t all = 0;
  for (const Tile& tile : tiles) all += tile.a.size();
  std::printf("All %zu pairs of %u genes, %u cells at 10 %%, both orders, bfloat16\n", all, kGenes, kCells);
  for (const Named& one : {compact(false, 2), published(false, 1)}) {
    const auto gpu = make_cuda_predictor(one.network, Precision::bf16);
    gpu->set_parameters(test::random_parameters(one.network, 17));
    std::vector<float> answers;
    std::size_t done = 0;
    std::size_t taken = 0;
    const auto start = Clock::now();
    for (; taken < tiles.size() && seconds_since(start) < kLongest; ++taken) {
      const Tile& tile = tiles[taken * 7919 % tiles.size()];
      answers.resize(tile.a.size() * 2);
      gpu->score_pairs(store, {tile.a, tile.b}, Orders::both, one.kinds, answers, {});
      done += tile.a.size();
    }
    const double seconds = seconds_since(start);
    const double total = seconds * static_cast<double>(all) / static_cast<double>(done);
    std::printf("%-10s %8.1f s%s, upload of the store included\n", one.name.c_str(), total,
                taken == tiles.size() ? "" : (" (computed from " + std::to_string(done) + " pairs)").c_str());
    std::fflush(stdout);
  }
}

}  // namespace cnnc::bench

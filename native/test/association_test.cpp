#include "core/association.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <thread>

#include "core/correlation.hpp"
#include "core/error.hpp"
#include "cpu/kernels.hpp"
#include "reference.hpp"
#include "test/errors.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

using Column = std::vector<double>;

struct PairList {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
  [[nodiscard]] Pairs view() const { return {a, b}; }
};

PairList every_pair(std::uint32_t genes) {
  PairList pairs;
  for (std::uint32_t a = 0; a < genes; ++a) {
    for (std::uint32_t b = 0; b < genes; ++b) {
      pairs.a.push_back(a);
      pairs.b.push_back(b);
    }
  }
  return pairs;
}

std::shared_ptr<const ExpressionStore> store_of(const Matrix& matrix, Scale scale = Scale::counts,
                                                Transform transform = Transform::log10, bool keep_values = true) {
  StoreOptions options = whole_matrix(matrix, scale, transform);
  options.keep_values = keep_values;
  return std::make_shared<const ExpressionStore>(build(options, blocks_of(matrix, MajorAxis::cell, false, 100)));
}

std::vector<float> compute(const std::shared_ptr<const ExpressionStore>& store, Measure measure, const PairList& pairs,
                           unsigned threads = 2) {
  std::vector<float> out(pairs.a.size(), -77);
  Associations(store).compute(measure, pairs.view(), out, threads);
  return out;
}

/// A gene's linear expression in every cell, straight from the matrix.
Column linear_column(const Matrix& matrix, std::size_t gene, Scale scale) {
  Column column(matrix.cells);
  for (std::size_t cell = 0; cell < matrix.cells; ++cell) {
    double total = 0;
    for (std::size_t other = 0; other < matrix.genes; ++other) total += matrix.at(cell, other);
    const double value = matrix.at(cell, gene);
    column[cell] = scale == Scale::counts && total != 0 ? value / total * 10000 : value;
  }
  return column;
}

/// The definition, in two passes over all cells.
double naive_pearson(const Column& x, const Column& y) {
  const auto n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  return xx == 0 || yy == 0 ? 0 : xy / std::sqrt(xx * yy);
}

Column naive_logarithms(Column x) {
  for (double& value : x) value = std::log10(value + 0.01);
  return x;
}

/// Average ranks by counting, of what float32 tells apart.
Column naive_ranks(const Column& x) {
  Column ranks(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    double lower = 0;
    double equal = 0;
    for (const double other : x) {
      lower += static_cast<float>(other) < static_cast<float>(x[i]) ? 1 : 0;
      equal += static_cast<float>(other) == static_cast<float>(x[i]) ? 1 : 0;
    }
    ranks[i] = lower + (equal + 1) / 2;
  }
  return ranks;
}

double naive_mutual_information(const ExpressionStore& store, std::uint32_t a, std::uint32_t b) {
  const auto bins = [&](std::uint32_t gene) {
    std::vector<int> all(store.cells, store.zero_bin[gene]);
    for (std::size_t i = 0; i < store.cells_of(gene).size(); ++i) all[store.cells_of(gene)[i]] = store.bins_of(gene)[i];
    return all;
  };
  const auto of_a = bins(a);
  const auto of_b = bins(b);
  std::map<int, double> p_a;
  std::map<int, double> p_b;
  std::map<std::pair<int, int>, double> p;
  for (std::size_t cell = 0; cell < store.cells; ++cell) {
    p_a[of_a[cell]] += 1.0 / store.cells;
    p_b[of_b[cell]] += 1.0 / store.cells;
    p[{of_a[cell], of_b[cell]}] += 1.0 / store.cells;
  }
  double nats = 0;
  for (const auto& [bin, share] : p) nats += share * std::log(share / (p_a[bin.first] * p_b[bin.second]));
  return nats;
}

Matrix matrix_of(std::size_t cells, std::size_t genes, const std::vector<double>& values) {
  return {cells, genes, values};
}

/// What compute() ends with.
std::string code_of(const std::shared_ptr<const ExpressionStore>& store, Measure measure, Pairs pairs,
                    std::span<float> out, const JobControl& control = {}) {
  try {
    Associations(store).compute(measure, pairs, out, 1, control);
  } catch (const Error& error) {
    return error.code();
  }
  return "no error";
}

constexpr std::array kMeasures{Measure::pearson, Measure::spearman, Measure::mutual_information};

}  // namespace

TEST_CASE("correlations equal their definitions on dense columns, for any density and scale") {
  for (const std::size_t cells : {2, 17, 400}) {
    for (const auto& [least, most] : {std::pair{0.0, 0.1}, {0.1, 0.6}, {0.8, 1.3}}) {
      for (const Scale scale : {Scale::counts, Scale::linear}) {
        const Matrix matrix = random_counts(cells, 12, least, most, static_cast<unsigned>(cells));
        const auto store = store_of(matrix, scale);
        const PairList pairs = every_pair(12);
        const auto pearson = compute(store, Measure::pearson, pairs);
        const auto spearman = compute(store, Measure::spearman, pairs);
        double worst = 0;
        for (std::size_t i = 0; i < pairs.a.size(); ++i) {
          const Column a = linear_column(matrix, pairs.a[i], scale);
          const Column b = linear_column(matrix, pairs.b[i], scale);
          worst = test::larger_error(worst,
                                     std::abs(pearson[i] - naive_pearson(naive_logarithms(a), naive_logarithms(b))));
          worst = test::larger_error(worst, std::abs(spearman[i] - naive_pearson(naive_ranks(a), naive_ranks(b))));
        }
        CHECK(worst < 3e-6);
      }
    }
  }
}

TEST_CASE("mutual information equals its definition on the binned cells, with and without kept values") {
  const Matrix matrix = random_counts(300, 14, 0.05, 1.1, 4);
  const PairList pairs = every_pair(14);
  for (const bool keep_values : {true, false}) {
    const auto store = store_of(matrix, Scale::counts, Transform::log10, keep_values);
    const auto found = compute(store, Measure::mutual_information, pairs);
    double worst = 0;
    for (std::size_t i = 0; i < pairs.a.size(); ++i) {
      worst = test::larger_error(worst, std::abs(found[i] - naive_mutual_information(*store, pairs.a[i], pairs.b[i])));
    }
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("every kernel lists the counts that are not 0, in their order") {
  std::mt19937 random(2);
  for (const unsigned one_in : {1U, 3U, 50U, 5000U}) {
    std::array<std::uint16_t, kImage> image_16{};
    std::array<std::uint32_t, kImage> image_32{};
    std::vector<std::uint32_t> expected;
    for (int bin = 0; bin < kImage; ++bin) {
      if (random() % one_in != 0) continue;
      image_16[bin] = static_cast<std::uint16_t>(1 + random() % 65'535);
      image_32[bin] = image_16[bin];
      expected.push_back(image_32[bin]);
    }
    for (const Kernels* kernels : {&portable_kernels(), &best_kernels()}) {
      std::array<std::uint16_t, kImage> out_16;
      std::array<std::uint32_t, kImage> out_32;
      const std::size_t size_16 = kernels->occupied_16(image_16.data(), out_16.data());
      const std::size_t size_32 = kernels->occupied_32(image_32.data(), out_32.data());
      CHECK(std::vector<std::uint32_t>(out_16.begin(), out_16.begin() + size_16) == expected);
      CHECK(std::vector<std::uint32_t>(out_32.begin(), out_32.begin() + size_32) == expected);
    }
  }
}

TEST_CASE("values worked out by hand") {
  // Gene 1 is the reverse of gene 0, gene 2 ties zeros and stored values, gene 3 halves the cells.
  const Matrix matrix = matrix_of(4, 4, {1, 4, 0, 0,  //
                                         2, 3, 0, 0,  //
                                         3, 2, 5, 9,  //
                                         4, 1, 5, 9});
  const auto store = store_of(matrix, Scale::linear);
  const PairList pairs{{0, 0, 2, 0}, {1, 0, 3, 2}};
  // Ranks 1 2 3 4 and 1.5 1.5 3.5 3.5: covariance 4, variances 5 and 4.
  const auto spearman = compute(store, Measure::spearman, pairs);
  CHECK(spearman[0] == doctest::Approx(-1));
  CHECK(spearman[1] == doctest::Approx(1));
  CHECK(spearman[2] == doctest::Approx(1));
  CHECK(spearman[3] == doctest::Approx(4 / std::sqrt(20.0)));
  const auto pearson = compute(store, Measure::pearson, pairs);
  CHECK(pearson[1] == doctest::Approx(1));
  CHECK(pearson[2] == doctest::Approx(1));
  // Four different bins each: ln 4; two and two cells: ln 2.
  const auto nats = compute(store, Measure::mutual_information, pairs);
  CHECK(nats[0] == doctest::Approx(std::log(4.0)));
  CHECK(nats[1] == doctest::Approx(std::log(4.0)));
  CHECK(nats[2] == doctest::Approx(std::log(2.0)));
  CHECK(nats[3] == doctest::Approx(std::log(2.0)));
}

TEST_CASE("the same bits for any thread count, batch and order of the genes") {
  const auto store = store_of(random_counts(500, 40, 0.02, 1.1, 8));
  PairList pairs = every_pair(40);
  std::mt19937 random(3);
  for (std::size_t i = pairs.a.size() - 1; i > 0; --i) {
    const std::size_t j = random() % (i + 1);
    std::swap(pairs.a[i], pairs.a[j]);
    std::swap(pairs.b[i], pairs.b[j]);
  }
  for (const Measure measure : kMeasures) {
    const auto expected = compute(store, measure, pairs, 1);
    CHECK(compute(store, measure, pairs, 3) == expected);
    CHECK(compute(store, measure, {pairs.b, pairs.a}, 2) == expected);
    Associations associations(store);
    std::vector<float> in_parts(pairs.a.size());
    for (std::size_t first = 0; first < pairs.a.size(); first += 33) {
      const std::size_t size = std::min<std::size_t>(33, pairs.a.size() - first);
      const Pairs part{std::span(pairs.a).subspan(first, size), std::span(pairs.b).subspan(first, size)};
      associations.compute(measure, part, std::span(in_parts).subspan(first, size), 2);
    }
    CHECK(in_parts == expected);
  }
}

TEST_CASE("cells and genes beyond what is worked on at a time change no bit of the plain sum") {
  // Two blocks of cells; the densest genes meet more streamed genes than are summed up at a time.
  const std::uint32_t genes = 600;
  const auto store = store_of(random_counts(4000, genes, 0.0, 0.2, 6), Scale::linear);
  const PairList pairs = every_pair(genes);
  CorrelationColumns columns(*store, ColumnKind::logarithms);
  columns.prepare(genes_of(*store, pairs.view()), 2);
  std::vector<double> found(pairs.a.size());
  correlate(*store, columns, pairs.view(), std::span(found), 2, {});
  std::size_t different = 0;
  for (std::size_t i = 0; i < pairs.a.size(); i += 17) {
    const std::uint32_t a = pairs.a[i];
    const std::uint32_t b = pairs.b[i];
    Column spread(store->cells, 0);
    for (std::size_t k = 0; k < columns.of(a).size(); ++k) spread[store->cells_of(a)[k]] = columns.of(a)[k];
    double products = 0;
    for (std::size_t k = 0; k < columns.of(b).size(); ++k) products += columns.of(b)[k] * spread[store->cells_of(b)[k]];
    const double deviations = columns.deviation(a) * columns.deviation(b);
    const double r = (products - columns.sum(a) * columns.sum(b) / store->cells) / deviations;
    different += found[i] != (deviations == 0 ? 0 : std::clamp(r, -1.0, 1.0)) ? 1 : 0;
  }
  CHECK(different == 0);
}

TEST_CASE("several threads may ask at once for genes that are not ready yet") {
  const auto store = store_of(random_counts(200, 30, 0.1, 1.1, 5));
  const PairList pairs = every_pair(30);
  const auto expected = compute(store, Measure::spearman, pairs, 1);
  Associations associations(store);
  std::array<std::vector<float>, 4> found;
  {
    std::vector<std::jthread> callers;
    for (auto& out : found) {
      callers.emplace_back([&] {
        out.resize(pairs.a.size());
        associations.compute(Measure::spearman, pairs.view(), out, 2);
      });
    }
  }
  for (const auto& out : found) CHECK(out == expected);
}

TEST_CASE("a gene with one value in all cells has association 0 with any other") {
  const Matrix matrix = matrix_of(3, 4, {0, 7, 1, 0.1,  //
                                         0, 7, 0, 0.1,  //
                                         0, 7, 2, 0.1});
  for (const Measure measure : kMeasures) {
    const PairList pairs{{0, 1, 3, 0, 1, 3}, {2, 2, 2, 0, 1, 1}};
    for (const float value : compute(store_of(matrix, Scale::linear), measure, pairs)) CHECK(value == 0);
  }
}

TEST_CASE("values that differ only beyond float32 are ties, and one that becomes 0 ties with the zeros") {
  const double tiny = 1e-300;
  const Matrix matrix = matrix_of(5, 3, {1, 1, 0,                  //
                                         1 + 1e-12, 2, tiny,       //
                                         3, 3, 0,                  //
                                         4, 4, 6,                  //
                                         5, 5, 7});
  const auto found = compute(store_of(matrix, Scale::linear), Measure::spearman, {{0, 2}, {1, 1}});
  CHECK(found[0] == doctest::Approx(naive_pearson({1.5, 1.5, 3, 4, 5}, {1, 2, 3, 4, 5})));
  CHECK(found[1] == doctest::Approx(naive_pearson({2, 2, 2, 4, 5}, {1, 2, 3, 4, 5})));
}

TEST_CASE("negative values have ranks, but no logarithm") {
  const Matrix matrix = matrix_of(4, 2, {-3, 1, 0, 2, -1, 0, 2, 9});
  const auto store = store_of(matrix, Scale::linear, Transform::none);
  const PairList pairs{{0}, {1}};
  // Ranks 1 3 2 4 and 2 3 1 4.
  CHECK(compute(store, Measure::spearman, pairs)[0] == doctest::Approx(naive_pearson({1, 3, 2, 4}, {2, 3, 1, 4})));
  std::vector<float> out(1);
  CHECK(code_of(store, Measure::pearson, pairs.view(), out) == "NEGATIVE_VALUE");
}

TEST_CASE("a large store keeps exact ranks") {
  // Two reversed permutations without ties: r = -1, and their products exceed 2^53.
  const std::size_t cells = 300'000;
  Matrix matrix{cells, 2, {}};
  for (std::size_t cell = 0; cell < cells; ++cell) {
    matrix.values.push_back(static_cast<double>(cell));
    matrix.values.push_back(static_cast<double>(cells - cell));
  }
  const auto store = store_of(matrix, Scale::linear);
  CHECK(compute(store, Measure::spearman, {{0, 0, 1}, {1, 0, 1}}) == std::vector<float>{-1, 1, 1});
}

TEST_CASE("wrong arguments, missing values and cancelling are reported, and no pairs are no work") {
  const Matrix matrix = random_counts(50, 4, 0.2, 0.9, 1);
  const auto store = store_of(matrix);
  const auto bare = store_of(matrix, Scale::counts, Transform::log10, false);
  const std::vector<std::uint32_t> one{1};
  const std::vector<std::uint32_t> four{4};
  std::vector<float> out(1);
  const std::atomic<bool> cancel{true};
  for (const Measure measure : kMeasures) {
    CHECK(code_of(store, measure, {one, one}, out) == "no error");
    CHECK(code_of(store, measure, {}, {}) == "no error");
    CHECK(code_of(store, measure, {one, four}, out) == "BAD_PAIRS");
    CHECK(code_of(store, measure, {one, {}}, out) == "BAD_PAIRS");
    CHECK(code_of(store, measure, {one, one}, {}) == "BAD_OUTPUT");
    CHECK(code_of(store, measure, {one, one}, out, {&cancel, nullptr}) == "CANCELLED");
    std::atomic<std::uint64_t> done{0};
    CHECK(code_of(store, measure, {one, one}, out, {nullptr, &done}) == "no error");
    CHECK(done == 1);
  }
  CHECK(code_of(bare, Measure::pearson, {one, one}, out) == "VALUES_MISSING");
  CHECK(code_of(bare, Measure::spearman, {one, one}, out) == "VALUES_MISSING");
  CHECK(code_of(bare, Measure::mutual_information, {one, one}, out) == "no error");
}

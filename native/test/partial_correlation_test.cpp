#include "core/partial_correlation.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <numeric>
#include <random>
#include <string>

#include "core/correlation_inverse.hpp"
#include "core/error.hpp"
#include "reference.hpp"
#include "test/errors.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

using Dense = std::vector<std::vector<double>>;

/// Gauss and Jordan, with the largest pivot of each column.
Dense inverse(Dense a) {
  const std::size_t size = a.size();
  Dense result(size, std::vector<double>(size, 0));
  for (std::size_t i = 0; i < size; ++i) result[i][i] = 1;
  for (std::size_t k = 0; k < size; ++k) {
    std::size_t best = k;
    for (std::size_t i = k; i < size; ++i) best = std::abs(a[i][k]) > std::abs(a[best][k]) ? i : best;
    std::swap(a[k], a[best]);
    std::swap(result[k], result[best]);
    for (std::size_t i = 0; i < size; ++i) {
      if (i == k) continue;
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = 0; j < size; ++j) {
        a[i][j] -= factor * a[k][j];
        result[i][j] -= factor * result[k][j];
      }
    }
  }
  for (std::size_t i = 0; i < size; ++i) {
    for (double& value : result[i]) value /= a[i][i];
  }
  return result;
}

/// Logarithms of each gene, standardised: mean 0 and unbiased variance 1, or 0 where constant. genes x cells.
Dense standardised(const Matrix& matrix) {
  Dense columns(matrix.genes, std::vector<double>(matrix.cells));
  for (std::size_t gene = 0; gene < matrix.genes; ++gene) {
    auto& column = columns[gene];
    for (std::size_t cell = 0; cell < matrix.cells; ++cell) column[cell] = std::log10(matrix.at(cell, gene) + 0.01);
    const double mean = std::accumulate(column.begin(), column.end(), 0.0) / static_cast<double>(matrix.cells);
    double squares = 0;
    for (double& value : column) squares += (value - mean) * (value - mean);
    const double deviation = std::sqrt(squares / (static_cast<double>(matrix.cells) - 1));
    for (double& value : column) value = deviation < 1e-9 ? 0 : (value - mean) / deviation;
  }
  return columns;
}

struct Expected {
  double lambda;
  Dense scores;
};

/// The formulas of the paper's section 2, pair by pair.
Expected expected_of(const Matrix& matrix) {
  const Dense x = standardised(matrix);
  const std::size_t genes = x.size();
  const auto n = static_cast<double>(matrix.cells);
  Dense r(genes, std::vector<double>(genes));
  double variances = 0;
  double squares = 0;
  for (std::size_t i = 0; i < genes; ++i) {
    for (std::size_t j = 0; j < genes; ++j) {
      double mean = 0;
      for (std::size_t k = 0; k < matrix.cells; ++k) mean += x[i][k] * x[j][k] / n;
      double spread = 0;
      for (std::size_t k = 0; k < matrix.cells; ++k) spread += std::pow(x[i][k] * x[j][k] - mean, 2);
      r[i][j] = n / (n - 1) * mean;
      if (i == j) continue;
      variances += n / std::pow(n - 1, 3) * spread;
      squares += r[i][j] * r[i][j];
    }
  }
  const double lambda = std::clamp(variances / squares, 0.0, 1.0);
  for (std::size_t i = 0; i < genes; ++i) {
    for (std::size_t j = 0; j < genes; ++j) r[i][j] = i == j ? 1 : (1 - lambda) * r[i][j];
  }
  const Dense omega = inverse(r);
  Dense scores(genes, std::vector<double>(genes));
  for (std::size_t i = 0; i < genes; ++i) {
    for (std::size_t j = 0; j < genes; ++j) scores[i][j] = -omega[i][j] / std::sqrt(omega[i][i] * omega[j][j]);
  }
  return {lambda, scores};
}

/// Counts with genes that follow others, so that there is something to condition on; gene 0 is constant.
Matrix dependent_counts(std::size_t cells, std::size_t genes, unsigned seed) {
  Matrix matrix = random_counts(cells, genes, 0.2, 1.2, seed);
  for (std::size_t cell = 0; cell < cells; ++cell) {
    for (std::size_t gene = 2; gene < genes; gene += 3) {
      matrix.values[cell * genes + gene] += 2 * matrix.at(cell, gene - 1);
    }
  }
  return matrix;
}

std::shared_ptr<const ExpressionStore> store_of(const Matrix& matrix, bool keep_values = true,
                                                Transform transform = Transform::log10) {
  StoreOptions options = whole_matrix(matrix, Scale::linear, transform);
  options.keep_values = keep_values;
  return std::make_shared<const ExpressionStore>(build(options, blocks_of(matrix, MajorAxis::cell, false, 100)));
}

std::vector<std::uint32_t> first_genes(std::size_t count) {
  std::vector<std::uint32_t> genes(count);
  std::iota(genes.begin(), genes.end(), 0U);
  return genes;
}

struct PairList {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
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

PartialCorrelations correlations(const std::shared_ptr<const ExpressionStore>& store,
                                 const std::vector<std::uint32_t>& genes, unsigned threads,
                                 const JobControl& control = {}) {
  Associations associations(store);
  return {store, associations, genes, threads, control};
}

std::vector<float> scores_of(const PartialCorrelations& partial, const PairList& pairs) {
  std::vector<float> scores(pairs.a.size(), -77);
  partial.scores({pairs.a, pairs.b}, scores);
  return scores;
}

template <class Work>
std::string code_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return "no error";
}

/// A random correlation matrix with full rank.
Dense random_correlations(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Dense x(size, std::vector<double>(size + 20));
  for (auto& row : x) {
    const double shared = normal(random);
    for (double& value : row) value = normal(random) + 0.3 * shared;
  }
  const auto product = [&](std::size_t i, std::size_t j) {
    return std::inner_product(x[i].begin(), x[i].end(), x[j].begin(), 0.0);
  };
  Dense r(size, std::vector<double>(size));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      r[i][j] = i == j ? 1 : product(i, j) / std::sqrt(product(i, i) * product(j, j));
    }
  }
  return r;
}

TiledMatrix tiled(const Dense& dense) {
  TiledMatrix matrix(dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) matrix.set(i, j, dense[i][j]);
  }
  return matrix;
}

}  // namespace

TEST_CASE("the inverse is that of Gauss and Jordan, for any number of tiles, with the same bits for any threads") {
  for (const std::size_t size : {1, 2, 63, 64, 65, 150}) {
    const Dense dense = random_correlations(size, static_cast<unsigned>(size));
    const Dense expected = inverse(dense);
    TiledMatrix one = tiled(dense);
    TiledMatrix three = tiled(dense);
    std::atomic<std::uint64_t> done{0};
    invert_negative(one, 1, {nullptr, &done});
    invert_negative(three, 3, {});
    CHECK(done == size);
    double worst = 0;
    bool same = true;
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        worst = test::larger_error(worst,
                                   std::abs(one.at(i, j) + expected[i][j]) / std::sqrt(expected[i][i] * expected[j][j]));
        same = same && one.at(i, j) == three.at(i, j);
      }
    }
    CHECK(worst < 1e-11);
    CHECK(same);
  }
}

TEST_CASE("the partial correlation of three genes is the textbook's, from their three correlations") {
  // Without shrinkage: (r01 - r02 r12) / sqrt((1 - r02^2)(1 - r12^2)).
  const double r01 = 0.6;
  const double r02 = -0.3;
  const double r12 = 0.5;
  TiledMatrix matrix = tiled({{1, r01, r02}, {r01, 1, r12}, {r02, r12, 1}});
  invert_negative(matrix, 1, {});
  CHECK(matrix.at(0, 1) / std::sqrt(matrix.at(0, 0) * matrix.at(1, 1)) ==
        doctest::Approx((r01 - r02 * r12) / std::sqrt((1 - r02 * r02) * (1 - r12 * r12))));
}

TEST_CASE("a matrix without an inverse is refused") {
  Dense twins = random_correlations(100, 3);
  for (std::size_t i = 0; i < 100; ++i) twins[i][99] = twins[99][i] = twins[i][70];
  twins[99][99] = 1;
  twins[99][70] = twins[70][99] = 1;
  TiledMatrix matrix = tiled(twins);
  CHECK(code_of([&] { invert_negative(matrix, 2, {}); }) == "SINGULAR");
}

TEST_CASE("lambda and scores are those of the formulas, with fewer and with more genes than cells") {
  for (const auto& [cells, genes] : {std::pair{400, 20}, {30, 90}, {3000, 70}}) {
    const Matrix matrix = dependent_counts(cells, genes, 7);
    const Expected expected = expected_of(matrix);
    const auto store = store_of(matrix);
    const PartialCorrelations partial = correlations(store, first_genes(genes), 2);
    CHECK(expected.lambda > 0);
    CHECK(expected.lambda < 1);
    CHECK(partial.lambda() == doctest::Approx(expected.lambda).epsilon(1e-5));
    const PairList pairs = every_pair(genes);
    const auto found = scores_of(partial, pairs);
    double worst = 0;
    double largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::uint32_t a = pairs.a[i];
      const std::uint32_t b = pairs.b[i];
      if (a == b) {
        CHECK(found[i] == (a == 0 ? 0 : 1));
      } else {
        worst = test::larger_error(worst, std::abs(found[i] - expected.scores[a][b]));
        largest = std::max(largest, std::abs(expected.scores[a][b]));
      }
    }
    CHECK(worst < 2e-6);
    CHECK(largest > 0.05);
  }
}

TEST_CASE("the same bits for any thread count, order and repetition of the genes, and order of a pair") {
  const auto store = store_of(dependent_counts(60, 80, 2));
  const PairList pairs = every_pair(80);
  const PartialCorrelations partial = correlations(store, first_genes(80), 1);
  const auto expected = scores_of(partial, pairs);
  std::vector<std::uint32_t> genes = first_genes(80);
  std::shuffle(genes.begin(), genes.end(), std::mt19937(5));
  genes.push_back(7);
  const PartialCorrelations other = correlations(store, genes, 3);
  CHECK(other.number_of_genes() == 80);
  CHECK(other.lambda() == partial.lambda());
  CHECK(scores_of(other, pairs) == expected);
  CHECK(scores_of(partial, {pairs.b, pairs.a}) == expected);
}

TEST_CASE("genes outside the set do not count") {
  const Matrix matrix = dependent_counts(100, 12, 9);
  Matrix smaller{100, 6, {}};
  for (std::size_t cell = 0; cell < 100; ++cell) {
    for (std::size_t gene = 0; gene < 6; ++gene) smaller.values.push_back(matrix.at(cell, gene));
  }
  const PairList pairs = every_pair(6);
  CHECK(scores_of(correlations(store_of(matrix), first_genes(6), 1), pairs) ==
        scores_of(correlations(store_of(smaller), first_genes(6), 1), pairs));
}

TEST_CASE("constant genes alone are shrunk to nothing, and no genes are no work") {
  const auto store = store_of({3, 2, {1, 2, 1, 2, 1, 2}});
  const PartialCorrelations partial = correlations(store, {0, 1}, 1);
  CHECK(partial.lambda() == 1);
  CHECK(scores_of(partial, every_pair(2)) == std::vector<float>(4, 0));
  CHECK(scores_of(correlations(store, {}, 1), {}).empty());
}

TEST_CASE("two cells, wrong genes, missing values and cancelling are reported") {
  const auto two_cells = store_of({2, 3, {1, 2, 3, 2, 5, 1}});
  CHECK(code_of([&] { correlations(two_cells, first_genes(3), 1); }) == "TOO_FEW_CELLS");
  const Matrix matrix = dependent_counts(50, 70, 1);
  const auto store = store_of(matrix);
  CHECK(code_of([&] { correlations(store, {70}, 1); }) == "BAD_PAIRS");
  CHECK(code_of([&] { correlations(store_of(matrix, false), {1}, 1); }) == "VALUES_MISSING");
  const auto negative = store_of({3, 2, {1, -2, 3, 4, 5, 6}}, true, Transform::none);
  CHECK(code_of([&] { correlations(negative, {0, 1}, 1); }) == "NEGATIVE_VALUE");
  const std::atomic<bool> cancel{true};
  CHECK(code_of([&] { correlations(store, first_genes(70), 1, {&cancel, nullptr}); }) == "CANCELLED");

  const PartialCorrelations partial = correlations(store, {1, 2}, 1);
  const std::vector<std::uint32_t> one{1};
  const std::vector<std::uint32_t> three{3};
  std::vector<float> out(1);
  CHECK(code_of([&] { partial.scores({one, one}, out); }) == "no error");
  CHECK(code_of([&] { partial.scores({one, three}, out); }) == "BAD_PAIRS");
  CHECK(code_of([&] { partial.scores({one, one}, {}); }) == "BAD_OUTPUT");
}

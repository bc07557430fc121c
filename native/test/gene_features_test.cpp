#include "core/gene_features.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "reference.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

ExpressionStore linear_store(const Matrix& matrix, bool keep_values = true) {
  StoreOptions options = whole_matrix(matrix, Scale::linear, Transform::none);
  options.keep_values = keep_values;
  return build(options, blocks_of(matrix, MajorAxis::cell, false, 100));
}

std::vector<double> naive_logarithms(const Matrix& matrix, std::size_t gene) {
  std::vector<double> logarithms(matrix.cells);
  for (std::size_t cell = 0; cell < matrix.cells; ++cell) logarithms[cell] = std::log10(matrix.at(cell, gene) + 0.01);
  return logarithms;
}

/// The features by their definitions, over all cells.
std::vector<double> naive_features(const Matrix& matrix, std::size_t gene) {
  std::vector<double> logarithms = naive_logarithms(matrix, gene);
  const auto cells = static_cast<double>(matrix.cells);
  const double mean = std::accumulate(logarithms.begin(), logarithms.end(), 0.0) / cells;
  double squares = 0;
  for (const double logarithm : logarithms) squares += (logarithm - mean) * (logarithm - mean);
  const auto zeros = static_cast<double>(std::count(logarithms.begin(), logarithms.end(), std::log10(0.01)));
  std::vector<double> features{mean, squares / cells, zeros / cells};
  std::sort(logarithms.begin(), logarithms.end());
  for (const double share : kFeatureQuantiles) {
    const double place = share * (cells - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, matrix.cells - 1);
    const double weight = place - std::floor(place);
    features.push_back((1 - weight) * logarithms[below] + weight * logarithms[above]);
  }
  return features;
}

std::string code_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

}  // namespace

TEST_CASE("features of genes are those of their definitions, on any number of threads") {
  for (const double density : {0.05, 0.4, 1.0}) {
    const Matrix matrix = random_counts(101, 12, density, density, 5);
    const ExpressionStore store = linear_store(matrix);
    const std::vector<std::uint32_t> genes{11, 0, 3, 3, 7, 1, 2, 4, 5};
    for (const unsigned threads : {1U, 4U}) {
      std::vector<float> out(genes.size() * kGeneFeatures, -77);
      gene_features(store, genes, out, threads);
      for (std::size_t i = 0; i < genes.size(); ++i) {
        const std::vector<double> expected = naive_features(matrix, genes[i]);
        for (std::size_t feature = 0; feature < kGeneFeatures; ++feature) {
          CHECK(out[i * kGeneFeatures + feature] == doctest::Approx(expected[feature]).epsilon(1e-6));
        }
      }
    }
  }
}

TEST_CASE("logarithms are spread over all cells") {
  const Matrix matrix = random_counts(50, 4, 0.3, 0.6, 6);
  const ExpressionStore store = linear_store(matrix);
  std::vector<double> out(50);
  log_expression(store, 2, out);
  CHECK(out == naive_logarithms(matrix, 2));
}

TEST_CASE("features refuse what they cannot be worked out from") {
  Matrix matrix = random_counts(30, 3, 0.5, 0.5, 7);
  std::vector<float> out(kGeneFeatures);
  const std::vector<std::uint32_t> one{1};
  const std::vector<std::uint32_t> beyond{3};
  const ExpressionStore store = linear_store(matrix);
  CHECK(code_of([&] { gene_features(store, beyond, out, 1); }) == "BAD_PAIRS");
  CHECK(code_of([&] { gene_features(store, one, std::span(out).first(7), 1); }) == "BAD_OUTPUT");
  CHECK(code_of([&] { gene_features(linear_store(matrix, false), one, out, 1); }) == "VALUES_MISSING");
  matrix.values[1] = -1;
  CHECK(code_of([&] { gene_features(linear_store(matrix), one, out, 1); }) == "NEGATIVE_VALUE");
  const std::atomic<bool> cancel{true};
  CHECK(code_of([&] { gene_features(store, one, out, 1, {&cancel, nullptr}); }) == "CANCELLED");
}

#include "boosting/boosting.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <random>

#include "core/error.hpp"
#include "reference.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

std::string code_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

/// Two columns whose signs' product decides the class, and one that says nothing.
struct Toy {
  std::vector<float> values;
  std::vector<std::uint8_t> labels;

  explicit Toy(unsigned seed, unsigned classes = 2) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (int row = 0; row < 300; ++row) {
      const float x = uniform(random);
      const float y = uniform(random);
      values.insert(values.end(), {x, y, uniform(random)});
      const bool same = (x > 0) == (y > 0);
      labels.push_back(same ? 1 : classes == 2 || x > 0 ? 0 : 2);
    }
  }
  [[nodiscard]] Table table() const { return {values, 3}; }
};

TreeGrowth drawing() { return {40, 3, 0.3, 0.8, 0.7, 1, 11}; }

std::vector<float> boosted(const Toy& training, const Toy& test, unsigned classes, unsigned threads,
                           TreeGrowth growth = drawing()) {
  std::vector<float> out(test.labels.size() * (classes == 2 ? 1 : classes), -77);
  boost_classes(training.table(), training.labels, classes, test.table(), 3, growth, out, threads);
  return out;
}

/// Gene 2 follows gene 0, gene 3 the opposite of gene 1, gene 4 is their sum; gene 5 is constant, gene 6 noise.
Matrix regulated(std::size_t cells) {
  std::mt19937 random(9);
  std::normal_distribution<double> normal;
  Matrix matrix{cells, 7, {}};
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const double a = normal(random);
    const double b = normal(random);
    const double noise = 0.3 * normal(random);
    for (const double log : {a, b, a + noise, noise - b, a + b + noise, 0.5, normal(random)}) {
      matrix.values.push_back(std::pow(10, log));
    }
  }
  return matrix;
}

ExpressionStore store_of(const Matrix& matrix, bool keep_values = true) {
  StoreOptions options = whole_matrix(matrix, Scale::linear, Transform::log10);
  options.keep_values = keep_values;
  return build(options, blocks_of(matrix, MajorAxis::cell, false, 100));
}

const TreeGrowth kTrees{100, 3, 0.1, 0.9, 0.5, 1, 4};

std::vector<float> importances(const ExpressionStore& store, const std::vector<std::uint32_t>& regulators,
                               const std::vector<std::uint32_t>& targets, unsigned threads,
                               const JobControl& control = {}) {
  std::vector<float> out(regulators.size() * targets.size(), -77);
  tree_importances(store, regulators, targets, kTrees, 10, out, threads, control);
  return out;
}

}  // namespace

TEST_CASE("without XGBoost, boosting says so") {
  if (!xgboost_version().empty()) return;
  CHECK(code_of([] { boosted(Toy(1), Toy(2), 2, 1); }) == "XGBOOST_MISSING");
  CHECK(code_of([] { importances(store_of(regulated(30)), {0}, {1}, 1); }) == "XGBOOST_MISSING");
}

TEST_SUITE("boosting" * doctest::skip(xgboost_version().empty())) {
  TEST_CASE("learns what no single column tells") {
    const Toy test(2);
    const std::vector<float> found = boosted(Toy(1), test, 2, 2);
    int right = 0;
    for (std::size_t row = 0; row < found.size(); ++row) right += (found[row] > 0.5F) == (test.labels[row] == 1) ? 1 : 0;
    CHECK(right > 270);
  }

  TEST_CASE("gives probabilities of three classes") {
    const Toy test(2, 3);
    const std::vector<float> found = boosted(Toy(1, 3), test, 3, 2);
    int right = 0;
    for (std::size_t row = 0; row < test.labels.size(); ++row) {
      const float* own = found.data() + 3 * row;
      CHECK(own[0] + own[1] + own[2] == doctest::Approx(1).epsilon(1e-5));
      right += std::max_element(own, own + 3) - own == test.labels[row] ? 1 : 0;
    }
    CHECK(right > 260);
  }

  TEST_CASE("has the same bits on any number of threads, and others for another seed") {
    const Toy training(1);
    const Toy test(2);
    const std::vector<float> one = boosted(training, test, 2, 1);
    CHECK(boosted(training, test, 2, 4) == one);
    TreeGrowth other = drawing();
    other.seed = 12;
    CHECK(boosted(training, test, 2, 1, other) != one);
  }

  TEST_CASE("refuses tables, labels, outputs and options that do not fit") {
    const Toy toy(1);
    std::vector<float> out(300);
    const auto boost = [&](Table table, std::span<const std::uint8_t> labels, unsigned classes, unsigned bags,
                           TreeGrowth growth, std::size_t size) {
      boost_classes(table, labels, classes, toy.table(), bags, growth, std::span(out).first(size), 1);
    };
    const std::vector<std::uint8_t> ones(300, 1);
    const auto code = [&](auto... arguments) { return code_of([&] { boost(arguments...); }); };
    const std::span<const std::uint8_t> labels = toy.labels;
    CHECK(code(Table{toy.values, 7}, labels, 2, 1, drawing(), 300) == "BAD_TABLE");
    CHECK(code(Table{toy.values, 0}, labels, 2, 1, drawing(), 300) == "BAD_TABLE");
    CHECK(code(Table{toy.values, 2}, labels, 2, 1, drawing(), 300) == "BAD_TABLE");
    CHECK(code(toy.table(), labels.first(299), 2, 1, drawing(), 300) == "BAD_LABELS");
    CHECK(code(toy.table(), labels, 1, 1, drawing(), 300) == "BAD_LABELS");
    CHECK(code(toy.table(), std::span<const std::uint8_t>(ones), 2, 1, drawing(), 300) == "BAD_LABELS");
    CHECK(code(toy.table(), labels, 2, 1, drawing(), 299) == "BAD_OUTPUT");
    CHECK(code(toy.table(), labels, 2, 0, drawing(), 300) == "BAD_OPTIONS");
    for (auto spoil : {+[](TreeGrowth& g) { g.rounds = 0; }, +[](TreeGrowth& g) { g.depth = 17; },
                       +[](TreeGrowth& g) { g.rate = std::nan(""); }, +[](TreeGrowth& g) { g.row_share = 1.5; },
                       +[](TreeGrowth& g) { g.column_share = 0; }, +[](TreeGrowth& g) { g.min_child_weight = -1; }}) {
      TreeGrowth growth = drawing();
      spoil(growth);
      CHECK(code(toy.table(), labels, 2, 1, growth, 300) == "BAD_OPTIONS");
    }
  }

  TEST_CASE("stops when it is told to") {
    const std::atomic<bool> cancel{true};
    const Toy toy(1);
    std::vector<float> out(300);
    CHECK(code_of([&] {
            boost_classes(toy.table(), toy.labels, 2, toy.table(), 2, drawing(), out, 2, {&cancel, nullptr});
          }) == "CANCELLED");
    CHECK(code_of([&] { importances(store_of(regulated(40)), {0}, {1}, 2, {&cancel, nullptr}); }) == "CANCELLED");
  }

  TEST_CASE("trees find the regulators of targets") {
    const ExpressionStore store = store_of(regulated(400));
    const std::vector<std::uint32_t> regulators{0, 1, 5, 6};
    const std::vector<std::uint32_t> targets{2, 3, 4, 0, 5};
    std::atomic<std::uint64_t> done{0};
    const std::vector<float> found = importances(store, regulators, targets, 2, {nullptr, &done});
    CHECK(done == targets.size());
    const auto of = [&](std::size_t target, std::size_t regulator) { return found[4 * target + regulator]; };
    // Of the variance of genes 2 and 3, 1 / 1.09 comes from their regulator, which trees that stop early nearly reach.
    CHECK(of(0, 0) > 0.75F);
    CHECK(of(0, 0) < 1.0F);
    CHECK(of(1, 1) > 0.75F);
    CHECK(of(0, 1) + of(0, 3) < 0.1F);
    // Genes 0 and 1 share gene 4.
    CHECK(of(2, 0) == doctest::Approx(of(2, 1)).epsilon(0.3));
    CHECK(of(2, 0) > 5 * of(2, 3));
    for (std::size_t regulator = 0; regulator < 4; ++regulator) CHECK(of(4, regulator) == 0);  // a constant target
    for (std::size_t target = 0; target < targets.size(); ++target) CHECK(of(target, 2) == 0);  // a constant regulator
    CHECK(of(3, 0) == 0);  // the target itself
    CHECK(importances(store, regulators, targets, 5) == found);
  }

  TEST_CASE("a target's importances do not depend on the other targets") {
    const ExpressionStore store = store_of(regulated(100));
    const std::vector<float> all = importances(store, {0, 1, 6}, {2, 0, 3, 4}, 1);
    const std::vector<float> last = importances(store, {0, 1, 6}, {4}, 1);
    CHECK(std::vector<float>(all.end() - 3, all.end()) == last);
  }

  TEST_CASE("trees refuse what they cannot be grown from") {
    const Matrix matrix = regulated(40);
    const ExpressionStore store = store_of(matrix);
    CHECK(code_of([&] { importances(store, {7}, {1}, 1); }) == "BAD_PAIRS");
    CHECK(code_of([&] { importances(store, {}, {1}, 1); }) == "BAD_PAIRS");
    CHECK(code_of([&] { importances(store_of(matrix, false), {0}, {1}, 1); }) == "VALUES_MISSING");
    CHECK(code_of([&] { importances(store_of(regulated(19)), {0}, {1}, 1); }) == "TOO_FEW_CELLS");
    std::vector<float> out(2);
    const std::vector<std::uint32_t> one{1};
    CHECK(code_of([&] { tree_importances(store, one, one, kTrees, 10, out, 1); }) == "BAD_OUTPUT");
    CHECK(code_of([&] { tree_importances(store, one, one, kTrees, 0, std::span(out).first(1), 1); }) == "BAD_OPTIONS");
  }
}

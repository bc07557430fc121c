#include <algorithm>
#include <functional>
#include <vector>

#include "boosting/xgboost.hpp"
#include "core/error.hpp"
#include "core/random.hpp"

namespace cnnc {
namespace {

std::size_t rows_of(const Table& table) {
  if (table.columns == 0 || table.values.size() % table.columns != 0) {
    throw Error("BAD_TABLE", "a table does not consist of whole rows");
  }
  return table.values.size() / table.columns;
}

void require_labels(std::span<const std::uint8_t> labels, std::size_t rows, unsigned classes) {
  if (classes < 2 || labels.size() != rows) throw Error("BAD_LABELS", "the rows do not have one label each");
  if (std::any_of(labels.begin(), labels.end(), [&](auto label) { return label >= classes; })) {
    throw Error("BAD_LABELS", "a label is none of the classes");
  }
  if (std::adjacent_find(labels.begin(), labels.end(), std::not_equal_to<>()) == labels.end()) {
    throw Error("BAD_LABELS", "all rows to learn from are of one class");
  }
}

/// What tells two classes, or more, apart.
xgboost::Booster::Parameters objective(std::span<const std::uint8_t> labels, unsigned classes) {
  if (classes > 2) return {{"objective", "multi:softprob"}, {"num_class", std::to_string(classes)}};
  const auto ones = static_cast<double>(std::count(labels.begin(), labels.end(), 1));
  // From the classes' shares on: rare positives would take many rounds of a small rate otherwise.
  return {{"objective", "binary:logistic"}, {"base_score", xgboost::text(ones / static_cast<double>(labels.size()))}};
}

}  // namespace

void boost_classes(const Table& training, std::span<const std::uint8_t> labels, unsigned classes, const Table& test,
                   unsigned bags, const TreeGrowth& growth, std::span<float> out, unsigned threads,
                   const JobControl& control) {
  xgboost::require_sound(growth);
  if (bags == 0) throw Error("BAD_OPTIONS", "at least one booster is needed");
  const std::size_t rows = rows_of(training);
  const std::size_t test_rows = rows_of(test);
  if (test.columns != training.columns) throw Error("BAD_TABLE", "the two tables do not have the same columns");
  require_labels(labels, rows, classes);
  if (out.size() != test_rows * (classes == 2 ? 1 : classes)) {
    throw Error("BAD_OUTPUT", "the output does not hold the probabilities of all rows");
  }
  if (test_rows == 0) return;
  const std::vector<float> targets(labels.begin(), labels.end());
  std::vector<std::vector<float>> predictions(bags);
  parallel_for(threads, bags, [&](unsigned, std::size_t bag) {
    xgboost::Data learned(training.values.data(), rows, training.columns);
    learned.set_labels(targets);
    TreeGrowth own = growth;
    own.seed = random_words(growth.seed, Purpose::boosting, static_cast<std::uint32_t>(bag))[0];
    xgboost::Booster booster({&learned}, own, objective(labels, classes));
    for (unsigned round = 0; round < growth.rounds; ++round) {
      control.check();
      booster.grow(static_cast<int>(round), learned);
      control.advance(1);
    }
    const xgboost::Data asked(test.values.data(), test_rows, test.columns);
    const auto predicted = booster.predict(asked);
    predictions[bag].assign(predicted.begin(), predicted.end());
  });
  for (std::size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (const auto& prediction : predictions) sum += prediction.at(i);
    out[i] = static_cast<float>(sum / bags);
  }
}

}  // namespace cnnc

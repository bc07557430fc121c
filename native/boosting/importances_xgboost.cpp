#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "boosting/xgboost.hpp"
#include "core/error.hpp"
#include "core/gene_features.hpp"
#include "core/random.hpp"

namespace cnnc {
namespace {

/// Every tenth cell is kept aside to know when to stop.
constexpr std::size_t kCellsPerStopper = 10;

/// Cells in random order; the first `learned` of them are learned from.
struct CellSplit {
  std::vector<std::uint32_t> cells;
  std::size_t learned;

  CellSplit(std::uint32_t count, std::uint64_t seed) : cells(count), learned(count - count / kCellsPerStopper) {
    std::iota(cells.begin(), cells.end(), 0U);
    RandomSequence random(seed, Purpose::boosting);
    for (std::uint32_t i = 0; i + 1 < count; ++i) std::swap(cells[i], cells[i + random.below(count - i)]);
  }
};

/// A gene's values in the order of the split, in units of its standard deviation from its mean over the learned
/// cells; all 0 where these have one value.
std::vector<float> standardised(const ExpressionStore& store, std::uint32_t gene, const CellSplit& split) {
  std::vector<double> values(store.cells);
  log_expression(store, gene, values);
  const auto learned = static_cast<double>(split.learned);
  double sum = 0;
  for (std::size_t i = 0; i < split.learned; ++i) sum += values[split.cells[i]];
  const double mean = sum / learned;
  double squares = 0;
  for (std::size_t i = 0; i < split.learned; ++i) squares += std::pow(values[split.cells[i]] - mean, 2);
  const double deviation = std::sqrt(squares / learned);
  const double unit = deviation > 1e-9 ? 1 / deviation : 0;
  std::vector<float> result(store.cells);
  std::transform(split.cells.begin(), split.cells.end(), result.begin(),
                 [&](std::uint32_t cell) { return static_cast<float>((values[cell] - mean) * unit); });
  return result;
}

/// Rows to learn from, and rows to stop by.
struct Predictors {
  xgboost::Data learned;
  xgboost::Data stopping;

  Predictors(const std::vector<float>& table, std::size_t cells, std::size_t columns, const CellSplit& split)
      : learned(table.data(), split.learned, columns),
        stopping(table.data() + split.learned * columns, cells - split.learned, columns) {}
};

/// What all targets share.
class Regulators {
 public:
  Regulators(const ExpressionStore& store, std::span<const std::uint32_t> genes, const CellSplit& split,
             unsigned threads, const JobControl& control)
      : genes_(genes), cells_(store.cells), split_(split), table_(std::size_t{store.cells} * genes.size()) {
    parallel_for(threads, genes.size(), [&](unsigned, std::size_t column) {
      control.check();
      const std::vector<float> values = standardised(store, genes[column], split);
      for (std::size_t row = 0; row < values.size(); ++row) table_[row * genes.size() + column] = values[row];
    });
  }

  [[nodiscard]] std::size_t count() const noexcept { return genes_.size(); }
  [[nodiscard]] bool contains(std::uint32_t gene) const {
    return std::find(genes_.begin(), genes_.end(), gene) != genes_.end();
  }
  [[nodiscard]] Predictors all() const { return {table_, cells_, count(), split_}; }
  /// The same with one value of `gene` in all cells, so that no split is on it.
  [[nodiscard]] Predictors without(std::uint32_t gene) const {
    std::vector<float> table = table_;
    for (std::size_t column = 0; column < count(); ++column) {
      if (genes_[column] != gene) continue;
      for (std::size_t row = 0; row < cells_; ++row) table[row * count() + column] = 0;
    }
    return {table, cells_, count(), split_};
  }

 private:
  std::span<const std::uint32_t> genes_;
  std::size_t cells_;
  const CellSplit& split_;
  std::vector<float> table_;
};

double mean_squared_error(std::span<const float> predicted, std::span<const float> truth) {
  double sum = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) sum += std::pow(double{predicted[i]} - truth[i], 2);
  return sum / static_cast<double>(truth.size());
}

/// Grows trees for one target and adds up what each column gains.
void importances_of(std::span<const float> target, Predictors& predictors, const CellSplit& split,
                    const TreeGrowth& growth, unsigned patience, std::span<float> out, const JobControl& control) {
  const auto learned = target.first(split.learned);
  const auto stopping = target.subspan(split.learned);
  predictors.learned.set_labels(learned);
  xgboost::Booster booster({&predictors.learned, &predictors.stopping}, growth,
                           {{"objective", "reg:squarederror"}, {"base_score", "0"}, {"lambda", "0"}});
  double least = mean_squared_error(std::vector<float>(stopping.size(), 0), stopping);
  unsigned best = 0;
  for (unsigned round = 0; round < growth.rounds && round < best + patience; ++round) {
    control.check();
    booster.grow(static_cast<int>(round), predictors.learned);
    const double error = mean_squared_error(booster.predict(predictors.stopping), stopping);
    if (error >= least) continue;
    least = error;
    best = round + 1;
  }
  if (best == 0) return;
  // A split that would take the gain away takes rate (2 - rate) of it, since the step is shortened by the rate.
  const double taken = growth.rate * (2 - growth.rate);
  const double squares = growth.row_share * static_cast<double>(learned.size());
  const std::vector<double> gains = booster.first(static_cast<int>(best)).total_gains(out.size());
  std::transform(gains.begin(), gains.end(), out.begin(),
                 [&](double gain) { return static_cast<float>(taken * gain / squares); });
}

}  // namespace

void tree_importances(const ExpressionStore& store, std::span<const std::uint32_t> regulators,
                      std::span<const std::uint32_t> targets, const TreeGrowth& growth, unsigned patience,
                      std::span<float> out, unsigned threads, const JobControl& control) {
  xgboost::require_sound(growth);
  if (patience == 0) throw Error("BAD_OPTIONS", "the patience is 0 rounds");
  require_gene_values(store, regulators);
  require_gene_values(store, targets);
  if (regulators.empty()) throw Error("BAD_PAIRS", "there are no regulators");
  if (out.size() != targets.size() * regulators.size()) {
    throw Error("BAD_OUTPUT", "the output does not hold one number for each target and regulator");
  }
  if (store.cells < kMinCellsOfTrees) {
    throw Error("TOO_FEW_CELLS", "trees need " + std::to_string(kMinCellsOfTrees) + " cells or more, and there are " +
                                     std::to_string(store.cells));
  }
  const CellSplit split(store.cells, growth.seed);
  const Regulators shared(store, regulators, split, threads, control);
  std::vector<std::unique_ptr<Predictors>> of_thread(std::max(1U, threads));
  std::fill(out.begin(), out.end(), 0.0F);
  parallel_for(threads, targets.size(), [&](unsigned thread, std::size_t index) {
    control.check();
    const std::uint32_t target = targets[index];
    const std::vector<float> values = standardised(store, target, split);
    const bool varies = std::any_of(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(split.learned),
                                    [](float value) { return value != 0; });
    if (varies) {
      std::optional<Predictors> own;
      if (shared.contains(target)) own.emplace(shared.without(target));
      else if (!of_thread[thread]) of_thread[thread] = std::make_unique<Predictors>(shared.all());
      TreeGrowth seeded = growth;
      seeded.seed = random_words(growth.seed, Purpose::boosting, target, 1)[0];
      importances_of(values, own ? *own : *of_thread[thread], split, seeded, patience,
                     out.subspan(index * regulators.size(), regulators.size()), control);
    }
    control.advance(1);
  });
}

}  // namespace cnnc

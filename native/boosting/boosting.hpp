#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/expression_store.hpp"
#include "core/parallel.hpp"

/// Boosted regression trees, grown by XGBoost. Every booster is grown by one thread and threads share out boosters, so
/// that results do not depend on the number of threads. Without XGBoost at build time every function but the first
/// throws Error XGBOOST_MISSING.
namespace cnnc {

/// Version of XGBoost, e.g. "1.7.4"; empty where the build has none.
[[nodiscard]] std::string xgboost_version();

/// How trees are grown, in XGBoost's terms.
struct TreeGrowth {
  unsigned rounds = 100;        ///< trees one after the other (of each class); 1 or more
  unsigned depth = 3;           ///< 1 to 16
  double rate = 0.1;            ///< learning rate, above 0 and at most 1
  double row_share = 1;         ///< of the rows that each tree sees; above 0 and at most 1
  double column_share = 1;      ///< of the columns that each split is chosen among; above 0 and at most 1
  double min_child_weight = 1;  ///< 0 or more
  std::uint64_t seed = 0;
};

/// rows x columns numbers; NaN is a missing one.
struct Table {
  std::span<const float> values;
  std::size_t columns;
};

/// Learns classes from one table and predicts those of another.
///
/// `classes` is 2 or more; `labels` has one class for each row of `training`, and at least two occur. `out` gets the
/// probability of class 1 for each row of `test` where there are two classes, else test rows x classes
/// probabilities. They are means over `bags` boosters, which differ in the rows and columns they draw.
/// Progress is counted in rounds, rounds x bags in all.
/// Throws Error: BAD_TABLE, BAD_LABELS, BAD_OUTPUT, BAD_OPTIONS, XGBOOST_FAILED, and Cancelled.
void boost_classes(const Table& training, std::span<const std::uint8_t> labels, unsigned classes, const Table& test,
                   unsigned bags, const TreeGrowth& growth, std::span<float> out, unsigned threads,
                   const JobControl& control = {});

/// Fewer cells than this are not split into some to learn from and some to stop by.
inline constexpr std::uint32_t kMinCellsOfTrees = 20;

/// How much each regulator tells about each target: of the target's variance, the share that splits on the regulator
/// take away in boosted trees which predict log10(x + 0.01) of the target from that of all other regulators. (It is
/// exact where each tree sees all rows, and about right otherwise.)
///
/// Trees are grown until `patience` rounds in a row did not bring the error on a tenth of the cells, kept aside, below
/// its minimum, at most `growth.rounds`; those up to the minimum count. `out` gets targets x regulators numbers, 0 for
/// a target itself and for targets with one value in all cells. Progress is counted in targets.
/// Memory: about 20 bytes per regulator, cell and thread.
/// Throws Error: VALUES_MISSING, BAD_PAIRS, BAD_OUTPUT, BAD_OPTIONS, TOO_FEW_CELLS, NEGATIVE_VALUE with the gene of
/// the store, XGBOOST_FAILED, and Cancelled.
void tree_importances(const ExpressionStore& store, std::span<const std::uint32_t> regulators,
                      std::span<const std::uint32_t> targets, const TreeGrowth& growth, unsigned patience,
                      std::span<float> out, unsigned threads, const JobControl& control = {});

}  // namespace cnnc

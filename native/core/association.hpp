#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "core/correlation_columns.hpp"
#include "core/histograms.hpp"
#include "core/parallel.hpp"

namespace cnnc {

/// How strongly two genes depend on each other, over the cells of a store. All are symmetric.
enum class Measure : std::uint8_t {
  pearson,             ///< Pearson's r of log10(x + 0.01), x the linear expression
  spearman,            ///< Pearson's r of the ranks of x, ties sharing their average rank
  mutual_information,  ///< of the 32 x 32 counts, plug-in estimate, in nats
};

/// Association measures of the gene pairs of one store.
///
/// Correlations cost the non-zeros of one gene per pair, and 4 bytes per stored cell of each gene in use
/// and measure, kept for the next call. The result of a pair has the same bits whatever the number of
/// threads, the batch it comes in, or the order of its two genes.
///
/// A gene that holds one value in all cells has no correlation; it counts as 0, as does its mutual
/// information. Values are the store's, in float32: what float32 does not tell apart is a tie.
class Associations {
 public:
  explicit Associations(std::shared_ptr<const ExpressionStore> store);

  /// Writes one number per pair to `out`. May be called by several threads at once.
  /// Throws Error: BAD_PAIRS, BAD_OUTPUT (wrong size), VALUES_MISSING (a correlation, but the store was
  /// built without values), NEGATIVE_VALUE with the gene of the store (Pearson), and Cancelled.
  void compute(Measure measure, const Pairs& pairs, std::span<float> out, unsigned threads,
               const JobControl& control = {});

  /// The columns of some genes, ready; they live as long as this object. May be called by several threads at once.
  /// Throws VALUES_MISSING, NEGATIVE_VALUE and Cancelled as compute does.
  CorrelationColumns& columns(ColumnKind kind, std::span<const std::uint32_t> genes, unsigned threads,
                              const JobControl& control = {});

 private:
  std::shared_ptr<const ExpressionStore> store_;
  std::mutex creating_;
  std::unique_ptr<CorrelationColumns> logarithms_;
  std::unique_ptr<CorrelationColumns> ranks_;
};

}  // namespace cnnc

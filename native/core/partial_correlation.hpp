#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/association.hpp"
#include "core/tiled_matrix.hpp"

namespace cnnc {

/// Correlation of any two genes of a set, given all others of the set, by the shrinkage estimator of Schäfer and
/// Strimmer (2005): correlations of log10(x + 0.01) are shrunk towards 0 by the factor 1 - lambda, which makes their
/// matrix one that can be inverted though genes outnumber cells; with its inverse w, the partial correlation of i and
/// j is -w_ij / sqrt(w_ii w_jj).
///
/// lambda is the sum of the estimated variances of all correlations over the sum of their squares, within [0, 1].
///
/// Takes at most 8 bytes x genes x genes beside 50 MB, and genes^3 operations. A gene with one value in all cells has
/// partial correlation 0. Same bits for any number of threads, and any order of the genes.
class PartialCorrelations {
 public:
  /// \param genes of the store; repetitions do not count
  /// Tells `control` of each gene, of number_of_genes in all.
  /// Throws Error: BAD_PAIRS (no gene of the store), TOO_FEW_CELLS (two, which make every correlation 1 or -1),
  /// VALUES_MISSING and NEGATIVE_VALUE as Associations does, SINGULAR (genes that are sums of others, and a lambda of
  /// 0), Cancelled.
  PartialCorrelations(std::shared_ptr<const ExpressionStore> store, Associations& associations,
                      std::span<const std::uint32_t> genes, unsigned threads, const JobControl& control = {});

  /// How much the correlations were shrunk, from 0 to 1.
  [[nodiscard]] double lambda() const noexcept { return lambda_; }
  [[nodiscard]] std::size_t number_of_genes() const noexcept { return genes_.size(); }

  /// Writes one number per pair; of a gene with itself it is 1. May be called by several threads at once.
  /// Throws Error: BAD_PAIRS, also for a gene outside the set; BAD_OUTPUT (wrong size).
  void scores(const Pairs& pairs, std::span<float> out) const;

 private:
  [[nodiscard]] double fill_correlations(const CorrelationColumns& columns, unsigned threads,
                                         const JobControl& control);
  void shrink(double sum_of_squares, const CorrelationColumns& columns, unsigned threads, const JobControl& control);

  std::shared_ptr<const ExpressionStore> store_;
  std::vector<std::uint32_t> genes_;  ///< distinct, ascending
  std::vector<std::uint32_t> row_of_;  ///< by gene of the store
  TiledMatrix matrix_;                 ///< correlations, then minus the inverse of the shrunken ones
  double lambda_ = 1;
};

}  // namespace cnnc

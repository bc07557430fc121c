#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/expression_store.hpp"
#include "core/histograms.hpp"
#include "core/parallel.hpp"

namespace cnnc {

/// How strongly two genes depend on each other, over the cells of a store. All are symmetric.
enum class Measure : std::uint8_t {
  pearson,             ///< Pearson's r of log10(x + 0.01), x the linear expression
  spearman,            ///< Pearson's r of the ranks of x, ties sharing their average rank
  mutual_information,  ///< of the 32 x 32 counts, plug-in estimate, in nats
};

/// What a correlation needs of a store's genes, each worked out when it is first needed.
///
/// Every stored cell has a float32 number, the transformed value less that of a zero (of the gene's mean
/// where no cell is zero), so that cells which are not stored have 0 and need no visit. For Pearson it is
/// log10(x + 0.01), for Spearman twice the average rank (an integer, exact up to 8 million cells).
class CorrelationColumns {
 public:
  /// \pre `store` has values, and outlives the columns. Measure is pearson or spearman.
  CorrelationColumns(const ExpressionStore& store, Measure measure);

  /// Makes the columns of `genes` ready; those that are already cost nothing. May be called by several
  /// threads; genes that one call has made ready can be read while another is at work.
  /// Throws Error NEGATIVE_VALUE with the gene of the store (Pearson only), and Cancelled.
  void prepare(std::span<const std::uint32_t> genes, unsigned threads, const JobControl& control = {});

  /// One number per stored cell, in their order. \pre the gene is ready; so for all below.
  [[nodiscard]] std::span<const float> of(std::uint32_t gene) const noexcept {
    return {numbers_.data() + store_.first[gene], store_.stored[gene]};
  }
  [[nodiscard]] double sum(std::uint32_t gene) const noexcept { return sum_[gene]; }
  /// Square root of the sum of squared deviations from the mean; 0 when all cells hold one value.
  [[nodiscard]] double deviation(std::uint32_t gene) const noexcept { return deviation_[gene]; }

 private:
  void fill_logarithms(std::uint32_t gene);
  void fill_ranks(std::uint32_t gene);
  void sum_up(std::uint32_t gene);

  const ExpressionStore& store_;
  Measure measure_;
  std::mutex preparing_;
  std::vector<std::uint8_t> ready_;
  RawArray<float> numbers_;  ///< beside cell_ids of the store; only pages of genes in use take memory
  std::vector<double> sum_;
  std::vector<double> deviation_;
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

 private:
  CorrelationColumns& columns_for(Measure measure);

  std::shared_ptr<const ExpressionStore> store_;
  std::mutex creating_;
  std::unique_ptr<CorrelationColumns> logarithms_;
  std::unique_ptr<CorrelationColumns> ranks_;
};

}  // namespace cnnc

#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "core/expression_store.hpp"
#include "core/parallel.hpp"

namespace cnnc {

/// What is correlated.
enum class ColumnKind : std::uint8_t {
  logarithms,  ///< log10(x + 0.01), x the linear expression
  ranks,       ///< twice the average rank of x among the cells: an integer, exact up to 8 million cells
};

/// What a correlation needs of a store's genes, each worked out when it is first needed.
///
/// Every stored cell has a float32 number, the transformed value less that of a zero (of the gene's mean
/// where no cell is zero), so that cells which are not stored have 0 and need no visit.
class CorrelationColumns {
 public:
  /// \pre `store` has values, and outlives the columns.
  CorrelationColumns(const ExpressionStore& store, ColumnKind kind);

  /// Makes the columns of `genes` ready; those that are already cost nothing. May be called by several
  /// threads; genes that one call has made ready can be read while another is at work.
  /// Throws Error NEGATIVE_VALUE with the gene of the store (logarithms only), and Cancelled.
  void prepare(std::span<const std::uint32_t> genes, unsigned threads, const JobControl& control = {});

  /// One number per stored cell, in their order. \pre the gene is ready; so for all below.
  [[nodiscard]] std::span<const float> of(std::uint32_t gene) const noexcept {
    return {numbers_.data() + store_.first[gene], store_.stored[gene]};
  }
  /// Sum over the cells.
  [[nodiscard]] double sum(std::uint32_t gene) const noexcept { return sum_[gene]; }
  /// Square root of the sum of squared deviations from the mean; 0 when all cells hold one value.
  [[nodiscard]] double deviation(std::uint32_t gene) const noexcept { return deviation_[gene]; }

 private:
  void fill_logarithms(std::uint32_t gene);
  void fill_ranks(std::uint32_t gene);
  void sum_up(std::uint32_t gene);

  const ExpressionStore& store_;
  ColumnKind kind_;
  std::mutex preparing_;
  std::vector<std::uint8_t> ready_;
  RawArray<float> numbers_;  ///< beside cell_ids of the store; only pages of genes in use take memory
  std::vector<double> sum_;
  std::vector<double> deviation_;
};

}  // namespace cnnc

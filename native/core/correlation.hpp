#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/correlation_columns.hpp"
#include "core/histograms.hpp"

namespace cnnc {

/// The distinct genes of some pairs, ascending.
[[nodiscard]] std::vector<std::uint32_t> genes_of(const ExpressionStore& store, const Pairs& pairs);

/// Writes Pearson's r of each pair's columns to `out`; 0 where a column is constant. The cost is the non-zeros of one
/// gene of the pair, shared by up to 32 pairs. Same bits for any number of threads, batch, order of a pair's genes,
/// and processor. Number is float or double.
/// \pre the columns of genes_of(pairs) are ready, and `out` has one number per pair.
/// Throws Cancelled.
template <class Number>
void correlate(const ExpressionStore& store, const CorrelationColumns& columns, const Pairs& pairs,
               std::span<Number> out, unsigned threads, const JobControl& control);

}  // namespace cnnc

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/expression_store.hpp"
#include "core/parallel.hpp"

namespace cnnc {

/// The quantiles among a gene's features.
inline constexpr std::array kFeatureQuantiles = {0.1, 0.25, 0.5, 0.75, 0.9};
/// Of each gene: mean and variance of log10(x + 0.01), x the linear expression; the share of cells whose x is 0; and
/// kFeatureQuantiles of log10(x + 0.01). All are over all cells of the store, zeros included.
inline constexpr std::size_t kGeneFeatures = 3 + kFeatureQuantiles.size();

/// Writes genes x kGeneFeatures numbers. The variance divides by the number of cells, and quantiles between two
/// cells are interpolated, as numpy does both by default. Worked out in float64; the same for every thread count.
/// Throws Error: BAD_PAIRS (a gene that the store lacks), BAD_OUTPUT (wrong size), VALUES_MISSING (the store was
/// built without values), NEGATIVE_VALUE with the gene of the store, and Cancelled.
void gene_features(const ExpressionStore& store, std::span<const std::uint32_t> genes, std::span<float> out,
                   unsigned threads, const JobControl& control = {});

/// Writes log10(x + 0.01) of one gene in every cell.
/// \pre the store has values and the gene, and `out` one number per cell. Throws Error NEGATIVE_VALUE.
void log_expression(const ExpressionStore& store, std::uint32_t gene, std::span<double> out);

/// Throws Error VALUES_MISSING, or BAD_PAIRS if one of `genes` is not in the store.
void require_gene_values(const ExpressionStore& store, std::span<const std::uint32_t> genes);

}  // namespace cnnc

#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "core/expression_store.hpp"
#include "core/parallel.hpp"

namespace cnnc {

/// Ordered gene pairs, as two columns of gene indices of a store.
struct Pairs {
  std::span<const std::uint32_t> a;
  std::span<const std::uint32_t> b;
};

/// Where histograms go: pairs x 32 x 32 counts, or float32 NEPDFs. Image k is H[bin of b][bin of a]
/// of pair k. A count type must be able to hold the number of cells.
using HistogramOutput =
    std::variant<std::span<std::uint8_t>, std::span<std::uint16_t>, std::span<std::uint32_t>, std::span<float>>;

/// Throws Error BAD_PAIRS: columns of different length, a gene out of range.
void check_pairs(const ExpressionStore& store, const Pairs& pairs);

/// Throws Error: BAD_PAIRS as check_pairs, BAD_OUTPUT (wrong size, or a type too small for the number of cells).
void check_arguments(const ExpressionStore& store, const Pairs& pairs, const HistogramOutput& out);

/// Fills `out` on `threads` CPU threads. Same bits for any number of threads.
/// Throws what check_arguments throws, and Cancelled.
void histograms_cpu(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out, unsigned threads,
                    const JobControl& control = {});

/// Name of the CPU kernel that this processor runs: "avx512" or "portable".
[[nodiscard]] const char* cpu_kernel_name() noexcept;

}  // namespace cnnc

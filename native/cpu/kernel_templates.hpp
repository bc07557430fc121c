#pragma once

#include "cpu/kernels.hpp"

// Shared bodies of the kernels. They are force-inlined so that each instruction set compiles its own.
#define CNNC_INLINE [[gnu::always_inline]] static inline

namespace cnnc {

template <class Counter>
CNNC_INLINE std::size_t counter_index(Layout layout, std::size_t lane, std::size_t stream_bin,
                                      std::size_t lane_bin) {
  const std::size_t lane_and_bin = lane * kBins + stream_bin;
  return layout == Layout::stream_rows ? lane_and_bin * kBins + lane_bin : lane_bin * kLanes * kBins + lane_and_bin;
}

/// Counts entries [from, to) in all lanes, zero bins included.
template <Layout layout, class Counter>
CNNC_INLINE void count_entries(const StreamedGene& stream, std::size_t from, const SpreadGenes& spread,
                               Counter* counts) {
  const std::uint32_t* cells = stream.cells.data();
  for (std::size_t i = from; i < stream.cells.size(); ++i) {
    const std::uint64_t bins = spread.bins[cells[i]];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      ++counts[counter_index<Counter>(layout, lane, stream.bins[i], (bins >> (8 * lane)) & 0xFF)];
    }
  }
}

template <class Counter, class Count>
CNNC_INLINE void complete_image(const CountedImage<Counter>& image, Count* out) {
  const auto zero_column = static_cast<std::size_t>(image.zero_column);
  const auto zero_row = static_cast<std::size_t>(image.zero_row);
  std::uint32_t column_sum[kBins] = {};
  for (std::size_t row = 0; row < kBins; ++row) {
    if (row == zero_row) continue;
    const Counter* counts = image.counts + row * image.stride;
    std::uint32_t sum = 0;
    for (std::size_t column = 0; column < kBins; ++column) {
      const auto count = static_cast<Count>(counts[column]);
      out[row * kBins + column] = count;
      column_sum[column] += count;
      sum += count;
    }
    const std::uint32_t in_zero_column = image.row_marginal[row] - (sum - counts[zero_column]);
    column_sum[zero_column] += in_zero_column - counts[zero_column];
    out[row * kBins + zero_column] = static_cast<Count>(in_zero_column);
  }
  for (std::size_t column = 0; column < kBins; ++column) {
    out[zero_row * kBins + column] = static_cast<Count>(image.column_marginal[column] - column_sum[column]);
  }
}

}  // namespace cnnc

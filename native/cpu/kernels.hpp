#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/binning.hpp"
#include "core/histogram_plan.hpp"

namespace cnnc {

/// Counters of all lanes of one stream.
inline constexpr std::size_t kLaneCounts = std::size_t{kLanes} * kImage;

/// A gene whose entries are counted, one after the other.
struct StreamedGene {
  std::span<const std::uint32_t> cells;
  const std::uint8_t* bins;
};

/// kLanes genes side by side: byte l of word c is the bin of lane l's gene in cell c.
struct SpreadGenes {
  const std::uint64_t* bins;
  std::uint64_t zero_bins;  ///< byte l is lane l's zero bin
};

/// Where a kernel counts: lane l, bin s of the streamed gene, bin g of the lane's gene.
enum class Layout : std::uint8_t {
  stream_rows,  ///< counts[l][s][g]
  lane_rows,    ///< counts[g][l][s]
};

/// One histogram among the counters: row r starts at counts + r * stride.
template <class Counter>
struct CountedImage {
  const Counter* counts;
  std::size_t stride;
  const std::uint32_t* row_marginal;     ///< kBins, of gene b
  const std::uint32_t* column_marginal;  ///< kBins, of gene a
  int zero_row;
  int zero_column;
};

/// Counting kernels of one instruction set. Counters of 16 bits serve streams of up to 65,535 entries.
///
/// count_*: adds each entry of the stream to all lanes. Only cells outside the zero bin of both genes
/// have to be counted; what lands in a zero row or column is ignored.
/// complete_*: writes the full 32 x 32 image, taking the zero row and column from the marginals.
/// occupied_*: writes the counts of an image that are not 0, in their order, to `out` (kImage counts); returns how many.
struct Kernels {
  const char* name;
  void (*count_16)(const StreamedGene&, const SpreadGenes&, Layout, std::uint16_t* counts);
  void (*count_32)(const StreamedGene&, const SpreadGenes&, Layout, std::uint32_t* counts);
  void (*complete_16_to_16)(const CountedImage<std::uint16_t>&, std::uint16_t* out);
  void (*complete_16_to_32)(const CountedImage<std::uint16_t>&, std::uint32_t* out);
  void (*complete_32_to_32)(const CountedImage<std::uint32_t>&, std::uint32_t* out);
  std::size_t (*occupied_16)(const std::uint16_t* image, std::uint16_t* out);
  std::size_t (*occupied_32)(const std::uint32_t* image, std::uint32_t* out);
};

[[nodiscard]] const Kernels& portable_kernels() noexcept;
/// Null where the compiler or the processor lacks AVX-512 with VBMI2.
[[nodiscard]] const Kernels* avx512_kernels() noexcept;
/// The fastest that this processor runs.
[[nodiscard]] const Kernels& best_kernels() noexcept;

}  // namespace cnnc

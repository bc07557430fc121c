#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/expression_store.hpp"
#include "core/parallel.hpp"

namespace cnnc {

/// Where a prepared file holds the entries of all its genes, one gene after the other without gaps: byte positions of
/// arrays like those of ExpressionStore.
struct EntryPlaces {
  int file = -1;  ///< descriptor, kept open by the caller
  std::uint64_t cell_ids = 0;
  std::uint64_t bins = 0;
  std::uint64_t values = 0;
};

/// Checksums of each gene's entries, kept beside them.
struct EntryChecks {
  std::vector<std::uint64_t> cells;   ///< of cell ids and bins
  std::vector<std::uint64_t> values;  ///< empty for a store without values
};

/// What a prepared file says of its genes; arrays like those of ExpressionStore, over all genes of the file.
struct PreparedGenes {
  std::uint32_t cells = 0;
  std::span<const std::uint64_t> first;  ///< genes + 1; where a gene's entries begin, and where all end
  std::span<const std::uint8_t> zero_bin;
  std::span<const std::uint32_t> marginal;  ///< genes x 32
  std::span<const double> edges;            ///< genes x 33
  std::span<const std::uint32_t> expressing;
  std::span<const std::uint8_t> constant;
  std::span<const std::uint64_t> cell_checks;
  std::span<const std::uint64_t> value_checks;  ///< empty where values are not there, or not wanted
};

/// Writes the entries of all genes of a store. Memory: a few megabytes. The job counts entries.
/// Throws those of write_at, and Cancelled.
[[nodiscard]] EntryChecks write_entries(const ExpressionStore& store, const EntryPlaces& places,
                                        const JobControl& control);

/// Reads the store of some genes, ascending, on `threads` threads. Whatever is read is checked before it is believed:
/// against its checksums, and that it is a sound store. Values come along when there are value_checks. The job counts
/// entries.
///
/// Throws Error: BAD_SELECTION (genes that are not ascending or not there), STORE_DAMAGED (with the gene of the file),
/// those of read_at, and Cancelled.
[[nodiscard]] ExpressionStore read_entries(const PreparedGenes& prepared, const EntryPlaces& places,
                                           std::span<const std::uint32_t> genes, unsigned threads,
                                           const JobControl& control);

}  // namespace cnnc

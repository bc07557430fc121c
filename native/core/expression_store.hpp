#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/binning.hpp"

namespace cnnc {

/// An array that is allocated without being zeroed, because every element is written before it is read.
template <class T>
class RawArray {
 public:
  RawArray() = default;
  explicit RawArray(std::size_t size) : data_(std::make_unique_for_overwrite<T[]>(size)), size_(size) {}
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T* data() noexcept { return data_.get(); }
  [[nodiscard]] const T* data() const noexcept { return data_.get(); }

 private:
  std::unique_ptr<T[]> data_;
  std::size_t size_ = 0;
};

/// A number that no other call in this process returns.
[[nodiscard]] std::uint64_t next_store_id() noexcept;

/// Binned expression of the selected genes in the selected cells, gene by gene.
///
/// Of each gene only the cells outside its zero bin (the bin that an expression of 0 falls into) are
/// stored, in ascending order, with their bins: 5 bytes each, 9 with values. When values are kept,
/// cells with a non-zero value inside the zero bin are stored too.
struct ExpressionStore {
  std::uint64_t id = next_store_id();  ///< tells stores apart; a copy on a device is kept under it
  std::uint32_t cells = 0;
  std::uint32_t genes = 0;

  std::vector<std::uint64_t> first;   ///< genes; where a gene's entries begin
  std::vector<std::uint32_t> stored;  ///< genes; how many entries it has
  RawArray<std::uint32_t> cell_ids;   ///< ascending within a gene
  RawArray<std::uint8_t> bins;        ///< beside cell_ids
  RawArray<float> values;             ///< beside cell_ids, linear expression; empty unless asked for

  std::vector<std::uint8_t> zero_bin;                      ///< genes
  std::vector<std::array<std::uint32_t, kBins>> marginal;  ///< genes; cells per bin, summing to `cells`
  std::vector<std::array<double, kBins + 1>> edges;        ///< genes; in transformed units
  std::vector<std::uint32_t> expressing;                   ///< genes; cells whose value is not 0
  std::vector<std::uint8_t> constant;                      ///< genes; 1 when all cells hold one value

  [[nodiscard]] std::span<const std::uint32_t> cells_of(std::uint32_t gene) const noexcept {
    return {cell_ids.data() + first[gene], stored[gene]};
  }
  [[nodiscard]] std::span<const std::uint8_t> bins_of(std::uint32_t gene) const noexcept {
    return {bins.data() + first[gene], stored[gene]};
  }
  /// Bytes of the arrays above.
  [[nodiscard]] std::size_t bytes() const noexcept;
};

}  // namespace cnnc

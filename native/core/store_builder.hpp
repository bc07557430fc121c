#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/expression_store.hpp"

namespace cnnc {

/// A view of numbers as they stand in a file.
using Numbers =
    std::variant<std::span<const std::int8_t>, std::span<const std::uint8_t>, std::span<const std::int16_t>,
                 std::span<const std::uint16_t>, std::span<const std::int32_t>, std::span<const std::uint32_t>,
                 std::span<const std::int64_t>, std::span<const std::uint64_t>, std::span<const float>,
                 std::span<const double>>;

/// Which axis of the matrix is stored contiguously.
enum class MajorAxis : std::uint8_t { cell, gene };

/// Consecutive rows (cells, or genes when gene-major) of the matrix.
struct Block {
  std::uint64_t first = 0;                    ///< index of the first row in the file
  std::uint64_t count = 0;                    ///< rows
  std::span<const std::uint32_t> offsets;     ///< count + 1 starts of the rows, from 0; empty when dense
  std::optional<Numbers> indices;             ///< column of each value; absent when dense
  Numbers values;                             ///< stored values; count x columns when dense
};

/// How the matrix becomes a store.
struct StoreOptions {
  std::uint64_t file_cells = 0;
  std::uint64_t file_genes = 0;
  std::vector<std::int32_t> cell_of;  ///< file_cells; index among the selected cells (ascending), -1 left out
  std::vector<std::int32_t> gene_of;  ///< file_genes; index in the store (ascending), -1 left out
  std::uint32_t cells = 0;            ///< selected cells
  std::uint32_t genes = 0;            ///< genes of the store
  MajorAxis major = MajorAxis::cell;
  Scale scale = Scale::linear;
  double log_base = 0;  ///< base of scale log1p; 0 is e
  Transform transform = Transform::log10;
  bool keep_values = false;
  unsigned threads = 1;
};

/// What the first pass found in one gene, over the selected cells.
struct GeneStats {
  double minimum = 0;  ///< least value, zeros left out; in stored units, or x for scale counts
  double maximum = 0;
  std::uint32_t expressing = 0;  ///< cells with a value other than 0
};

/// Builds a store by streaming the matrix: totals (only when needs_totals), scan, fill, each time all
/// blocks in order. Memory is the store, the maps, and a copy of one block.
///
/// Calls out of that order throw Error BAD_ORDER. Every pass checks what it reads and throws Error: INDEX_OUT_OF_RANGE, DUPLICATE_ENTRY, NOT_FINITE,
/// NEGATIVE_VALUE (unless scale is linear and transform none), BAD_BLOCK (rows out of order, lengths
/// that do not fit), NOT_REPEATABLE (the passes saw different data).
class StoreBuilder {
 public:
  /// Throws Error BAD_SELECTION when a map does not fit its sizes, TOO_FEW_CELLS below 2 cells.
  explicit StoreBuilder(StoreOptions options);

  /// Whether totals() must see all blocks before scan(): gene-major matrices of scale counts.
  [[nodiscard]] bool needs_totals() const noexcept;

  void totals(const Block& block);
  void scan(const Block& block);
  /// Ends the scan. The statistics are those of the store's genes.
  const std::vector<GeneStats>& end_scan();
  /// True when any value of a selected cell had a fraction.
  [[nodiscard]] bool has_fractions() const noexcept { return has_fractions_.load(); }
  /// Decides the bins and makes room. `keep` says which genes of the store stay (empty: all); the
  /// others are dropped and the rest renumbered in order.
  void begin_fill(std::span<const std::uint8_t> keep);
  void fill(const Block& block);
  /// Ends the fill and hands over the store.
  [[nodiscard]] ExpressionStore finish();

 private:
  template <class Value>
  struct Rows;
  /// What filling a gene touches for every entry, side by side.
  struct GeneFill {
    BinRule rule;
    std::uint64_t next = 0;  ///< where the next entry goes
    std::uint64_t end = 0;
    int zero_bin = 0;
  };
  /// What the builder expects next; after an error it expects nothing any more.
  enum class Stage : std::uint8_t { totals, scan, begin_fill, fill, done };
  void require(Stage stage) const;
  template <class Visit>
  void pass(Stage stage, const Block& block, Visit&& visit);
  void end_pass();
  [[nodiscard]] double linear(double value, std::size_t file_cell) const noexcept;
  template <class Value>
  void check_value(Value value, std::size_t cell, std::size_t gene) const;

  template <class Value>
  void add_totals(const Rows<Value>& rows);
  template <class Value>
  void scan_cells(const Rows<Value>& rows);
  template <class Value>
  void scan_genes(const Rows<Value>& rows);
  template <class Value>
  void fill_cells(const Rows<Value>& rows);
  template <class Value>
  void fill_genes(const Rows<Value>& rows);
  void plan_ranges();
  void append(std::size_t gene, std::uint32_t cell, double x);
  void sort_entries(std::size_t gene);

  StoreOptions options_;
  Stage stage_ = Stage::scan;
  double log_of_base_ = 1;
  std::uint64_t next_row_ = 0;             ///< first row that the current pass has not seen
  std::vector<std::uint32_t> columns_;     ///< of the current block, checked
  std::vector<double> cell_total_;         ///< file_cells, scale counts only
  std::vector<GeneStats> stats_;           ///< genes
  std::vector<std::vector<GeneStats>> thread_stats_;  ///< threads x genes, cell-major scan only
  std::atomic<bool> has_fractions_{false};
  std::atomic<bool> rows_sorted_{true};
  std::vector<std::size_t> column_ranges_;  ///< bounds of ranges of file columns, see plan_ranges
  std::vector<GeneFill> fills_;             ///< genes
  ExpressionStore store_;
};

}  // namespace cnnc

#include "core/store_builder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>

#include "core/error.hpp"
#include "core/parallel.hpp"

namespace cnnc {
namespace {

constexpr double kCountsPerCell = 10000;
constexpr std::int32_t kLeftOut = -1;
/// Rows that a thread takes at a time.
constexpr std::size_t kRowsPerTask = 64;

/// A selection numbers the chosen rows of the file 0, 1, 2 ... in file order.
void check_selection(std::span<const std::int32_t> map, std::uint64_t file_size, std::uint32_t selected,
                     const char* what) {
  std::uint32_t chosen = 0;
  bool in_order = map.size() == file_size;
  for (const std::int32_t index : map) {
    if (index == kLeftOut) continue;
    in_order = in_order && index >= 0 && static_cast<std::uint32_t>(index) == chosen;
    ++chosen;
  }
  if (!in_order || chosen != selected) {
    throw Error("BAD_SELECTION", std::string("the selection of ") + what + " does not fit the file");
  }
}

/// Copies column indices of any integer type, checking that each is below `width`.
void copy_columns(const Numbers& numbers, std::uint64_t width, std::vector<std::uint32_t>& out) {
  std::visit(
      [&](auto source) {
        using Index = typename decltype(source)::value_type;
        if constexpr (std::is_integral_v<Index>) {
          out.resize(source.size());
          for (std::size_t i = 0; i < source.size(); ++i) {
            const auto index = static_cast<std::uint64_t>(source[i]);  // negative becomes huge
            if (index >= width) {
              throw Error("INDEX_OUT_OF_RANGE", "index " + std::to_string(source[i]) + " at position " +
                                                    std::to_string(i) + " of the block is outside 0.." +
                                                    std::to_string(width - 1));
            }
            out[i] = static_cast<std::uint32_t>(index);
          }
        } else {
          throw Error("BAD_BLOCK", "indices are not integers");
        }
      },
      numbers);
}

void merge(GeneStats& into, const GeneStats& from) noexcept {
  into.minimum = std::min(into.minimum, from.minimum);
  into.maximum = std::max(into.maximum, from.maximum);
  into.expressing += from.expressing;
}

constexpr GeneStats kNothingSeen{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                                 0};

void see(GeneStats& stats, double value) noexcept {
  stats.minimum = std::min(stats.minimum, value);
  stats.maximum = std::max(stats.maximum, value);
  ++stats.expressing;
}

}  // namespace

/// The rows of one block; sparse when `columns` is not empty.
template <class Value>
struct StoreBuilder::Rows {
  std::size_t first = 0;
  std::size_t count = 0;
  std::size_t width = 0;
  bool dense = false;
  std::span<const std::uint32_t> offsets;
  std::span<const std::uint32_t> columns;
  std::span<const Value> values;

  /// Calls visit(column, value) for the values of a row whose column is in [from, to), in stored order.
  template <class Visit>
  void each(std::size_t row, std::size_t from, std::size_t to, bool sorted, Visit&& visit) const {
    if (dense) {
      for (std::size_t column = from; column < to; ++column) visit(column, values[row * width + column]);
      return;
    }
    std::size_t begin = offsets[row];
    std::size_t end = offsets[row + 1];
    if (sorted && (from > 0 || to < width)) {
      const auto* data = columns.data();
      begin = static_cast<std::size_t>(std::lower_bound(data + begin, data + end, from) - data);
      end = static_cast<std::size_t>(std::lower_bound(data + begin, data + end, to) - data);
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (columns[i] >= from && columns[i] < to) visit(columns[i], values[i]);
    }
  }

  [[nodiscard]] bool sorted(std::size_t row) const {
    if (dense) return true;
    for (std::size_t i = offsets[row] + std::size_t{1}; i < offsets[row + 1]; ++i) {
      if (columns[i] <= columns[i - 1]) return false;
    }
    return true;
  }

  /// A column that an unsorted row holds twice, or -1.
  [[nodiscard]] std::int64_t duplicate(std::size_t row) const {
    std::vector<std::uint32_t> sorted_columns(columns.begin() + offsets[row], columns.begin() + offsets[row + 1]);
    std::sort(sorted_columns.begin(), sorted_columns.end());
    const auto twice = std::adjacent_find(sorted_columns.begin(), sorted_columns.end());
    return twice == sorted_columns.end() ? -1 : static_cast<std::int64_t>(*twice);
  }
};

StoreBuilder::StoreBuilder(StoreOptions options) : options_(std::move(options)) {
  if (options_.file_cells > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()) ||
      options_.file_genes > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) {
    throw Error("BAD_SELECTION", "More than 2^31 cells or genes are not supported.");
  }
  check_selection(options_.cell_of, options_.file_cells, options_.cells, "cells");
  check_selection(options_.gene_of, options_.file_genes, options_.genes, "genes");
  if (options_.cells < 2) {
    throw Error("TOO_FEW_CELLS", "Histograms need at least 2 cells; " + std::to_string(options_.cells) + " selected.");
  }
  options_.threads = std::max(1U, options_.threads);
  stage_ = needs_totals() ? Stage::totals : Stage::scan;
  log_of_base_ = options_.log_base > 0 ? std::log(options_.log_base) : 1;
  if (options_.scale == Scale::counts) cell_total_.assign(options_.file_cells, 0);
  stats_.assign(options_.genes, kNothingSeen);
  if (options_.major == MajorAxis::cell) thread_stats_.assign(options_.threads, stats_);
}

bool StoreBuilder::needs_totals() const noexcept {
  return options_.scale == Scale::counts && options_.major == MajorAxis::gene;
}

double StoreBuilder::linear(double value, std::size_t file_cell) const noexcept {
  switch (options_.scale) {
    case Scale::counts: {
      const double total = cell_total_[file_cell];
      return total == 0 ? value : value / total * kCountsPerCell;
    }
    case Scale::log1p:
      return std::expm1(value * log_of_base_);
    case Scale::linear:
      break;
  }
  return value;
}

template <class Value>
void StoreBuilder::check_value(Value value, std::size_t cell, std::size_t gene) const {
  const auto as_index = [](std::size_t index) { return static_cast<std::int64_t>(index); };
  if constexpr (std::is_floating_point_v<Value>) {
    if (!std::isfinite(value)) {
      throw Error("NOT_FINITE", std::isnan(value) ? "a value is NaN" : "a value is infinite", as_index(cell),
                  as_index(gene));
    }
  }
  if constexpr (std::is_signed_v<Value>) {
    if (value < 0 && !(options_.scale == Scale::linear && options_.transform == Transform::none)) {
      throw Error("NEGATIVE_VALUE", "a value is negative", as_index(cell), as_index(gene));
    }
  }
}

void StoreBuilder::require(Stage stage) const {
  if (stage_ != stage) throw Error("BAD_ORDER", "the store builder was called out of order");
}

/// Checks the block's form, and visits its rows as Rows<Value>.
template <class Visit>
void StoreBuilder::pass(Stage stage, const Block& block, Visit&& visit) {
  require(stage);
  stage_ = Stage::done;
  const bool by_cell = options_.major == MajorAxis::cell;
  const std::uint64_t rows = by_cell ? options_.file_cells : options_.file_genes;
  const std::uint64_t width = by_cell ? options_.file_genes : options_.file_cells;
  if (block.first != next_row_ || block.count > rows - next_row_) {
    throw Error("BAD_BLOCK", "rows " + std::to_string(block.first) + " and on do not follow row " +
                                 std::to_string(next_row_) + " of " + std::to_string(rows));
  }
  const std::size_t size = std::visit([](auto values) { return values.size(); }, block.values);
  columns_.clear();
  if (block.indices) {
    copy_columns(*block.indices, width, columns_);
    const bool fits = block.offsets.size() == block.count + 1 && block.offsets.front() == 0 &&
                      block.offsets.back() == size && columns_.size() == size &&
                      std::is_sorted(block.offsets.begin(), block.offsets.end());
    if (!fits) throw Error("BAD_BLOCK", "row offsets, indices and values do not fit together");
  } else if (size != block.count * width) {
    throw Error("BAD_BLOCK", "a dense block has the wrong size");
  }
  std::visit(
      [&](auto values) {
        using Value = typename decltype(values)::value_type;
        visit(Rows<Value>{block.first, block.count, width, !block.indices, block.offsets, columns_, values});
      },
      block.values);
  next_row_ += block.count;
  stage_ = stage;
}

void StoreBuilder::end_pass() {
  const std::uint64_t rows = options_.major == MajorAxis::cell ? options_.file_cells : options_.file_genes;
  if (std::exchange(next_row_, 0) != rows) throw Error("BAD_BLOCK", "a pass ended before the last row");
}

template <class Value>
void StoreBuilder::add_totals(const Rows<Value>& rows) {
  // By ranges of cells, so that every total is summed in gene order whatever the thread count.
  const std::size_t parts = options_.threads;
  parallel_for(options_.threads, parts, [&](unsigned, std::size_t part) {
    const std::size_t from = rows.width * part / parts;
    const std::size_t to = rows.width * (part + 1) / parts;
    for (std::size_t row = 0; row < rows.count; ++row) {
      rows.each(row, from, to, rows.sorted(row),
                [&](std::size_t cell, Value value) { cell_total_[cell] += static_cast<double>(value); });
    }
  });
}

void StoreBuilder::totals(const Block& block) {
  pass(Stage::totals, block, [&](const auto& rows) { add_totals(rows); });
  if (next_row_ != options_.file_genes) return;
  end_pass();
  stage_ = Stage::scan;
}

template <class Value>
void StoreBuilder::scan_cells(const Rows<Value>& rows) {
  const std::size_t tasks = (rows.count + kRowsPerTask - 1) / kRowsPerTask;
  parallel_for(options_.threads, tasks, [&](unsigned thread, std::size_t task) {
    std::vector<GeneStats>& stats = thread_stats_[thread];
    bool fractions = false;
    const std::size_t end = std::min(rows.count, (task + 1) * kRowsPerTask);
    for (std::size_t row = task * kRowsPerTask; row < end; ++row) {
      const std::size_t cell = rows.first + row;
      if (!rows.sorted(row)) {
        rows_sorted_ = false;
        if (const std::int64_t gene = rows.duplicate(row); gene >= 0) {
          throw Error("DUPLICATE_ENTRY", "two values for one gene in one cell", static_cast<std::int64_t>(cell), gene);
        }
      }
      if (options_.cell_of[cell] == kLeftOut) continue;
      double total = 0;
      rows.each(row, 0, rows.width, true, [&](std::size_t gene, Value value) {
        check_value(value, cell, gene);
        total += static_cast<double>(value);
      });
      if (options_.scale == Scale::counts) cell_total_[cell] = total;
      rows.each(row, 0, rows.width, true, [&](std::size_t file_gene, Value value) {
        if (value == Value{0}) return;
        if constexpr (std::is_floating_point_v<Value>) fractions |= value != std::trunc(value);
        const std::int32_t gene = options_.gene_of[file_gene];
        if (gene == kLeftOut) return;
        const auto number = static_cast<double>(value);
        see(stats[static_cast<std::size_t>(gene)], options_.scale == Scale::counts ? linear(number, cell) : number);
      });
    }
    if (fractions) has_fractions_ = true;
  });
}

template <class Value>
void StoreBuilder::scan_genes(const Rows<Value>& rows) {
  parallel_for(options_.threads, rows.count, [&](unsigned, std::size_t row) {
    const std::size_t file_gene = rows.first + row;
    bool fractions = false;
    if (!rows.sorted(row)) {
      rows_sorted_ = false;
      if (const std::int64_t cell = rows.duplicate(row); cell >= 0) {
        throw Error("DUPLICATE_ENTRY", "two values for one cell in one gene", cell,
                    static_cast<std::int64_t>(file_gene));
      }
    }
    const std::int32_t gene = options_.gene_of[file_gene];
    rows.each(row, 0, rows.width, true, [&](std::size_t cell, Value value) {
      if (options_.cell_of[cell] == kLeftOut) return;
      check_value(value, cell, file_gene);
      if (value == Value{0}) return;
      if constexpr (std::is_floating_point_v<Value>) fractions |= value != std::trunc(value);
      if (gene == kLeftOut) return;
      const auto number = static_cast<double>(value);
      see(stats_[static_cast<std::size_t>(gene)], options_.scale == Scale::counts ? linear(number, cell) : number);
    });
    if (fractions) has_fractions_ = true;
  });
}

void StoreBuilder::scan(const Block& block) {
  pass(Stage::scan, block, [&](const auto& rows) {
    if (options_.major == MajorAxis::cell) {
      scan_cells(rows);
    } else {
      scan_genes(rows);
    }
  });
}

const std::vector<GeneStats>& StoreBuilder::end_scan() {
  require(Stage::scan);
  end_pass();
  stage_ = Stage::begin_fill;
  for (const std::vector<GeneStats>& part : thread_stats_) {
    for (std::size_t gene = 0; gene < stats_.size(); ++gene) merge(stats_[gene], part[gene]);
  }
  thread_stats_.clear();
  thread_stats_.shrink_to_fit();
  return stats_;
}

void StoreBuilder::begin_fill(std::span<const std::uint8_t> keep) {
  require(Stage::begin_fill);
  stage_ = Stage::done;
  if (!keep.empty()) {
    if (keep.size() != stats_.size()) throw Error("BAD_SELECTION", "the genes to keep do not fit the store's genes");
    std::vector<std::int32_t> renumbered(keep.size(), kLeftOut);
    std::vector<GeneStats> kept;
    for (std::size_t gene = 0; gene < keep.size(); ++gene) {
      if (keep[gene] == 0) continue;
      renumbered[gene] = static_cast<std::int32_t>(kept.size());
      kept.push_back(stats_[gene]);
    }
    for (std::int32_t& gene : options_.gene_of) {
      if (gene != kLeftOut) gene = renumbered[static_cast<std::size_t>(gene)];
    }
    options_.genes = static_cast<std::uint32_t>(kept.size());
    stats_ = std::move(kept);
  }

  store_.cells = options_.cells;
  store_.genes = options_.genes;
  store_.first.resize(options_.genes);
  store_.stored.assign(options_.genes, 0);
  store_.zero_bin.resize(options_.genes);
  store_.marginal.resize(options_.genes);
  store_.edges.resize(options_.genes);
  store_.expressing.resize(options_.genes);
  store_.constant.resize(options_.genes);
  fills_.resize(options_.genes);
  std::uint64_t entries = 0;
  for (std::size_t gene = 0; gene < options_.genes; ++gene) {
    const GeneStats& stats = stats_[gene];
    // linear() is non-decreasing, so the extremes of the stored values are those of x.
    const bool stored_units = options_.scale != Scale::counts;
    double minimum = stats.expressing == 0 ? 0 : stored_units ? linear(stats.minimum, 0) : stats.minimum;
    double maximum = stats.expressing == 0 ? 0 : stored_units ? linear(stats.maximum, 0) : stats.maximum;
    const bool has_zeros = stats.expressing < options_.cells;
    if (has_zeros) {
      minimum = std::min(minimum, 0.0);
      maximum = std::max(maximum, 0.0);
    }
    if (!std::isfinite(maximum)) {
      const auto column = std::find(options_.gene_of.begin(), options_.gene_of.end(), static_cast<std::int32_t>(gene));
      throw Error("NOT_LOG1P", "a value is too large for a logarithm", -1, column - options_.gene_of.begin());
    }
    store_.constant[gene] = minimum == maximum ? 1 : 0;
    store_.expressing[gene] = stats.expressing;
    store_.edges[gene] =
        numpy_edges(transform_value(options_.transform, minimum), transform_value(options_.transform, maximum));
    const BinRule rule(options_.transform, store_.edges[gene]);
    const int zero_bin = has_zeros ? rule(0) : 0;
    fills_[gene] = {rule, entries, entries + stats.expressing, zero_bin};
    store_.zero_bin[gene] = static_cast<std::uint8_t>(zero_bin);
    store_.first[gene] = entries;
    entries += stats.expressing;
  }
  store_.cell_ids = RawArray<std::uint32_t>(entries);
  store_.bins = RawArray<std::uint8_t>(entries);
  if (options_.keep_values) store_.values = RawArray<float>(entries);

  plan_ranges();
  stage_ = Stage::fill;
}

/// Cuts the columns into ranges that one thread fills at a time, so that entries keep the order of the rows
/// without locks. A range's working set (rule and the two lines being written of each gene) fits the
/// second-level cache.
void StoreBuilder::plan_ranges() {
  constexpr std::size_t kGenesPerRange = 2048;
  const std::size_t ranges = std::max<std::size_t>(options_.threads, options_.genes / kGenesPerRange + 1);
  const std::uint64_t entries = store_.cell_ids.size();
  column_ranges_.assign(1, 0);
  std::uint64_t seen = 0;
  for (std::size_t column = 0; column < options_.gene_of.size(); ++column) {
    const std::int32_t gene = options_.gene_of[column];
    if (gene == kLeftOut) continue;
    seen += stats_[static_cast<std::size_t>(gene)].expressing;
    if (column_ranges_.size() < ranges && seen * ranges >= entries * column_ranges_.size()) {
      column_ranges_.push_back(column + 1);
    }
  }
  column_ranges_.push_back(options_.gene_of.size());
}

void StoreBuilder::append(std::size_t gene, std::uint32_t cell, double x) {
  GeneFill& fill = fills_[gene];
  const int bin = fill.rule(x);
  if (bin == fill.zero_bin && !options_.keep_values) return;
  if (fill.next == fill.end) throw Error("NOT_REPEATABLE", "the file changed while it was read");
  const std::size_t entry = fill.next++;
  store_.cell_ids.data()[entry] = cell;
  store_.bins.data()[entry] = static_cast<std::uint8_t>(bin);
  if (options_.keep_values) store_.values.data()[entry] = static_cast<float>(x);
}

template <class Value>
void StoreBuilder::fill_cells(const Rows<Value>& rows) {
  const bool sorted = rows_sorted_;
  parallel_for(options_.threads, column_ranges_.size() - 1, [&](unsigned, std::size_t range) {
    for (std::size_t row = 0; row < rows.count; ++row) {
      const std::size_t file_cell = rows.first + row;
      const std::int32_t cell = options_.cell_of[file_cell];
      if (cell == kLeftOut) continue;
      rows.each(row, column_ranges_[range], column_ranges_[range + 1], sorted, [&](std::size_t file_gene, Value value) {
        const std::int32_t gene = options_.gene_of[file_gene];
        if (gene == kLeftOut || value == Value{0}) return;
        append(static_cast<std::size_t>(gene), static_cast<std::uint32_t>(cell),
               linear(static_cast<double>(value), file_cell));
      });
    }
  });
}

template <class Value>
void StoreBuilder::fill_genes(const Rows<Value>& rows) {
  parallel_for(options_.threads, rows.count, [&](unsigned, std::size_t row) {
    const std::int32_t gene = options_.gene_of[rows.first + row];
    if (gene == kLeftOut) return;
    rows.each(row, 0, rows.width, true, [&](std::size_t file_cell, Value value) {
      const std::int32_t cell = options_.cell_of[file_cell];
      if (cell == kLeftOut || value == Value{0}) return;
      append(static_cast<std::size_t>(gene), static_cast<std::uint32_t>(cell),
             linear(static_cast<double>(value), file_cell));
    });
    if (!rows.sorted(row)) sort_entries(static_cast<std::size_t>(gene));
  });
}

void StoreBuilder::sort_entries(std::size_t gene) {
  const std::size_t first = store_.first[gene];
  const std::size_t count = fills_[gene].next - first;
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), first);
  const std::uint32_t* cells = store_.cell_ids.data();
  std::sort(order.begin(), order.end(), [cells](std::size_t a, std::size_t b) { return cells[a] < cells[b]; });
  const auto reorder = [&](auto* data) {
    std::vector<std::remove_pointer_t<decltype(data)>> copy(count);
    for (std::size_t i = 0; i < count; ++i) copy[i] = data[order[i]];
    std::copy(copy.begin(), copy.end(), data + first);
  };
  reorder(store_.bins.data());
  if (options_.keep_values) reorder(store_.values.data());
  reorder(store_.cell_ids.data());
}

void StoreBuilder::fill(const Block& block) {
  pass(Stage::fill, block, [&](const auto& rows) {
    if (options_.major == MajorAxis::cell) {
      fill_cells(rows);
    } else {
      fill_genes(rows);
    }
  });
}

ExpressionStore StoreBuilder::finish() {
  require(Stage::fill);
  end_pass();
  stage_ = Stage::done;
  parallel_for(options_.threads, options_.genes, [&](unsigned, std::size_t gene) {
    store_.stored[gene] = static_cast<std::uint32_t>(fills_[gene].next - store_.first[gene]);
    auto& marginal = store_.marginal[gene];
    marginal.fill(0);
    for (const std::uint8_t bin : store_.bins_of(static_cast<std::uint32_t>(gene))) ++marginal[bin];
    marginal[store_.zero_bin[gene]] += store_.cells - store_.stored[gene];
  });
  fills_.clear();
  return std::move(store_);
}

}  // namespace cnnc

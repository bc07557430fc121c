#include "core/prepared_store.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/checksum.hpp"
#include "core/error.hpp"
#include "core/file_access.hpp"

namespace cnnc {
namespace {

/// Bytes gathered before they are written.
constexpr std::size_t kWriteBytes = std::size_t{4} << 20;
/// Entries that a thread reads at a time, unless one gene has more: what it checks is still in its cache.
constexpr std::uint64_t kEntriesPerTask = std::uint64_t{1} << 17;

/// Writes consecutive pieces in large steps.
class Appender {
 public:
  Appender(int file, std::uint64_t position) : file_(file), position_(position) { buffer_.reserve(kWriteBytes); }
  void append(std::span<const std::byte> bytes) {
    if (buffer_.size() + bytes.size() > kWriteBytes) flush();
    if (bytes.size() > kWriteBytes) {
      write(bytes);
    } else {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    }
  }
  void flush() {
    write(buffer_);
    buffer_.clear();
  }

 private:
  void write(std::span<const std::byte> bytes) {
    write_at(file_, position_, bytes);
    position_ += bytes.size();
  }
  int file_;
  std::uint64_t position_;
  std::vector<std::byte> buffer_;
};

std::uint64_t check_of_cells(std::span<const std::uint32_t> cell_ids, std::span<const std::uint8_t> bins) noexcept {
  const std::uint64_t both[] = {checksum(std::as_bytes(cell_ids)), checksum(std::as_bytes(bins))};
  return checksum(std::as_bytes(std::span(both)));
}

[[noreturn]] void damaged(std::uint32_t gene, const char* what) {
  throw Error("STORE_DAMAGED", what, -1, static_cast<std::int64_t>(gene));
}

/// Throws unless what is said of a gene can be true of some gene.
void check_gene(const PreparedGenes& prepared, std::uint32_t gene) {
  const auto edges = prepared.edges.subspan(std::size_t{gene} * (kBins + 1), kBins + 1);
  const bool finite = std::all_of(edges.begin(), edges.end(), [](double edge) { return std::isfinite(edge); });
  if (!finite || !std::is_sorted(edges.begin(), edges.end())) damaged(gene, "the bin edges are no edges");
  if (prepared.zero_bin[gene] >= kBins || prepared.constant[gene] > 1) damaged(gene, "there is no such bin");
  const std::uint64_t stored = prepared.first[gene + 1] - prepared.first[gene];
  if (prepared.expressing[gene] > prepared.cells || stored > prepared.expressing[gene]) {
    damaged(gene, "more cells express it than there are");
  }
}

void check_cells(const ExpressionStore& store, std::uint32_t gene, std::uint32_t file_gene) {
  const auto cells = store.cells_of(gene);
  bool ascending = cells.empty() || cells.back() < store.cells;
  for (std::size_t i = 1; i < cells.size(); ++i) ascending &= cells[i] > cells[i - 1];
  if (!ascending) damaged(file_gene, "its cells are not in order");

  const auto bins = store.bins_of(gene);
  std::uint8_t all = 0;
  for (const std::uint8_t bin : bins) all |= bin;
  if (all >= kBins) damaged(file_gene, "there is no such bin");
  // Four counters of each bin, because equal bins in a row would wait for one another.
  std::array<std::array<std::uint32_t, kBins>, 4> counts{};
  for (std::size_t i = 0; i < bins.size(); ++i) ++counts[i % counts.size()][bins[i]];
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    std::uint32_t count = counts[0][bin] + counts[1][bin] + counts[2][bin] + counts[3][bin];
    if (bin == store.zero_bin[gene]) count += store.cells - store.stored[gene];
    if (count != store.marginal[gene][bin]) damaged(file_gene, "its cells per bin are not those of its margin");
  }
}

/// The store without its entries. \pre the genes are checked
ExpressionStore empty_store(const PreparedGenes& prepared, std::span<const std::uint32_t> genes) {
  ExpressionStore store;
  store.cells = prepared.cells;
  store.genes = static_cast<std::uint32_t>(genes.size());
  std::uint64_t entries = 0;
  for (const std::uint32_t gene : genes) {
    store.first.push_back(entries);
    store.stored.push_back(static_cast<std::uint32_t>(prepared.first[gene + 1] - prepared.first[gene]));
    entries += store.stored.back();
    store.zero_bin.push_back(prepared.zero_bin[gene]);
    std::copy_n(prepared.marginal.begin() + std::ptrdiff_t{gene} * kBins, kBins, store.marginal.emplace_back().begin());
    std::copy_n(prepared.edges.begin() + std::ptrdiff_t{gene} * (kBins + 1), kBins + 1,
                store.edges.emplace_back().begin());
    store.expressing.push_back(prepared.expressing[gene]);
    store.constant.push_back(prepared.constant[gene]);
  }
  store.cell_ids = RawArray<std::uint32_t>(entries);
  store.bins = RawArray<std::uint8_t>(entries);
  if (!prepared.value_checks.empty()) store.values = RawArray<float>(entries);
  return store;
}

/// Genes [from, to) of the store, which follow one another in the file.
struct Run {
  std::uint32_t from;
  std::uint32_t to;
};

std::vector<Run> runs_of(const ExpressionStore& store, std::span<const std::uint32_t> genes) {
  std::vector<Run> runs;
  std::uint64_t entries = 0;
  for (std::uint32_t gene = 0; gene < genes.size(); ++gene) {
    const bool follows = gene > 0 && genes[gene] == genes[gene - 1] + 1;
    if (!follows || entries + store.stored[gene] > kEntriesPerTask) {
      runs.push_back({gene, gene});
      entries = 0;
    }
    runs.back().to = gene + 1;
    entries += store.stored[gene];
  }
  return runs;
}

void check_table(const PreparedGenes& prepared, std::span<const std::uint32_t> genes) {
  const std::size_t count = prepared.first.empty() ? 0 : prepared.first.size() - 1;
  const bool fits = !prepared.first.empty() && prepared.zero_bin.size() == count &&
                    prepared.marginal.size() == count * kBins && prepared.edges.size() == count * (kBins + 1) &&
                    prepared.expressing.size() == count && prepared.constant.size() == count &&
                    prepared.cell_checks.size() == count &&
                    (prepared.value_checks.empty() || prepared.value_checks.size() == count);
  if (!fits) throw Error("STORE_DAMAGED", "its arrays do not fit together");
  if (!std::is_sorted(prepared.first.begin(), prepared.first.end()) || prepared.first.front() != 0) {
    throw Error("STORE_DAMAGED", "its genes are not in order");
  }
  for (std::size_t i = 0; i < genes.size(); ++i) {
    if (genes[i] >= count || (i > 0 && genes[i] <= genes[i - 1])) {
      throw Error("BAD_SELECTION", "the genes asked for are not ascending genes of the file");
    }
    check_gene(prepared, genes[i]);
  }
}

}  // namespace

EntryChecks write_entries(const ExpressionStore& store, const EntryPlaces& places, const JobControl& control) {
  EntryChecks checks;
  Appender cell_ids(places.file, places.cell_ids);
  Appender bins(places.file, places.bins);
  Appender values(places.file, places.values);
  const bool has_values = store.values.data() != nullptr;
  for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
    control.check();
    cell_ids.append(std::as_bytes(store.cells_of(gene)));
    bins.append(std::as_bytes(store.bins_of(gene)));
    checks.cells.push_back(check_of_cells(store.cells_of(gene), store.bins_of(gene)));
    if (has_values) {
      const std::span<const float> row{store.values.data() + store.first[gene], store.stored[gene]};
      values.append(std::as_bytes(row));
      checks.values.push_back(checksum(std::as_bytes(row)));
    }
    control.advance(store.stored[gene]);
  }
  cell_ids.flush();
  bins.flush();
  values.flush();
  return checks;
}

ExpressionStore read_entries(const PreparedGenes& prepared, const EntryPlaces& places,
                             std::span<const std::uint32_t> genes, unsigned threads, const JobControl& control) {
  check_table(prepared, genes);
  ExpressionStore store = empty_store(prepared, genes);
  const std::vector<Run> runs = runs_of(store, genes);
  parallel_for(threads, runs.size(), [&](unsigned, std::size_t task) {
    control.check();
    const auto [from, to] = runs[task];
    const std::uint64_t first = store.first[from];
    const std::uint64_t count = store.first[to - 1] + store.stored[to - 1] - first;
    const std::uint64_t in_file = prepared.first[genes[from]];
    const auto read = [&](auto* data, std::uint64_t place) {
      const std::span row{data + first, count};
      read_at(places.file, place + in_file * sizeof *data, std::as_writable_bytes(row));
    };
    read(store.cell_ids.data(), places.cell_ids);
    read(store.bins.data(), places.bins);
    if (store.values.data() != nullptr) read(store.values.data(), places.values);
    for (std::uint32_t gene = from; gene < to; ++gene) {
      const std::uint32_t file_gene = genes[gene];
      if (check_of_cells(store.cells_of(gene), store.bins_of(gene)) != prepared.cell_checks[file_gene]) {
        damaged(file_gene, "its cells are not those that were written");
      }
      check_cells(store, gene, file_gene);
      if (store.values.data() == nullptr) continue;
      const std::span<const float> values{store.values.data() + store.first[gene], store.stored[gene]};
      if (checksum(std::as_bytes(values)) != prepared.value_checks[file_gene]) {
        damaged(file_gene, "its values are not those that were written");
      }
      if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
        damaged(file_gene, "a value is not finite");
      }
    }
    control.advance(count);
  });
  return store;
}

}  // namespace cnnc

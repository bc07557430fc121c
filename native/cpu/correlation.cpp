#include "core/correlation.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "core/aligned.hpp"
#include "core/clones.hpp"
#include "core/pair_groups.hpp"
#include "cpu/lane_products.hpp"

namespace cnnc {
namespace {

/// Cells that are spread at a time, at most: 768 KB, to stay in the second-level cache.
constexpr std::uint32_t kCellsAtATime = 3072;
/// Streamed genes whose sums are held while the cells go by.
constexpr std::size_t kStreamsAtATime = 512;

/// Groups of which there are fewer for each thread are shared among threads.
constexpr std::size_t kEnoughGroups = 4;

/// Streamed genes `first` to `end` of a group of pairs, as far as there are so many.
struct StreamTask {
  std::size_t group;
  std::size_t first;
  std::size_t end;
};

/// Tasks for all streams, of which there are no more than pairs or genes in any group. Sharing a group costs its order.
std::vector<StreamTask> stream_tasks(const ExpressionStore& store, const PairGroups& groups, unsigned threads) {
  const bool is_shared = groups.size() < kEnoughGroups * threads;
  std::vector<StreamTask> tasks;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const std::size_t most = std::min<std::size_t>(groups.pairs_in(group), store.genes);
    const std::size_t size = is_shared ? kStreamsAtATime : most;
    for (std::size_t first = 0; first < most; first += size) tasks.push_back({group, first, first + size});
  }
  return tasks;
}

/// Some of the cells.
struct CellRange {
  std::uint32_t first;
  std::uint32_t end;
};

/// A streamed gene, its pairs, and the sums of its products with the lanes.
struct StreamedPairs {
  std::uint32_t gene;
  std::span<const GroupedPair> pairs;
  std::size_t done;  ///< entries of the gene that are in the sums
};

/// Sums and deviations of the lanes' columns.
struct LaneMoments {
  std::array<double, kProductLanes> sum{};
  std::array<double, kProductLanes> deviation{};

  void set(const CorrelationColumns& columns, std::span<const std::uint32_t> genes) {
    for (std::size_t lane = 0; lane < genes.size(); ++lane) {
      sum[lane] = columns.sum(genes[lane]);
      deviation[lane] = columns.deviation(genes[lane]);
    }
  }
};

/// Turns the sums of products of a column with the lanes into Pearson's r.
CNNC_CLONES void to_correlations(const LaneMoments& lanes, double sum, double deviation, double cells,
                                 double* products) noexcept {
  for (std::size_t lane = 0; lane < kProductLanes; ++lane) {
    const double deviations = lanes.deviation[lane] * deviation;
    const double r = (products[lane] - lanes.sum[lane] * sum / cells) / (deviations == 0 ? 1 : deviations);
    products[lane] = deviations == 0 ? 0 : std::min(std::max(r, -1.0), 1.0);
  }
}

/// What a thread needs for one task after the other.
class GroupCorrelator {
 public:
  GroupCorrelator(const ExpressionStore& store, const CorrelationColumns& columns)
      : store_(store),
        columns_(columns),
        blocks_((store.cells + kCellsAtATime - 1) / kCellsAtATime),
        lanes_(std::size_t{range_of(0).end} * kProductLanes),
        sums_(kStreamsAtATime * kProductLanes) {}

  /// Writes the correlations of a task's pairs to their places in `out`.
  template <class Number>
  void correlate(const PairGroups& groups, const StreamTask& task, std::span<Number> out, const JobControl& control) {
    if (group_ != task.group) take(groups, task.group);
    const std::size_t end = std::min(task.end, streams_.size());
    for (std::size_t first = task.first; first < end; first += kStreamsAtATime) {
      const auto streams = std::span(streams_).subspan(first, std::min(kStreamsAtATime, end - first));
      std::fill(sums_.begin(), sums_.end(), 0.0);
      for (std::uint32_t block = 0; block < blocks_; ++block) {
        if (spread_ != block) spread(groups.lane_genes(task.group), block);
        add_products(streams, block, control);
      }
      for (std::size_t s = 0; s < streams.size(); ++s) {
        double* const results = sums_.data() + s * kProductLanes;
        to_correlations(moments_, columns_.sum(streams[s].gene), columns_.deviation(streams[s].gene), store_.cells,
                        results);
        for (const GroupedPair& pair : streams[s].pairs) out[pair.pair] = static_cast<Number>(results[pair.lane]);
        control.advance(streams[s].pairs.size());
      }
    }
  }

 private:
  static constexpr std::uint32_t kNoBlock = ~0U;
  static constexpr std::size_t kNoGroup = ~std::size_t{0};

  void take(const PairGroups& groups, std::size_t group) {
    groups.pairs_of(group, pairs_);
    list_streams();
    moments_.set(columns_, groups.lane_genes(group));
    spread_ = kNoBlock;
    group_ = group;
  }

  /// Blocks are of one size, but for the rounding.
  [[nodiscard]] CellRange range_of(std::uint32_t block) const noexcept {
    const std::uint32_t size = (store_.cells + blocks_ - 1) / blocks_;
    return {block * size, std::min(store_.cells, (block + 1) * size)};
  }

  void list_streams() {
    streams_.clear();
    for (std::size_t first = 0; first < pairs_.size();) {
      const std::uint32_t gene = pairs_[first].streamed;
      std::size_t end = first + 1;
      while (end < pairs_.size() && pairs_[end].streamed == gene) ++end;
      streams_.push_back({gene, std::span(pairs_).subspan(first, end - first), 0});
      first = end;
    }
  }

  void spread(std::span<const std::uint32_t> genes, std::uint32_t block) {
    const CellRange range = range_of(block);
    std::fill(lanes_.begin(), lanes_.end(), 0.0);
    for (std::size_t lane = 0; lane < genes.size(); ++lane) {
      const auto cells = store_.cells_of(genes[lane]);
      const auto numbers = columns_.of(genes[lane]);
      const auto from = std::lower_bound(cells.begin(), cells.end(), range.first);
      for (auto i = static_cast<std::size_t>(from - cells.begin()); i < cells.size() && cells[i] < range.end; ++i) {
        lanes_[std::size_t{cells[i] - range.first} * kProductLanes + lane] = numbers[i];
      }
    }
    spread_ = block;
  }

  void add_products(std::span<StreamedPairs> streams, std::uint32_t block, const JobControl& control) {
    const CellRange range = range_of(block);
    for (std::size_t s = 0; s < streams.size(); ++s) {
      control.check();
      StreamedPairs& stream = streams[s];
      const auto cells = store_.cells_of(stream.gene).subspan(stream.done);
      const bool is_last = range.end == store_.cells;
      const auto end = is_last ? cells.end() : std::lower_bound(cells.begin(), cells.end(), range.end);
      const auto count = static_cast<std::size_t>(end - cells.begin());
      add_lane_products(cells.data(), columns_.of(stream.gene).data() + stream.done, count, range.first, lanes_.data(),
                        sums_.data() + s * kProductLanes);
      stream.done += count;
    }
  }

  const ExpressionStore& store_;
  const CorrelationColumns& columns_;
  std::uint32_t blocks_;
  AlignedVector<double> lanes_;  ///< number l of a cell is that of lane l's gene, 0 where it is not stored
  AlignedVector<double> sums_;   ///< kProductLanes of each stream
  LaneMoments moments_;
  std::size_t group_ = kNoGroup;
  std::uint32_t spread_ = kNoBlock;
  std::vector<GroupedPair> pairs_;
  std::vector<StreamedPairs> streams_;
};

}  // namespace

std::vector<std::uint32_t> genes_of(const ExpressionStore& store, const Pairs& pairs) {
  std::vector<std::uint8_t> used(store.genes, 0);
  for (const auto column : {pairs.a, pairs.b}) {
    for (const std::uint32_t gene : column) used[gene] = 1;
  }
  std::vector<std::uint32_t> genes;
  for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
    if (used[gene] != 0) genes.push_back(gene);
  }
  return genes;
}

template <class Number>
void correlate(const ExpressionStore& store, const CorrelationColumns& columns, const Pairs& pairs,
               std::span<Number> out, unsigned threads, const JobControl& control) {
  const PairGroups groups(store, pairs, kProductLanes, threads, SpreadGene::cheapest);
  const auto tasks = stream_tasks(store, groups, threads);
  std::vector<std::unique_ptr<GroupCorrelator>> correlators(std::max(1U, threads));
  parallel_for(threads, tasks.size(), [&](unsigned thread, std::size_t task) {
    if (!correlators[thread]) correlators[thread] = std::make_unique<GroupCorrelator>(store, columns);
    correlators[thread]->correlate(groups, tasks[task], out, control);
  });
}

template void correlate(const ExpressionStore&, const CorrelationColumns&, const Pairs&, std::span<float>, unsigned,
                        const JobControl&);
template void correlate(const ExpressionStore&, const CorrelationColumns&, const Pairs&, std::span<double>, unsigned,
                        const JobControl&);

}  // namespace cnnc

#include "core/histogram_plan.hpp"

#include <algorithm>
#include <limits>

namespace cnnc {
namespace {

/// Streams of one task at most, so that a batch with few spread genes still makes work for all threads.
constexpr std::uint32_t kStreamsPerTask = 128;
/// Spreading writes all lanes of every cell, at about this many streamed entries per cell.
constexpr double kSpreadCostPerCell = 2;

/// The distinct genes of a column, each numbered in order of first appearance.
struct Distinct {
  std::vector<std::uint32_t> genes;
  std::vector<std::uint32_t> rank_of;  ///< by gene; only valid for those in `genes`
};

Distinct distinct_genes(std::span<const std::uint32_t> column, std::uint32_t genes) {
  constexpr auto kUnseen = std::numeric_limits<std::uint32_t>::max();
  Distinct distinct{{}, std::vector<std::uint32_t>(genes, kUnseen)};
  for (const std::uint32_t gene : column) {
    if (distinct.rank_of[gene] != kUnseen) continue;
    distinct.rank_of[gene] = static_cast<std::uint32_t>(distinct.genes.size());
    distinct.genes.push_back(gene);
  }
  return distinct;
}

/// Stable counting sort: the positions 0..keys.size()-1 ordered by key.
template <class KeyOf>
std::vector<std::uint32_t> order_by(const std::vector<std::uint32_t>& positions, std::size_t keys, KeyOf key_of) {
  std::vector<std::uint32_t> starts(keys + 1, 0);
  for (const std::uint32_t position : positions) ++starts[key_of(position) + 1];
  for (std::size_t key = 1; key < starts.size(); ++key) starts[key] += starts[key - 1];
  std::vector<std::uint32_t> ordered(positions.size());
  for (const std::uint32_t position : positions) ordered[starts[key_of(position)]++] = position;
  return ordered;
}

/// Work of a side being spread: tasks to spread, and entries to stream if every pair of a task's
/// streams fell into it alone or all lanes shared it, whichever is less.
double cost_of_spreading(const ExpressionStore& store, std::size_t spread_genes, std::size_t streamed_genes,
                         std::span<const std::uint32_t> streamed) {
  const double groups = static_cast<double>((spread_genes + kLanes - 1) / kLanes);
  double entries = 0;
  for (const std::uint32_t gene : streamed) entries += store.stored[gene];
  const double mean = entries / static_cast<double>(streamed.size());
  const double most_streams = groups * static_cast<double>(streamed_genes);
  const double streams = std::min(static_cast<double>(streamed.size()), most_streams);
  return groups * kSpreadCostPerCell * store.cells + streams * mean;
}

}  // namespace

Plan plan_histograms(const ExpressionStore& store, const Pairs& pairs) {
  Plan plan;
  const std::size_t count = pairs.a.size();
  if (count == 0) return plan;

  Distinct a = distinct_genes(pairs.a, store.genes);
  Distinct b = distinct_genes(pairs.b, store.genes);
  plan.lanes_hold_a = cost_of_spreading(store, a.genes.size(), b.genes.size(), pairs.b) <=
                      cost_of_spreading(store, b.genes.size(), a.genes.size(), pairs.a);
  Distinct& spread = plan.lanes_hold_a ? a : b;
  const Distinct& streamed = plan.lanes_hold_a ? b : a;
  const auto spread_column = plan.lanes_hold_a ? pairs.a : pairs.b;
  const auto stream_column = plan.lanes_hold_a ? pairs.b : pairs.a;

  std::vector<std::uint32_t> order(count);
  for (std::uint32_t pair = 0; pair < count; ++pair) order[pair] = pair;
  order = order_by(order, streamed.genes.size(), [&](std::uint32_t p) { return streamed.rank_of[stream_column[p]]; });
  const std::size_t groups = (spread.genes.size() + kLanes - 1) / kLanes;
  order = order_by(order, groups, [&](std::uint32_t p) { return spread.rank_of[spread_column[p]] / kLanes; });

  plan.lane_genes = std::move(spread.genes);
  plan.outputs.reserve(count);
  std::uint32_t last_group = std::numeric_limits<std::uint32_t>::max();
  for (const std::uint32_t pair : order) {
    const std::uint32_t rank = spread.rank_of[spread_column[pair]];
    const std::uint32_t group = rank / kLanes;
    const std::uint32_t gene = stream_column[pair];
    const bool new_task = group != last_group || plan.tasks.back().streams == kStreamsPerTask;
    if (new_task || plan.streams.back().gene != gene) {
      if (new_task) {
        const std::uint32_t first = group * kLanes;
        const auto lanes = std::min<std::uint32_t>(kLanes, static_cast<std::uint32_t>(plan.lane_genes.size()) - first);
        plan.tasks.push_back({first, lanes, static_cast<std::uint32_t>(plan.streams.size()), 0});
        last_group = group;
      }
      plan.streams.push_back({gene, static_cast<std::uint32_t>(plan.outputs.size()), 0});
      ++plan.tasks.back().streams;
    }
    plan.outputs.push_back({pair, rank % kLanes});
    ++plan.streams.back().outputs;
  }
  return plan;
}

}  // namespace cnnc

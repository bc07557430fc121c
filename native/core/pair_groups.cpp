#include "core/pair_groups.hpp"

#include <algorithm>
#include <numeric>

#include "core/parallel.hpp"

namespace cnnc {
namespace {

/// Pairs that a thread sorts at a time.
constexpr std::size_t kPairsPerTask = 1 << 16;

std::size_t tasks_of(std::size_t pairs) { return (pairs + kPairsPerTask - 1) / kPairsPerTask; }

/// Calls visit(pair) for the pairs of a task.
template <class Visit>
void each_pair(std::size_t task, std::size_t pairs, Visit&& visit) {
  const std::size_t end = std::min(pairs, (task + 1) * kPairsPerTask);
  for (std::size_t pair = task * kPairsPerTask; pair < end; ++pair) visit(pair);
}

}  // namespace

PairGroups::PairGroups(const ExpressionStore& store, const Pairs& pairs, std::uint32_t lanes, unsigned threads)
    : pairs_(pairs), lanes_(lanes) {
  rank_genes(store);
  number_lanes(threads);
  sort_into_groups(threads);
}

void PairGroups::rank_genes(const ExpressionStore& store) {
  ranked_.resize(store.genes);
  std::iota(ranked_.begin(), ranked_.end(), 0U);
  std::stable_sort(ranked_.begin(), ranked_.end(), [&](auto a, auto b) { return store.stored[a] > store.stored[b]; });
  rank_of_.resize(store.genes);
  for (std::uint32_t rank = 0; rank < store.genes; ++rank) rank_of_[ranked_[rank]] = rank;
}

PairGroups::Ranks PairGroups::ranks(std::size_t pair) const noexcept {
  const std::uint32_t a = rank_of_[pairs_.a[pair]];
  const std::uint32_t b = rank_of_[pairs_.b[pair]];
  return {std::min(a, b), std::max(a, b)};
}

std::span<const std::uint32_t> PairGroups::lane_genes(std::size_t group) const noexcept {
  const std::size_t first = group * lanes_;
  return std::span(lane_genes_).subspan(first, std::min<std::size_t>(lanes_, lane_genes_.size() - first));
}

void PairGroups::number_lanes(unsigned threads) {
  const std::size_t genes = ranked_.size();
  std::vector<std::vector<std::uint8_t>> used(std::max(1U, threads), std::vector<std::uint8_t>(genes, 0));
  parallel_for(threads, tasks_of(pairs_.a.size()), [&](unsigned thread, std::size_t task) {
    each_pair(task, pairs_.a.size(), [&](std::size_t pair) { used[thread][ranks(pair).spread] = 1; });
  });
  lane_of_.resize(genes);
  for (std::size_t rank = 0; rank < genes; ++rank) {
    lane_of_[rank] = static_cast<std::uint32_t>(lane_genes_.size());
    if (std::any_of(used.begin(), used.end(), [rank](const auto& mine) { return mine[rank] != 0; })) {
      lane_genes_.push_back(ranked_[rank]);
    }
  }
}

/// A counting sort: every task counts its pairs of each group, and then knows where to put them.
void PairGroups::sort_into_groups(unsigned threads) {
  const std::size_t pairs = pairs_.a.size();
  const std::size_t tasks = tasks_of(pairs);
  const std::size_t groups = (lane_genes_.size() + lanes_ - 1) / lanes_;
  const auto group_of = [&](std::size_t pair) { return lane_of_[ranks(pair).spread] / lanes_; };
  std::vector<std::size_t> places(tasks * groups, 0);
  parallel_for(threads, tasks, [&](unsigned, std::size_t task) {
    each_pair(task, pairs, [&](std::size_t pair) { ++places[task * groups + group_of(pair)]; });
  });
  first_.assign(groups + 1, pairs);
  std::size_t place = 0;
  for (std::size_t group = 0; group < groups; ++group) {
    first_[group] = place;
    for (std::size_t task = 0; task < tasks; ++task) {
      const std::size_t count = places[task * groups + group];
      places[task * groups + group] = place;
      place += count;
    }
  }
  grouped_.resize(pairs);
  parallel_for(threads, tasks, [&](unsigned, std::size_t task) {
    each_pair(task, pairs, [&](std::size_t pair) {
      const auto [spread, streamed] = ranks(pair);
      const std::uint32_t lane = lane_of_[spread];
      const std::size_t to = places[task * groups + lane / lanes_]++;
      grouped_[to] = {static_cast<std::uint32_t>(pair), ranked_[streamed], lane % lanes_};
    });
  });
}

void PairGroups::pairs_of(std::size_t group, std::vector<GroupedPair>& out) const {
  const std::span members = std::span(grouped_).subspan(first_[group], first_[group + 1] - first_[group]);
  std::vector<std::uint32_t> places(ranked_.size() + 1, 0);
  for (const GroupedPair& pair : members) ++places[pair.streamed + 1];
  for (std::size_t gene = 1; gene < places.size(); ++gene) places[gene] += places[gene - 1];
  out.resize(members.size());
  for (const GroupedPair& pair : members) out[places[pair.streamed]++] = pair;
}

}  // namespace cnnc

#include "core/pair_groups.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/parallel.hpp"

namespace cnnc {
namespace {

/// Pairs that a thread sorts at a time.
constexpr std::size_t kPairsPerTask = 1 << 16;

/// Beside a streamed entry: a cell of a group that is cleared, and an entry that is spread.
constexpr double kCostPerCell = 3;
constexpr double kCostPerSpread = 2;
/// Fewer pairs than this share of all first genes with all second ones share too few streams to tell what they cost.
constexpr double kLeastShareOfProduct = 0.25;

std::size_t tasks_of(std::size_t pairs) { return (pairs + kPairsPerTask - 1) / kPairsPerTask; }

/// Calls visit(pair) for the pairs of a task.
template <class Visit>
void each_pair(std::size_t task, std::size_t pairs, Visit&& visit) {
  const std::size_t end = std::min(pairs, (task + 1) * kPairsPerTask);
  for (std::size_t pair = task * kPairsPerTask; pair < end; ++pair) visit(pair);
}

}  // namespace

PairGroups::PairGroups(const ExpressionStore& store, const Pairs& pairs, std::uint32_t lanes, unsigned threads,
                       SpreadGene spread)
    : pairs_(pairs), lanes_(lanes) {
  rank_genes(store);
  if (spread == SpreadGene::cheapest) order_ = cheapest_order(store);
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
  const bool is_first_spread = order_ == Order::first || (order_ == Order::denser && a < b);
  return is_first_spread ? Ranks{a, b} : Ranks{b, a};
}

/// Genes of some pairs, by rank.
struct PairGroups::Sides {
  std::vector<std::uint8_t> first;   ///< whether it is the first gene of a pair
  std::vector<std::uint8_t> second;  ///< whether it is the second gene of a pair
};

PairGroups::Order PairGroups::cheapest_order(const ExpressionStore& store) const {
  const std::size_t genes = ranked_.size();
  Sides sides{std::vector<std::uint8_t>(genes, 0), std::vector<std::uint8_t>(genes, 0)};
  for (const std::uint32_t gene : pairs_.a) sides.first[rank_of_[gene]] = 1;
  for (const std::uint32_t gene : pairs_.b) sides.second[rank_of_[gene]] = 1;
  const auto number = [](const std::vector<std::uint8_t>& used) { return std::accumulate(used.begin(), used.end(), 0.0); };
  const double product = number(sides.first) * number(sides.second);
  if (static_cast<double>(pairs_.a.size()) < kLeastShareOfProduct * product) return Order::denser;

  const double denser = cost_of_denser(store, sides);
  const double first = cost_of_side(store, sides.first, sides.second);
  const double second = cost_of_side(store, sides.second, sides.first);
  if (denser <= std::min(first, second)) return Order::denser;
  return first <= second ? Order::first : Order::second;
}

double PairGroups::cost_of_side(const ExpressionStore& store, const std::vector<std::uint8_t>& spread,
                                const std::vector<std::uint8_t>& streamed) const {
  double spread_genes = 0;
  double spread_entries = 0;
  double streamed_entries = 0;
  for (std::size_t rank = 0; rank < ranked_.size(); ++rank) {
    const double stored = store.stored[ranked_[rank]];
    spread_genes += spread[rank];
    spread_entries += spread[rank] * stored;
    streamed_entries += streamed[rank] * stored;
  }
  const double groups = std::ceil(spread_genes / lanes_);
  return groups * (store.cells * kCostPerCell + streamed_entries) + spread_entries * kCostPerSpread;
}

double PairGroups::cost_of_denser(const ExpressionStore& store, const Sides& sides) const {
  // From the sparsest gene on: over the lanes of a group go all genes of the other side that are sparser.
  double sparser_first = 0;
  double sparser_second = 0;
  double cost = 0;
  std::uint32_t lanes = 0;
  bool has_first = false;
  bool has_second = false;
  const auto end_group = [&] {
    cost += store.cells * kCostPerCell + has_second * sparser_first + has_first * sparser_second;
    lanes = 0;
    has_first = has_second = false;
  };
  for (std::size_t rank = ranked_.size(); rank-- > 0;) {
    if (sides.first[rank] == 0 && sides.second[rank] == 0) continue;
    const double stored = store.stored[ranked_[rank]];
    cost += stored * kCostPerSpread;
    sparser_first += sides.first[rank] * stored;
    sparser_second += sides.second[rank] * stored;
    has_first = has_first || sides.first[rank] != 0;
    has_second = has_second || sides.second[rank] != 0;
    if (++lanes == lanes_) end_group();
  }
  if (lanes > 0) end_group();
  return cost;
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

#include "cuda/block_plan.hpp"

#include <algorithm>
#include <bit>

namespace cnnc::gpu {
namespace {

/// Cells whose zero bin is written in the time of streaming one entry: 16 bytes per thread against one.
constexpr double kFilledPerEntry = 20;
/// A slice below this is not worth a second block on the multiprocessor.
constexpr std::size_t kShortSlice = 32 * 1024;

/// Work in streamed entries: each pair streams one gene, each task spreads the other once.
double cost_of_spreading(const ExpressionStore& store, std::span<const std::uint32_t> spread,
                         std::span<const std::uint32_t> streamed) {
  std::vector<std::uint32_t> pairs_of(store.genes, 0);
  double cost = 0;
  for (std::size_t pair = 0; pair < spread.size(); ++pair) {
    const bool new_task = pairs_of[spread[pair]]++ % kTeams == 0;
    if (new_task) cost += store.cells / kFilledPerEntry + store.stored[spread[pair]];
    cost += store.stored[streamed[pair]];
  }
  return cost;
}

/// Equal for lengths that differ by less than a quarter or so, greater for greater ones; below 2^8.
std::uint32_t length_class(std::uint32_t length) {
  const int bits = std::bit_width(length);
  return bits < 3 ? length : static_cast<std::uint32_t>(bits) * 4 + (length >> (bits - 3)) % 4;
}

}  // namespace

BlockPlan plan_blocks(const ExpressionStore& store, const Pairs& pairs) {
  BlockPlan plan;
  plan.spread_is_a = cost_of_spreading(store, pairs.a, pairs.b) <= cost_of_spreading(store, pairs.b, pairs.a);
  const auto spread = plan.spread_is_a ? pairs.a : pairs.b;
  const auto streamed = plan.spread_is_a ? pairs.b : pairs.a;

  struct Key {
    std::uint64_t group;
    std::uint32_t pair;
  };
  std::vector<Key> order(pairs.a.size());
  for (std::uint32_t pair = 0; pair < order.size(); ++pair) {
    order[pair] = {std::uint64_t{spread[pair]} << 8 | length_class(store.stored[streamed[pair]]), pair};
  }
  std::sort(order.begin(), order.end(), [](const Key& left, const Key& right) {
    return left.group != right.group ? left.group < right.group : left.pair < right.pair;
  });

  plan.pairs.reserve(order.size());
  for (const Key& key : order) {
    const std::uint32_t gene = spread[key.pair];
    if (plan.tasks.empty() || plan.tasks.back().spread_gene != gene || plan.tasks.back().pairs == kTeams) {
      plan.tasks.push_back({gene, static_cast<std::uint32_t>(plan.pairs.size()), 0, 0});
    }
    ++plan.tasks.back().pairs;
    plan.pairs.push_back({streamed[key.pair], key.pair});
  }
  for (Task& task : plan.tasks) task.team_threads = kThreads / std::bit_ceil(task.pairs);
  return plan;
}

std::uint32_t slice_cells(std::uint32_t cells, const SharedMemory& shared) noexcept {
  const auto left_by_images = [](std::size_t bytes) { return bytes > kImagesBytes ? bytes - kImagesBytes : 0; };
  const std::size_t one_block = left_by_images(shared.per_block);
  const std::size_t half = shared.per_multiprocessor / 2;
  const std::size_t two_blocks =
      std::min(one_block, half > shared.reserved_per_block ? left_by_images(half - shared.reserved_per_block) : 0);
  const std::size_t needed = (std::size_t{cells} + 15) / 16 * 16;
  const std::size_t room = two_blocks >= std::min(needed, kShortSlice) ? two_blocks : one_block;
  return static_cast<std::uint32_t>(std::min(needed, room / 16 * 16));
}

}  // namespace cnnc::gpu

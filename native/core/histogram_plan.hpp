#pragma once

#include <cstdint>
#include <vector>

#include "core/histograms.hpp"

namespace cnnc {

/// Genes that are spread out side by side and counted against one streamed gene in one go.
inline constexpr std::uint32_t kLanes = 8;

/// One histogram that a stream yields: which lane it is counted in and which pair it belongs to.
struct LaneOutput {
  std::uint32_t pair;
  std::uint32_t lane;
};

/// A gene streamed over the lanes of its task.
struct Stream {
  std::uint32_t gene;
  std::uint32_t first_output;
  std::uint32_t outputs;
};

/// Up to kLanes spread genes and all genes streamed over them. Tasks are independent of each other.
struct Task {
  std::uint32_t first_lane_gene;  ///< into Plan::lane_genes
  std::uint32_t lanes;
  std::uint32_t first_stream;
  std::uint32_t streams;
};

/// The order in which a batch of pairs is counted.
struct Plan {
  bool lanes_hold_a = true;  ///< the spread genes are the pairs' a, the streamed ones their b; or the reverse
  std::vector<std::uint32_t> lane_genes;
  std::vector<LaneOutput> outputs;
  std::vector<Stream> streams;
  std::vector<Task> tasks;
};

/// Groups pairs so that as many as possible share the work of spreading and streaming: spreading costs
/// about as much as streaming, once per task; streaming costs the non-zeros of the streamed gene,
/// once per task and streamed gene. Spreads the side for which that comes out cheaper.
[[nodiscard]] Plan plan_histograms(const ExpressionStore& store, const Pairs& pairs);

}  // namespace cnnc

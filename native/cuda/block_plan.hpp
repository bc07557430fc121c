#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/histograms.hpp"
#include "cuda/block.hpp"

namespace cnnc::gpu {

/// The blocks of one launch.
struct BlockPlan {
  bool spread_is_a = true;
  std::vector<Task> tasks;
  std::vector<StreamedPair> pairs;  ///< grouped by task
};

/// Groups pairs by one of their genes, a or b for all, whichever side costs less to spread. Pairs of a
/// task have streams of about the same length, because a block takes as long as its longest.
[[nodiscard]] BlockPlan plan_blocks(const ExpressionStore& store, const Pairs& pairs);

/// Shared memory of a GPU, in bytes.
struct SharedMemory {
  std::size_t per_block;           ///< that one block may ask for
  std::size_t per_multiprocessor;  ///< that all blocks of a multiprocessor share
  std::size_t reserved_per_block;  ///< that the system takes in addition
};

/// Cells of a slice, a multiple of 16: as many as leave room for two blocks on a multiprocessor, unless
/// that makes slices short; no more than there are. 0 when not even the images fit.
[[nodiscard]] std::uint32_t slice_cells(std::uint32_t cells, const SharedMemory& shared) noexcept;

}  // namespace cnnc::gpu

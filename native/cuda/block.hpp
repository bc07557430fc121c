#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/expression_store.hpp"
#include "cuda/warp.hpp"

// What one GPU thread block does, as code that also runs on the host: the tests run it there, thread
// after thread, and compare the images with histograms_cpu.

namespace cnnc::gpu {

/// Threads of a block; with kTeams, a compromise between blocks per multiprocessor and spreading a gene often.
inline constexpr std::uint32_t kThreads = 512;
/// Streamed genes of a block at most: one warp each.
inline constexpr std::uint32_t kTeams = kThreads / kWarp;
/// Words between the rows of an image in shared memory. With 32, a column would lie in one bank.
inline constexpr std::uint32_t kRowStride = kBins + 1;
/// Counters are 32-bit words: those have native shared-memory atomics, hold any number of cells, and
/// take the completed image in place.
inline constexpr std::uint32_t kImageWords = kBins * kRowStride;
inline constexpr std::size_t kImagesBytes = std::size_t{kTeams} * kImageWords * sizeof(std::uint32_t);

/// The arrays of an ExpressionStore that pairs are counted from.
struct StoreView {
  std::uint32_t cells;
  const std::uint64_t* first;
  const std::uint32_t* stored;
  const std::uint32_t* cell_ids;
  const std::uint8_t* bins;
  const std::uint8_t* zero_bin;
  const std::uint32_t* marginal;  ///< genes x kBins
};

/// Work of one block: a gene spread out in shared memory and up to kTeams genes streamed over it.
struct Task {
  std::uint32_t spread_gene;
  std::uint32_t first_pair;    ///< into Batch::pairs
  std::uint32_t pairs;         ///< 1 to kTeams
  std::uint32_t team_threads;  ///< threads that share a pair: a multiple of kWarp, pairs * team_threads <= kThreads
};

/// A pair of a task, by its other gene.
struct StreamedPair {
  std::uint32_t gene;
  std::uint32_t image;  ///< its place in Batch::out
};

/// What all blocks of a launch share.
template <class Count>
struct Batch {
  StoreView store;
  const Task* tasks;
  const StreamedPair* pairs;
  bool spread_is_a;           ///< the spread gene is the pair's a (columns of the image), the streamed one its b
  std::uint32_t slice_cells;  ///< cells that BlockMemory::slice holds, a multiple of 16
  const float* nepdf;         ///< by count, when Count is float
  Count* out;                 ///< images x kImage
};

/// Shared memory of a block.
struct BlockMemory {
  std::uint8_t* slice;    ///< bins of the spread gene in a range of cells; 16-byte aligned
  std::uint32_t* images;  ///< kTeams x kImageWords counters
};

/// What a thread keeps from one phase to the next.
struct Thread {
  std::uint32_t index;
  std::uint64_t next_spread;    ///< its next entry of the spread gene
  std::uint64_t next_streamed;  ///< its next entry of its team's streamed gene

  CNNC_HOST_DEVICE Thread(std::uint32_t index, const Task& task)
      : index(index), next_spread(index), next_streamed(index % task.team_threads) {}
};

/// A gene's stored cells and bins.
struct Entries {
  const std::uint32_t* cells;
  const std::uint8_t* bins;
  std::uint64_t size;
};

CNNC_HOST_DEVICE inline Entries entries_of(const StoreView& store, std::uint32_t gene) {
  return {store.cell_ids + store.first[gene], store.bins + store.first[gene], store.stored[gene]};
}

CNNC_HOST_DEVICE inline void add_one(std::uint32_t& counter) {
#ifdef __CUDA_ARCH__
  atomicAdd(&counter, 1U);
#else
  std::atomic_ref(counter).fetch_add(1, std::memory_order_relaxed);
#endif
}

/// Visits every `step`th entry from `next` on, as long as its cell is below `limit`, and leaves `next`
/// at the first one not visited. Cells ascend, so threads that start side by side stay side by side.
template <class Visit>
CNNC_HOST_DEVICE void visit_below(const Entries& entries, std::uint64_t& next, std::uint32_t step,
                                  std::uint32_t limit, Visit visit) {
  constexpr int kInFlight = 4;  // loads begun before the first is used
  bool more = next < entries.size;
  while (more) {
    std::uint32_t cells[kInFlight];
    std::uint32_t bins[kInFlight];
    for (int i = 0; i < kInFlight; ++i) {
      const std::uint64_t entry = next + static_cast<std::uint64_t>(i) * step;
      const bool exists = entry < entries.size;
      cells[i] = exists ? entries.cells[entry] : limit;
      bins[i] = exists ? entries.bins[entry] : 0;
    }
    for (int i = 0; i < kInFlight; ++i) {
      if (cells[i] >= limit) continue;
      visit(cells[i], bins[i]);
      next += step;
    }
    more = cells[kInFlight - 1] < limit;
  }
}

/// 16 bytes that are stored at once.
struct alignas(16) Bytes16 {
  std::uint32_t words[4];
};

/// Writes the spread gene's zero bin to the slice's first `cells` cells, and up to 15 beyond.
CNNC_HOST_DEVICE inline void fill_slice(const Thread& thread, std::uint8_t* slice, std::uint32_t cells,
                                        std::uint32_t zero_bin) {
  const std::uint32_t word = zero_bin * 0x01010101U;
  auto* const stores = reinterpret_cast<Bytes16*>(slice);
  const std::uint32_t count = cells / 16 + (cells % 16 != 0 ? 1 : 0);
  for (std::uint32_t i = thread.index; i < count; i += kThreads) stores[i] = {{word, word, word, word}};
}

/// A team's pair: its image and the genes of the image's rows (b) and columns (a).
struct TeamPair {
  StreamedPair streamed;
  std::uint32_t* image;
  std::uint32_t row_gene;
  std::uint32_t column_gene;
};

template <class Count>
CNNC_HOST_DEVICE TeamPair team_pair(const Batch<Count>& batch, const Task& task, BlockMemory memory,
                                    std::uint32_t team) {
  const StreamedPair streamed = batch.pairs[task.first_pair + team];
  return {streamed, memory.images + team * kImageWords,
          batch.spread_is_a ? streamed.gene : task.spread_gene,
          batch.spread_is_a ? task.spread_gene : streamed.gene};
}

/// Every row but the zero row gets its count in the zero column from the row's marginal. \pre lane < kBins
CNNC_HOST_DEVICE inline void complete_row(const StoreView& store, const TeamPair& pair, std::uint32_t lane) {
  const std::uint32_t zero_column = store.zero_bin[pair.column_gene];
  if (lane == store.zero_bin[pair.row_gene]) return;
  std::uint32_t* const row = pair.image + lane * kRowStride;
  std::uint32_t sum = 0;
  for (std::uint32_t column = 0; column < kBins; ++column) sum += column == zero_column ? 0 : row[column];
  row[zero_column] = store.marginal[std::size_t{pair.row_gene} * kBins + lane] - sum;
}

/// Every column gets its count in the zero row from the column's marginal.
/// \pre lane < kBins, the rows are complete
CNNC_HOST_DEVICE inline void complete_column(const StoreView& store, const TeamPair& pair, std::uint32_t lane) {
  const std::uint32_t zero_row = store.zero_bin[pair.row_gene];
  std::uint32_t* const column = pair.image + lane;
  std::uint32_t sum = 0;
  for (std::uint32_t row = 0; row < kBins; ++row) sum += row == zero_row ? 0 : column[row * kRowStride];
  column[zero_row * kRowStride] = store.marginal[std::size_t{pair.column_gene} * kBins + lane] - sum;
}

/// Four neighbours of an image, written at once.
template <class Count>
struct alignas(4 * sizeof(Count)) Four {
  Count values[4];
};

/// A warp's share of writing an image: neighbouring threads write neighbouring counts, and read 32 banks.
template <class Count>
CNNC_HOST_DEVICE void write_image(const Batch<Count>& batch, const TeamPair& pair, std::uint32_t lane) {
  auto* const out = reinterpret_cast<Four<Count>*>(batch.out + std::size_t{pair.streamed.image} * kImage);
  for (std::uint32_t four = lane; four < kImage / 4; four += kWarp) {
    const std::uint32_t* const counts = pair.image + four / (kBins / 4) * kRowStride + four % (kBins / 4) * 4;
    Four<Count> values;
    for (int i = 0; i < 4; ++i) {
      if constexpr (std::is_same_v<Count, float>) {
        values.values[i] = batch.nepdf[counts[i]];
      } else {
        values.values[i] = static_cast<Count>(counts[i]);
      }
    }
    out[four] = values;
  }
}

/// Counts and writes the images of a task. The spread gene passes through shared memory in slices of
/// cells; the counters stay there throughout. `each_thread(phase)` calls phase(Thread&) for every thread
/// of the block and returns when all are done.
template <class Count, class EachThread>
CNNC_HOST_DEVICE void run_block(const Batch<Count>& batch, const Task& task, BlockMemory memory,
                                EachThread& each_thread) {
  const StoreView& store = batch.store;
  const Entries spread = entries_of(store, task.spread_gene);
  const std::uint32_t spread_zero_bin = store.zero_bin[task.spread_gene];
  const std::uint32_t streamed_step = batch.spread_is_a ? kRowStride : 1;
  const std::uint32_t spread_step = batch.spread_is_a ? 1 : kRowStride;

  each_thread([&](Thread& thread) {
    for (std::uint32_t i = thread.index; i < kTeams * kImageWords; i += kThreads) memory.images[i] = 0;
  });
  std::uint32_t from = 0;
  while (from < store.cells) {
    const std::uint32_t to = store.cells - from > batch.slice_cells ? from + batch.slice_cells : store.cells;
    each_thread([&](Thread& thread) { fill_slice(thread, memory.slice, to - from, spread_zero_bin); });
    each_thread([&](Thread& thread) {
      visit_below(spread, thread.next_spread, kThreads, to, [&](std::uint32_t cell, std::uint32_t bin) {
        memory.slice[cell - from] = static_cast<std::uint8_t>(bin);
      });
    });
    each_thread([&](Thread& thread) {
      const std::uint32_t team = thread.index / task.team_threads;
      if (team >= task.pairs) return;
      const TeamPair pair = team_pair(batch, task, memory, team);
      const Entries streamed = entries_of(store, pair.streamed.gene);
      visit_below(streamed, thread.next_streamed, task.team_threads, to, [&](std::uint32_t cell, std::uint32_t bin) {
        const std::uint32_t spread_bin = memory.slice[cell - from];
        if (spread_bin != spread_zero_bin) add_one(pair.image[bin * streamed_step + spread_bin * spread_step]);
      });
    });
    from = to;
  }

  // The first warp of a team finishes its image.
  const auto each_lane = [&](auto phase) {
    each_thread([&](Thread& thread) {
      const std::uint32_t team = thread.index / task.team_threads;
      const std::uint32_t lane = thread.index % task.team_threads;
      if (team < task.pairs && lane < kWarp) phase(team_pair(batch, task, memory, team), lane);
    });
  };
  each_lane([&](const TeamPair& pair, std::uint32_t lane) { complete_row(store, pair, lane); });
  each_lane([&](const TeamPair& pair, std::uint32_t lane) { complete_column(store, pair, lane); });
  each_lane([&](const TeamPair& pair, std::uint32_t lane) { write_image(batch, pair, lane); });
}

}  // namespace cnnc::gpu

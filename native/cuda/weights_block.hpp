#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cuda/product_block.hpp"

// The derivative by the weights of a convolution or dense layer, as one thread block computes its share: code that also
// runs on the host.
//
// It is a sum over all pixels of all images of (input under a tap) x (derivative by the output). A block takes some
// channels under all taps (rows), some filters, and some chunks of pixels; it copies the chunk's input and derivatives
// to shared memory, and each warp keeps its sums, rows times filters, in registers from chunk to chunk. What blocks of
// different chunks found is added later, in a fixed order.

namespace cnnc::gpu {

inline constexpr std::uint32_t kWeightThreads = 128;
inline constexpr std::uint32_t kWeightWarps = kWeightThreads / kWarp;
/// Shared memory is read in pieces of 16 bytes: neighbouring channels, or filters, of a pixel.
inline constexpr std::uint32_t kPieceWords = 4;
template <class T>
inline constexpr std::uint32_t kPieceValues = kPieceWords * 4 / sizeof(T);
/// Rows of a tensor-core product.
inline constexpr std::uint32_t kTileRows = 16;
template <class T>
inline constexpr std::uint32_t kTilePieces = kTileRows / kPieceValues<T>;
inline constexpr std::uint32_t kWarpFilters = 32;
/// Pixels that one step of the product takes.
template <class T>
inline constexpr std::uint32_t kStepPixels = std::is_same_v<T, float> ? 1 : 16;

struct WeightShape {
  Layout in;
  Layout out;
  std::uint32_t kernel;
  std::uint32_t padding;
};

/// How the sums are cut into blocks and warps, and the pixels into chunks.
struct WeightTile {
  std::uint32_t images;  ///< of a chunk; 1 when an image is cut into bands
  std::uint32_t rows;    ///< of the output of each
  std::uint32_t bands;   ///< chunks that share an image
  std::uint32_t patch_height;
  std::uint32_t patch_width;
  std::uint32_t in_pieces;  ///< of a pixel's channels in shared memory
  std::uint32_t in_words;   ///< from one pixel to the next
  std::uint32_t d_words;    ///< from one pixel of the derivative to the next
  std::uint32_t row_warps;  ///< warps of a block with rows of their own; those with filters, and pixels, of their own
  std::uint32_t filter_warps;
  std::uint32_t row_blocks;
  std::uint32_t filter_blocks;
  std::uint32_t row_tiles;  ///< of a warp: kRows
  std::uint32_t steps;      ///< of a chunk

  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t pixel_warps() const noexcept {
    return kWeightWarps / (row_warps * filter_warps);
  }
  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t patch_words() const noexcept {
    return images * patch_height * patch_width * in_words;
  }
  /// Rows and filters with their padding.
  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t all_rows() const noexcept {
    return row_blocks * row_warps * row_tiles * kTileRows;
  }
  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t all_filters() const noexcept {
    return filter_blocks * filter_warps * kWarpFilters;
  }
};

template <class T>
struct WeightBatch {
  WeightShape shape;
  WeightTile tile;
  Divider by_width;      ///< of the output
  Divider by_pixels;     ///< of the output of an image, in a chunk
  Divider by_in_copies;  ///< copies of a pixel to shared memory
  Divider by_d_copies;
  std::uint32_t in_copy_words;  ///< copied at once: 1, 2 or 4
  std::uint32_t d_copy_words;
  std::uint32_t images;
  std::uint32_t chunks;
  std::uint32_t parts;  ///< blocks that share the chunks
  const T* in;
  const T* d_out;
  const std::uint32_t* windows;  ///< first piece of a pixel's channels, by block of rows
  /// Where the pieces of rows lie, in words from the pixel in the patch: [block of rows][warp][piece].
  const std::uint32_t* offsets;
  float* sums;  ///< [part][row][filter]
};

/// A lane's sums. float32: of tile, row 4 (lane / 8) + i and filter 4 (lane % 8) + j at [tile][i][j]. bfloat16: of tile
/// and tensor-core product, see LeftFragment.
template <std::uint32_t kRows>
struct WeightSums {
  float sums[kRows][4][4];
};

/// Copies kWords at once of a pixel's pieces from `first_word` on; what the pixel does not have becomes 0.
template <std::uint32_t kWords, class T>
CNNC_HOST_DEVICE void copy_pixel_words(const T* pixel, bool exists, std::uint32_t word, std::uint32_t words,
                                       std::uint32_t* to) {
  const bool inside = exists && word < words;
  copy_to_shared<kWords>(to, reinterpret_cast<const std::uint32_t*>(pixel) + (inside ? word : 0), inside);
}

struct WeightPart {
  std::uint32_t first_image;
  std::uint32_t first_row;    ///< of the output
  std::uint32_t first_piece;  ///< of the input's channels
  std::uint32_t first_filter;
};

/// A thread's share of copying a chunk's input.
template <std::uint32_t kWords, class T>
CNNC_HOST_DEVICE void load_inputs(const WeightBatch<T>& batch, const WeightPart& part, std::uint32_t* patch,
                                  std::uint32_t thread) {
  const WeightTile& tile = batch.tile;
  const Layout& in = batch.shape.in;
  const std::uint32_t words = in.stored() * static_cast<std::uint32_t>(sizeof(T)) / 4;
  const std::uint32_t copies = tile.in_pieces * kPieceWords / kWords;
  for (std::uint32_t row = thread / kWarp; row < tile.images * tile.patch_height; row += kWeightWarps) {
    const std::uint32_t image = part.first_image + row / tile.patch_height;
    // Unsigned: rows and columns before the image wrap round and are seen as beyond it.
    const std::uint32_t y = part.first_row + row % tile.patch_height - batch.shape.padding;
    const bool row_exists = image < batch.images && y < in.height;
    const T* const from = batch.in + (std::size_t{image} * in.height + y) * in.width * in.stored();
    for (std::uint32_t copy = thread % kWarp; copy < tile.patch_width * copies; copy += kWarp) {
      const std::uint32_t column = batch.by_in_copies.quotient(copy);
      const std::uint32_t word = (copy - column * copies) * kWords;
      const std::uint32_t x = column - batch.shape.padding;
      const bool exists = row_exists && x < in.width;
      copy_pixel_words<kWords>(exists ? from + std::size_t{x} * in.stored() : batch.in, exists,
                               part.first_piece * kPieceWords + word, words,
                               patch + (row * tile.patch_width + column) * tile.in_words + word);
    }
  }
}

/// A pixel of a chunk.
struct ChunkPixel {
  std::uint32_t image;
  std::uint32_t y;  ///< of the output, from the chunk's first row
  std::uint32_t x;
};

template <class T>
CNNC_HOST_DEVICE ChunkPixel chunk_pixel(const WeightBatch<T>& batch, std::uint32_t pixel) {
  const std::uint32_t in_image = batch.by_pixels.remainder(pixel);
  return {batch.by_pixels.quotient(pixel), batch.by_width.quotient(in_image), batch.by_width.remainder(in_image)};
}

/// A thread's share of copying a chunk's derivatives; those of pixels that only fill up the last step are 0.
template <std::uint32_t kWords, class T>
CNNC_HOST_DEVICE void load_derivatives(const WeightBatch<T>& batch, const WeightPart& part, std::uint32_t* d,
                                       std::uint32_t thread) {
  const WeightTile& tile = batch.tile;
  const Layout& out = batch.shape.out;
  const std::uint32_t words = out.stored() * static_cast<std::uint32_t>(sizeof(T)) / 4;
  const std::uint32_t first_word = part.first_filter * static_cast<std::uint32_t>(sizeof(T)) / 4;
  const std::uint32_t copies = tile.filter_warps * kWarpFilters * static_cast<std::uint32_t>(sizeof(T)) / 4 / kWords;
  for (std::uint32_t copy = thread; copy < tile.steps * kStepPixels<T> * copies; copy += kWeightThreads) {
    const std::uint32_t pixel = batch.by_d_copies.quotient(copy);
    const std::uint32_t word = (copy - pixel * copies) * kWords;
    const ChunkPixel at = chunk_pixel(batch, pixel);
    const std::uint32_t image = part.first_image + at.image;
    const std::uint32_t y = part.first_row + at.y;
    const bool exists = at.image < tile.images && image < batch.images && y < out.height;
    const T* const from =
        exists ? batch.d_out + ((std::size_t{image} * out.height + y) * out.width + at.x) * out.stored() : batch.d_out;
    copy_pixel_words<kWords>(from, exists, first_word + word, words, d + pixel * tile.d_words + word);
  }
}

/// Where a pixel of a chunk lies in the patch, under the first tap. Pixels that only fill up the last step lie where
/// the first does.
template <class T>
CNNC_HOST_DEVICE std::uint32_t patch_place(const WeightBatch<T>& batch, std::uint32_t pixel) {
  const WeightTile& tile = batch.tile;
  const ChunkPixel at = chunk_pixel(batch, pixel);
  if (at.image >= tile.images) return 0;
  return ((at.image * tile.patch_height + at.y) * tile.patch_width + at.x) * tile.in_words;
}

/// Where the pieces of a lane's rows lie.
template <std::uint32_t kRows>
struct LanePieces {
  std::uint32_t offsets[kRows];
};

struct alignas(16) FourFloats {
  float values[4];
};

/// Steps first_step, first_step + step_stride, ... of a chunk.
struct ChunkSteps {
  std::uint32_t first;
  std::uint32_t stride;
};

template <std::uint32_t kRows>
CNNC_HOST_DEVICE void add_chunk(const WeightBatch<float>& batch, const std::uint32_t* patch, const std::uint32_t* d,
                                ChunkSteps steps, const PerLane<LanePieces<kRows>>& pieces,
                                PerLane<WeightSums<kRows>>& sums) {
  each_lane([&](std::uint32_t lane) {
    for (std::uint32_t pixel = steps.first; pixel < batch.tile.steps; pixel += steps.stride) {
      const std::uint32_t* const inputs = patch + patch_place(batch, pixel);
      const auto right = *reinterpret_cast<const FourFloats*>(d + pixel * batch.tile.d_words + lane % 8 * kPieceWords);
      CNNC_UNROLL
      for (std::uint32_t tile = 0; tile < kRows; ++tile) {
        const auto left = *reinterpret_cast<const FourFloats*>(inputs + pieces[lane].offsets[tile]);
        CNNC_UNROLL
        for (std::uint32_t i = 0; i < 4; ++i) {
          CNNC_UNROLL
          for (std::uint32_t j = 0; j < 4; ++j) {
            float& sum = sums[lane].sums[tile][i][j];
            sum = fmaf(left.values[i], right.values[j], sum);
          }
        }
      }
    }
  });
}

template <std::uint32_t kRows>
CNNC_HOST_DEVICE void add_chunk(const WeightBatch<Bf16>& batch, const std::uint32_t* patch, const std::uint32_t* d,
                                ChunkSteps steps, const PerLane<LanePieces<kRows>>& pieces,
                                PerLane<WeightSums<kRows>>& sums) {
  for (std::uint32_t step = steps.first; step < batch.tile.steps; step += steps.stride) {
    const std::uint32_t first = step * kStepPixels<Bf16>;
    // Matrices: pixels 0 and 8 of the step for two tensor-core products.
    PerLane<FourWords> right[2];
    CNNC_UNROLL
    for (std::uint32_t two = 0; two < 2; ++two) {
      load_transposed(
          [&](std::uint32_t lane) {
            return d + (first + lane % 16) * batch.tile.d_words + (two * 2 + lane / 16) * kPieceWords;
          },
          [&](std::uint32_t lane) -> FourWords& { return right[two][lane]; });
    }
    PerLane<std::uint32_t> places;
    each_lane([&](std::uint32_t lane) { places[lane] = patch_place(batch, first + lane % 8 + lane / 16 * 8); });
    CNNC_UNROLL
    for (std::uint32_t tile = 0; tile < kRows; ++tile) {
      PerLane<FourWords> words;
      load_transposed([&](std::uint32_t lane) { return patch + places[lane] + pieces[lane].offsets[tile]; },
                      [&](std::uint32_t lane) -> FourWords& { return words[lane]; });
      CNNC_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        multiply_add(
            [&](std::uint32_t lane) {
              const FourWords& w = words[lane];
              return LeftFragment{{w.words[0], w.words[1], w.words[2], w.words[3]}};
            },
            [&](std::uint32_t lane) {
              const FourWords& w = right[i / 2][lane];
              return RightFragment{{w.words[i % 2 * 2], w.words[i % 2 * 2 + 1]}};
            },
            [&](std::uint32_t lane) -> float(&)[4] { return sums[lane].sums[tile][i]; });
      }
    }
  }
}

/// Calls place(row, filter, two sums) for all that a lane has, within the warp's rows and filters.
template <class T, std::uint32_t kRows, class Place>
CNNC_HOST_DEVICE void each_sum(std::uint32_t lane, const WeightSums<kRows>& all, Place place) {
  CNNC_UNROLL
  for (std::uint32_t tile = 0; tile < kRows; ++tile) {
    CNNC_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      CNNC_UNROLL
      for (std::uint32_t j = 0; j < 2; ++j) {
        const float(&four)[4] = all.sums[tile][i];
        if constexpr (std::is_same_v<T, float>) {
          place(tile * kTileRows + lane / 8 * 4 + i, lane % 8 * 4 + 2 * j, four[2 * j], four[2 * j + 1]);
        } else {
          place(tile * kTileRows + lane / 4 + j * 8, i * 8 + lane % 4 * 2, four[2 * j], four[2 * j + 1]);
        }
      }
    }
  }
}

/// A warp's place in its block.
struct WeightWarp {
  std::uint32_t row;
  std::uint32_t filter;
  std::uint32_t pixel;
};

CNNC_HOST_DEVICE inline WeightWarp place_of_warp(const WeightTile& tile, std::uint32_t warp) {
  const std::uint32_t item = warp % (tile.row_warps * tile.filter_warps);
  return {item / tile.filter_warps, item % tile.filter_warps, warp / (tile.row_warps * tile.filter_warps)};
}

template <std::uint32_t kRows, class T>
CNNC_HOST_DEVICE LanePieces<kRows> find_pieces(const WeightBatch<T>& batch, std::uint32_t row_block,
                                               std::uint32_t row_warp, std::uint32_t lane) {
  constexpr std::uint32_t kPieces = kTilePieces<T>;
  const std::uint32_t* const offsets =
      batch.offsets + (row_block * batch.tile.row_warps + row_warp) * kRows * kPieces + lane / 8 % kPieces;
  LanePieces<kRows> result;
  CNNC_UNROLL
  for (std::uint32_t tile = 0; tile < kRows; ++tile) result.offsets[tile] = offsets[tile * kPieces];
  return result;
}

/// What one block computes; as of run_product. `block.meet()` returns when all threads have come there. Shared memory
/// begins at a multiple of 16 bytes.
template <std::uint32_t kRows, class T, class Block>
CNNC_HOST_DEVICE void run_weights(const WeightBatch<T>& batch, std::uint32_t index, std::uint32_t* shared,
                                  Block& block) {
  const WeightTile& tile = batch.tile;
  const std::uint32_t part = index / (tile.row_blocks * tile.filter_blocks);
  const std::uint32_t row_block = index / tile.filter_blocks % tile.row_blocks;
  const std::uint32_t filter_block = index % tile.filter_blocks;
  std::uint32_t* const patch = shared;
  std::uint32_t* const d = shared + tile.patch_words();

  PerWarp<PerLane<LanePieces<kRows>>, kWeightWarps> pieces;
  PerWarp<PerLane<WeightSums<kRows>>, kWeightWarps> sums;
  block.each_warp([&](std::uint32_t warp) {
    each_lane([&](std::uint32_t lane) {
      pieces[warp][lane] = find_pieces<kRows>(batch, row_block, place_of_warp(tile, warp).row, lane);
      sums[warp][lane] = {};
    });
  });
  for (std::uint32_t chunk = part; chunk < batch.chunks; chunk += batch.parts) {
    const WeightPart place{chunk / tile.bands * tile.images, chunk % tile.bands * tile.rows, batch.windows[row_block],
                           filter_block * tile.filter_warps * kWarpFilters};
    block.each_thread([&](std::uint32_t thread) {
      switch (batch.in_copy_words) {
        case 4: load_inputs<4>(batch, place, patch, thread); break;
        case 2: load_inputs<2>(batch, place, patch, thread); break;
        default: load_inputs<1>(batch, place, patch, thread); break;
      }
      switch (batch.d_copy_words) {
        case 4: load_derivatives<4>(batch, place, d, thread); break;
        case 2: load_derivatives<2>(batch, place, d, thread); break;
        default: load_derivatives<1>(batch, place, d, thread); break;
      }
    });
    block.each_warp([&](std::uint32_t warp) {
      const WeightWarp mine = place_of_warp(tile, warp);
      const std::uint32_t filter_words = kWarpFilters * static_cast<std::uint32_t>(sizeof(T)) / 4;
      add_chunk<kRows>(batch, patch, d + mine.filter * filter_words, {mine.pixel, tile.pixel_warps()}, pieces[warp],
                       sums[warp]);
    });
    block.meet();
  }
  // Sums of warps with other pixels, one after the other, by way of the memory that the chunks no longer need.
  auto* const found = reinterpret_cast<float*>(shared);
  for (std::uint32_t other = 1; other < tile.pixel_warps(); ++other) {
    const auto each_found = [&](std::uint32_t warp, auto visit) {
      const WeightWarp mine = place_of_warp(tile, warp);
      const std::uint32_t item = mine.row * tile.filter_warps + mine.filter;
      each_lane([&](std::uint32_t lane) {
        CNNC_UNROLL
        for (std::uint32_t i = 0; i < kRows * 16; ++i) {
          visit(sums[warp][lane].sums[i / 16][i / 4 % 4][i % 4], found[(item * kRows * 16 + i) * kWarp + lane]);
        }
      });
    };
    block.each_warp([&](std::uint32_t warp) {
      if (place_of_warp(tile, warp).pixel == other) each_found(warp, [](float mine, float& to) { to = mine; });
    });
    block.meet();
    block.each_warp([&](std::uint32_t warp) {
      if (place_of_warp(tile, warp).pixel == 0) each_found(warp, [](float& mine, float from) { mine += from; });
    });
    block.meet();
  }
  block.each_warp([&](std::uint32_t warp) {
    const WeightWarp mine = place_of_warp(tile, warp);
    if (mine.pixel != 0) return;
    const std::uint32_t first_row = (row_block * tile.row_warps + mine.row) * kRows * kTileRows;
    const std::uint32_t first_filter = (filter_block * tile.filter_warps + mine.filter) * kWarpFilters;
    float* const to =
        batch.sums + (std::size_t{part} * tile.all_rows() + first_row) * tile.all_filters() + first_filter;
    each_lane([&](std::uint32_t lane) {
      each_sum<T>(lane, sums[warp][lane], [&](std::uint32_t row, std::uint32_t filter, float first, float second) {
        store_two(to + std::size_t{row} * tile.all_filters() + filter, first, second);
      });
    });
  });
}

}  // namespace cnnc::gpu

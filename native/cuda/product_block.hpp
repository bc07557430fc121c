#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cnn/bf16.hpp"
#include "cnn/pool_kind.hpp"
#include "cuda/divider.hpp"
#include "cuda/warp.hpp"

// A convolution or dense layer, bias, ReLU and 2 x 2 pooling included, as one thread block computes it: code that also
// runs on the host.
//
// A block copies the pixels that it needs, with the zeros around them, to shared memory, once. Then its warps multiply
// without meeting again: each takes a set of output pixels times a set of filters, reads the pixels under every tap of
// the kernel from shared memory, and the weights, packed in the order in which lanes want them, through the cache.

namespace cnnc::gpu {

inline constexpr std::uint32_t kProductThreads = 256;
inline constexpr std::uint32_t kProductWarps = kProductThreads / kWarp;
/// Pixels of a unit: two tensor-core products high.
inline constexpr std::uint32_t kUnitPixels = 32;
/// Filters of a tile: one tensor-core product wide.
inline constexpr std::uint32_t kTileFilters = 8;
/// Inputs that one step of the product takes, channel after channel, tap after tap.
template <class T>
inline constexpr std::uint32_t kStepInputs = std::is_same_v<T, float> ? 1 : 16;

/// 32-bit words that hold weights: one float32, or two bfloat16.
template <class T>
using WeightWord = std::conditional_t<std::is_same_v<T, float>, float, std::uint32_t>;

/// How the images of a layer lie in device memory: rows of pixels of channels, padded with zeros to an even number.
struct Layout {
  std::uint32_t height = 1;
  std::uint32_t width = 1;
  std::uint32_t channels = 0;

  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t stored() const noexcept { return channels + channels % 2; }
  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t size() const noexcept { return height * width * stored(); }
};

/// Whether an image was flattened to a vector that lies as `layout` says; false for one of no pixels.
[[nodiscard]] CNNC_HOST_DEVICE constexpr bool is_flattened(const Layout& layout) noexcept {
  return layout.height * layout.width > 1;
}

struct ProductShape {
  Layout in;
  Layout out;  ///< after pooling
  std::uint32_t kernel;
  std::uint32_t padding;
  PoolKind pool;  ///< of 2 x 2 pixels
  bool relu;

  /// Pixels of the convolution for one that is written, along each side.
  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t pooled() const noexcept {
    return pool == PoolKind::none ? 1 : 2;
  }
};

/// What a block does: some rows of the output of some images.
struct ProductTile {
  std::uint32_t images;        ///< 1 when an image is cut into bands
  std::uint32_t rows;          ///< of each image's output
  std::uint32_t bands;         ///< blocks that share an image
  std::uint32_t patch_height;  ///< rows of input for them
  std::uint32_t patch_width;
  std::uint32_t pixel_words;  ///< from one pixel to the next in shared memory
  std::uint32_t copy_words;   ///< copied at once: 1, 2 or 4
  std::uint32_t groups;       ///< sets of filters: kTiles tiles each
  std::uint32_t steps;        ///< of the product

  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t patch_words() const noexcept {
    return images * patch_height * patch_width * pixel_words;
  }
};

template <class T>
struct ProductBatch {
  ProductShape shape;
  ProductTile tile;
  Divider by_width;   ///< of the output
  Divider by_pixels;  ///< of the output of an image, in a tile
  Divider by_copies;  ///< copies of a pixel
  std::uint32_t images;
  const T* in;
  T* out;
  /// Where in the patch, in words from a pixel's first tap, lie the inputs of a step: for float32 one number for each;
  /// for bfloat16 those of columns 2 q and 2 q + 8, for each q.
  const std::uint32_t* offsets;
  /// float32: [step][filter]. bfloat16: [step][tile][lane][2], the RightFragment of each lane.
  const WeightWord<T>* weights;
  const float* bias;  ///< [filter]; filters are padded with zeros to whole groups
  /// Null, or, where nothing is pooled, values like those of `out`: where one is not above 0, a 0 is written.
  const T* mask;
};

/// In a list of weights: a 0 that only pads.
inline constexpr std::uint32_t kNoWeight = 0xFFFFFFFF;

/// Word `index` of ProductBatch::weights, of the numbers that `order` names.
template <class T>
CNNC_HOST_DEVICE WeightWord<T> packed_weight(const float* weights, const std::uint32_t* order, std::size_t index) {
  const auto weight = [&](std::size_t at) { return order[at] == kNoWeight ? 0.0F : weights[order[at]]; };
  if constexpr (std::is_same_v<T, float>) {
    return weight(index);
  } else {
    return bf16_pair(weight(2 * index), weight(2 * index + 1));
  }
}

/// A block's place in the batch.
struct ProductPart {
  std::uint32_t first_image;
  std::uint32_t first_row;  ///< of the output
};

template <class T>
CNNC_HOST_DEVICE ProductPart part_of_block(const ProductBatch<T>& batch, std::uint32_t block) {
  const ProductTile& tile = batch.tile;
  return {block / tile.bands * tile.images, block % tile.bands * tile.rows};
}

/// A thread's share of copying the block's input.
template <std::uint32_t kWords, class T>
CNNC_HOST_DEVICE void load_patch(const ProductBatch<T>& batch, ProductPart part, std::uint32_t* patch,
                                 std::uint32_t thread) {
  const ProductShape& shape = batch.shape;
  const ProductTile& tile = batch.tile;
  const std::uint32_t words = shape.in.stored() * static_cast<std::uint32_t>(sizeof(T)) / 4;  // of a pixel
  const std::uint32_t copies = words / kWords;
  const auto* const in = reinterpret_cast<const std::uint32_t*>(batch.in);
  for (std::uint32_t row = thread / kWarp; row < tile.images * tile.patch_height; row += kProductWarps) {
    const std::uint32_t image = part.first_image + row / tile.patch_height;
    // Unsigned: rows and columns before the image wrap round and are seen as beyond it.
    const std::uint32_t y = part.first_row * shape.pooled() + row % tile.patch_height - shape.padding;
    const bool row_exists = image < batch.images && y < shape.in.height;
    const std::uint32_t* const from = in + (std::size_t{image} * shape.in.height + y) * shape.in.width * words;
    for (std::uint32_t copy = thread % kWarp; copy < tile.patch_width * copies; copy += kWarp) {
      const std::uint32_t column = batch.by_copies.quotient(copy);
      const std::uint32_t word = (copy - column * copies) * kWords;
      const std::uint32_t x = column - shape.padding;
      const bool exists = row_exists && x < shape.in.width;
      copy_to_shared<kWords>(patch + (row * tile.patch_width + column) * tile.pixel_words + word,
                             exists ? from + std::size_t{x} * words + word : in, exists);
    }
  }
}

/// Where the pixels of a lane lie. It has four of each unit: those of one pooling window, or, without pooling, four that
/// are 8 apart, so that neighbouring lanes have neighbouring pixels.
template <std::uint32_t kUnits>
struct LanePixels {
  std::uint32_t first_tap[kUnits][4];  ///< in the patch, in words
  std::uint32_t out[kUnits][4];        ///< pixel of the batch's output, or kNoPixel; of pooled ones only the first
};

inline constexpr std::uint32_t kNoPixel = 0xFFFFFFFF;

template <std::uint32_t kUnits, class T>
CNNC_HOST_DEVICE LanePixels<kUnits> find_pixels(const ProductBatch<T>& batch, ProductPart part, std::uint32_t first_unit,
                                                std::uint32_t lane) {
  const ProductShape& shape = batch.shape;
  const ProductTile& tile = batch.tile;
  const std::uint32_t pooled = shape.pooled();
  LanePixels<kUnits> result;
  const auto place = [&](std::uint32_t pixel, std::uint32_t dy, std::uint32_t dx, std::uint32_t& first_tap,
                         std::uint32_t& out) {
    const std::uint32_t image = batch.by_pixels.quotient(pixel);
    const std::uint32_t in_image = batch.by_pixels.remainder(pixel);
    const std::uint32_t y = batch.by_width.quotient(in_image);
    const std::uint32_t x = batch.by_width.remainder(in_image);
    const bool exists = image < tile.images && part.first_image + image < batch.images &&
                        part.first_row + y < shape.out.height;
    first_tap = exists ? ((image * tile.patch_height + y * pooled + dy) * tile.patch_width + x * pooled + dx) *
                             tile.pixel_words
                       : 0;
    out = exists ? ((part.first_image + image) * shape.out.height + part.first_row + y) * shape.out.width + x : kNoPixel;
  };
  CNNC_UNROLL
  for (std::uint32_t unit = 0; unit < kUnits; ++unit) {
    CNNC_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      if (shape.pool == PoolKind::none) {
        place((first_unit + unit) * kUnitPixels + i * 8 + lane / 4, 0, 0, result.first_tap[unit][i],
              result.out[unit][i]);
      } else {
        place((first_unit + unit) * (kUnitPixels / 4) + lane / 4, i / 2, i % 2, result.first_tap[unit][i],
              result.out[unit][i]);
      }
    }
  }
  return result;
}

/// A lane's sums: of unit and half (pixels 2 half and 2 half + 1), and tile; the four of a tensor-core product are two
/// neighbouring filters of the first pixel, then of the second.
template <std::uint32_t kUnits, std::uint32_t kTiles>
struct LaneSums {
  float sums[kUnits][2][kTiles][4];
};

/// Two neighbouring words, read at once.
template <class Word>
struct alignas(8) TwoWords {
  Word words[2];
};

template <std::uint32_t kUnits, std::uint32_t kTiles>
CNNC_HOST_DEVICE void multiply(const ProductBatch<float>& batch, const std::uint32_t* patch, std::uint32_t group,
                               const PerLane<LanePixels<kUnits>>& pixels, PerLane<LaneSums<kUnits, kTiles>>& sums) {
  const std::uint32_t filters = batch.tile.groups * kTiles * kTileFilters;
  const auto* const values = reinterpret_cast<const float*>(patch);
  each_lane([&](std::uint32_t lane) {
    const float* weights = batch.weights + group * kTiles * kTileFilters + lane % 4 * 2;
    for (std::uint32_t step = 0; step < batch.tile.steps; ++step, weights += filters) {
      const float* const inputs = values + batch.offsets[step];
      TwoWords<float> w[kTiles];
      CNNC_UNROLL
      for (std::uint32_t tile = 0; tile < kTiles; ++tile) {
        w[tile] = *reinterpret_cast<const TwoWords<float>*>(weights + tile * kTileFilters);
      }
      CNNC_UNROLL
      for (std::uint32_t unit = 0; unit < kUnits; ++unit) {
        CNNC_UNROLL
        for (std::uint32_t i = 0; i < 4; ++i) {
          const float x = inputs[pixels[lane].first_tap[unit][i]];
          CNNC_UNROLL
          for (std::uint32_t tile = 0; tile < kTiles; ++tile) {
            CNNC_UNROLL
            for (std::uint32_t j = 0; j < 2; ++j) {
              float& sum = sums[lane].sums[unit][i / 2][tile][i % 2 * 2 + j];
              sum = fmaf(x, w[tile].words[j], sum);
            }
          }
        }
      }
    }
  });
}

template <std::uint32_t kUnits, std::uint32_t kTiles>
CNNC_HOST_DEVICE void multiply(const ProductBatch<Bf16>& batch, const std::uint32_t* patch, std::uint32_t group,
                               const PerLane<LanePixels<kUnits>>& pixels, PerLane<LaneSums<kUnits, kTiles>>& sums) {
  struct Fragments {
    LeftFragment left[kUnits][2];
    RightFragment right[kTiles];
  };
  const auto* const offsets = reinterpret_cast<const TwoWords<std::uint32_t>*>(batch.offsets);
  const auto* const weights = reinterpret_cast<const RightFragment*>(batch.weights);
  for (std::uint32_t step = 0; step < batch.tile.steps; ++step) {
    PerLane<Fragments> fragments;
    each_lane([&](std::uint32_t lane) {
      Fragments& mine = fragments[lane];
      const TwoWords<std::uint32_t> offset = offsets[step * 4 + lane % 4];
      const std::uint32_t first_tile = (step * batch.tile.groups + group) * kTiles;
      CNNC_UNROLL
      for (std::uint32_t tile = 0; tile < kTiles; ++tile) {
        mine.right[tile] = weights[(first_tile + tile) * kWarp + lane];
      }
      CNNC_UNROLL
      for (std::uint32_t unit = 0; unit < kUnits; ++unit) {
        CNNC_UNROLL
        for (std::uint32_t half = 0; half < 2; ++half) {
          const std::uint32_t* const first = patch + pixels[lane].first_tap[unit][half * 2];
          const std::uint32_t* const second = patch + pixels[lane].first_tap[unit][half * 2 + 1];
          mine.left[unit][half] = {{first[offset.words[0]], second[offset.words[0]], first[offset.words[1]],
                                    second[offset.words[1]]}};
        }
      }
    });
    CNNC_UNROLL
    for (std::uint32_t unit = 0; unit < kUnits; ++unit) {
      CNNC_UNROLL
      for (std::uint32_t half = 0; half < 2; ++half) {
        CNNC_UNROLL
        for (std::uint32_t tile = 0; tile < kTiles; ++tile) {
          multiply_add([&](std::uint32_t lane) -> const LeftFragment& { return fragments[lane].left[unit][half]; },
                       [&](std::uint32_t lane) -> const RightFragment& { return fragments[lane].right[tile]; },
                       [&](std::uint32_t lane) -> float(&)[4] { return sums[lane].sums[unit][half][tile]; });
        }
      }
    }
  }
}

CNNC_HOST_DEVICE inline void store_two(float* to, float first, float second) {
  *reinterpret_cast<TwoWords<float>*>(to) = {{first, second}};
}
CNNC_HOST_DEVICE inline void store_two(Bf16* to, float first, float second) {
  *reinterpret_cast<std::uint32_t*>(to) = bf16_pair(first, second);
}

CNNC_HOST_DEVICE inline TwoWords<float> load_two(const float* from) {
  return *reinterpret_cast<const TwoWords<float>*>(from);
}
CNNC_HOST_DEVICE inline TwoWords<float> load_two(const Bf16* from) {
  const std::uint32_t word = *reinterpret_cast<const std::uint32_t*>(from);
  return {{float_of(static_cast<Bf16>(word & 0xFFFF)), float_of(static_cast<Bf16>(word >> 16))}};
}

/// Adds the bias, and applies ReLU, pooling and the mask to what a lane has, and writes it.
template <std::uint32_t kUnits, std::uint32_t kTiles, class T>
CNNC_HOST_DEVICE void finish(const ProductBatch<T>& batch, std::uint32_t group, std::uint32_t lane,
                             const LanePixels<kUnits>& pixels, const LaneSums<kUnits, kTiles>& all) {
  const ProductShape& shape = batch.shape;
  CNNC_UNROLL
  for (std::uint32_t tile = 0; tile < kTiles; ++tile) {
    const std::uint32_t filter = (group * kTiles + tile) * kTileFilters + lane % 4 * 2;
    if (filter >= shape.out.stored()) continue;
    const TwoWords<float> bias = *reinterpret_cast<const TwoWords<float>*>(batch.bias + filter);
    CNNC_UNROLL
    for (std::uint32_t unit = 0; unit < kUnits; ++unit) {
      float values[4][2];
      CNNC_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        CNNC_UNROLL
        for (std::uint32_t j = 0; j < 2; ++j) {
          const float value = all.sums[unit][i / 2][tile][i % 2 * 2 + j] + bias.words[j];
          values[i][j] = shape.relu && !(value > 0) ? 0 : value;
        }
      }
      const auto write = [&](std::uint32_t pixel, float first, float second) {
        if (pixel == kNoPixel) return;
        const std::size_t at = std::size_t{pixel} * shape.out.stored() + filter;
        if (batch.mask != nullptr) {
          const TwoWords<float> mask = load_two(batch.mask + at);
          if (!(mask.words[0] > 0)) first = 0;
          if (!(mask.words[1] > 0)) second = 0;
        }
        store_two(batch.out + at, first, second);
      };
      if (shape.pool == PoolKind::none) {
        CNNC_UNROLL
        for (std::uint32_t i = 0; i < 4; ++i) write(pixels.out[unit][i], values[i][0], values[i][1]);
      } else {
        float pooled[2];
        CNNC_UNROLL
        for (std::uint32_t j = 0; j < 2; ++j) {
          pooled[j] = shape.pool == PoolKind::maximum
                          ? fmaxf(fmaxf(values[0][j], values[1][j]), fmaxf(values[2][j], values[3][j]))
                          : 0.25F * (values[0][j] + values[1][j] + values[2][j] + values[3][j]);
        }
        write(pixels.out[unit][0], pooled[0], pooled[1]);
      }
    }
  }
}

/// What one block computes. `block.each_thread(phase)` calls phase(thread) for all threads and returns when all are
/// done and their copies have arrived; `block.each_warp(phase)` calls phase(warp) for all warps.
template <std::uint32_t kUnits, std::uint32_t kTiles, class T, class Block>
CNNC_HOST_DEVICE void run_product(const ProductBatch<T>& batch, std::uint32_t index, std::uint32_t* patch,
                                  Block& block) {
  const ProductPart part = part_of_block(batch, index);
  block.each_thread([&](std::uint32_t thread) {
    switch (batch.tile.copy_words) {
      case 4: load_patch<4>(batch, part, patch, thread); break;
      case 2: load_patch<2>(batch, part, patch, thread); break;
      default: load_patch<1>(batch, part, patch, thread); break;
    }
  });
  const std::uint32_t pixels = batch.tile.images * batch.tile.rows * batch.shape.out.width;
  const std::uint32_t set = kUnits * kUnitPixels / (batch.shape.pool == PoolKind::none ? 1 : 4);
  const std::uint32_t sets = (pixels + set - 1) / set;
  block.each_warp([&](std::uint32_t warp) {
    for (std::uint32_t item = warp; item < sets * batch.tile.groups; item += kProductWarps) {
      const std::uint32_t group = item % batch.tile.groups;
      PerLane<LanePixels<kUnits>> lane_pixels;
      PerLane<LaneSums<kUnits, kTiles>> sums;
      each_lane([&](std::uint32_t lane) {
        lane_pixels[lane] = find_pixels<kUnits>(batch, part, item / batch.tile.groups * kUnits, lane);
        sums[lane] = {};
      });
      multiply<kUnits, kTiles>(batch, patch, group, lane_pixels, sums);
      each_lane([&](std::uint32_t lane) {
        finish<kUnits, kTiles>(batch, group, lane, lane_pixels[lane], sums[lane]);
      });
    }
  });
}

}  // namespace cnnc::gpu

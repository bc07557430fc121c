#pragma once

#include <cstddef>
#include <cstdint>

#include "cnn/image.hpp"
#include "cnn/image_values.hpp"
#include "cuda/pointwise_block.hpp"

// A network's input from histograms, as one thread block makes it: code that also runs on the host.

namespace cnnc::gpu {

inline constexpr std::uint32_t kImageThreads = 128;
inline constexpr std::uint32_t kMostKinds = 3;

/// An image of a training step: a histogram, as it is or of the swapped pair, with what it shows.
struct ChosenImage {
  std::uint32_t row;  ///< of the histograms
  float weight;       ///< share of the batch's sum of weights
  std::uint8_t label;
  bool swapped;
};

template <class T, class Count>
struct ImageBatch {
  const Count* counts;  ///< histograms x 32 x 32
  std::uint32_t first;  ///< image of the batch that becomes the first of `images`
  bool both;            ///< two images of each histogram: as it is, and of the swapped pair
  float one_cell;       ///< 1 / cells
  const float* nepdf;   ///< by count, where a kind is nepdf
  ImageKind kinds[kMostKinds];
  std::uint32_t channels;
  T* images;  ///< x 32 x 32 x channels, padded to an even number
  const ChosenImage* chosen = nullptr;  ///< the images, instead of consecutive ones
};

/// Shared memory of a block.
struct ImageMemory {
  std::uint32_t counts[kBins * (kBins + 1)];  ///< rows lie apart so that a column is in all banks
  float rows[kBins];
  float columns[kBins];
};

template <class T, class Count>
CNNC_HOST_DEVICE float image_value(const ImageBatch<T, Count>& batch, const ImageMemory& memory, std::uint32_t channel,
                                   std::uint32_t row, std::uint32_t column) {
  if (channel >= batch.channels) return 0;
  const std::uint32_t count = memory.counts[row * (kBins + 1) + column];
  const float expected = memory.rows[row] * memory.columns[column];
  switch (batch.kinds[channel]) {
    case ImageKind::nepdf: return batch.nepdf[count];
    case ImageKind::residual:
      return residual_value(static_cast<float>(count) * batch.one_cell, expected, batch.one_cell);
    case ImageKind::margins: return margins_value(expected);
  }
  return 0;
}

/// Makes image `index` of `images`. `each_thread(phase)` as of run_product.
template <class T, class Count, class EachThread>
CNNC_HOST_DEVICE void run_image(const ImageBatch<T, Count>& batch, std::uint32_t index, ImageMemory& memory,
                                EachThread&& each_thread) {
  const std::uint32_t image = batch.first + index;
  const bool chosen = batch.chosen != nullptr;
  const bool swapped = chosen ? batch.chosen[image].swapped : batch.both && image % 2 == 1;
  const std::uint32_t row = chosen ? batch.chosen[image].row : batch.both ? image / 2 : image;
  const Count* const counts = batch.counts + std::size_t{row} * kImage;
  each_thread([&](std::uint32_t thread) {
    for (std::uint32_t i = thread; i < kImage; i += kImageThreads) {
      const std::uint32_t row = i / kBins;
      const std::uint32_t column = i % kBins;
      memory.counts[swapped ? column * (kBins + 1) + row : row * (kBins + 1) + column] = counts[i];
    }
  });
  each_thread([&](std::uint32_t thread) {
    if (thread >= 2 * kBins) return;
    const std::uint32_t line = thread % kBins;
    std::uint32_t sum = 0;
    for (std::uint32_t i = 0; i < kBins; ++i) {
      sum += memory.counts[thread < kBins ? line * (kBins + 1) + i : i * (kBins + 1) + line];
    }
    (thread < kBins ? memory.rows : memory.columns)[line] = static_cast<float>(sum) * batch.one_cell;
  });
  each_thread([&](std::uint32_t thread) {
    const std::uint32_t stored = batch.channels + batch.channels % 2;
    for (std::uint32_t i = thread; i < kImage; i += kImageThreads) {
      T* const pixel = batch.images + (std::size_t{index} * kImage + i) * stored;
      for (std::uint32_t c = 0; c < stored; c += 2) {
        store_two(pixel + c, image_value(batch, memory, c, i / kBins, i % kBins),
                  image_value(batch, memory, c + 1, i / kBins, i % kBins));
      }
    }
  });
}

}  // namespace cnnc::gpu

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cuda/training_block.hpp"

// Sums of a training step over a whole batch, as thread blocks make them: code that also runs on the host. All are
// added in an order that depends on nothing but sizes, so that every run gives the same bits. A sum has kThreads
// threads in a block, kSharedBytes of shared memory, and blocks(); run(index, shared, block) computes what one does.

namespace cnnc::gpu {

/// Blocks that share the pixels of a batch, at most, and what is worth a block: pixels of each thread.
inline constexpr std::uint32_t kMostSumParts = 256;
inline constexpr std::uint32_t kEnoughSummed = 8;

/// What is known of some values of a channel: count, mean and squared distances from it, or two sums.
struct ChannelTotal {
  float count;
  float first;
  float second;
};

/// Folds the totals of threads, `stride` apart, into those of the first; `threads` is a power of two. The block's
/// threads call it together.
template <class Together, class Block>
CNNC_HOST_DEVICE void fold(ChannelTotal* totals, std::uint32_t threads, std::uint32_t stride, Together together,
                           Block& block) {
  for (std::uint32_t half = threads / 2; half > 0; half /= 2) {
    block.each_thread([&](std::uint32_t thread) {
      if (thread < half * stride) totals[thread] = together(totals[thread], totals[thread + half * stride]);
    });
  }
}

CNNC_HOST_DEVICE inline ChannelTotal added(const ChannelTotal& a, const ChannelTotal& b) {
  return {a.count + b.count, a.first + b.first, a.second + b.second};
}

/// Of means and squared distances (Chan, Golub & LeVeque 1979).
CNNC_HOST_DEVICE inline ChannelTotal united(const ChannelTotal& a, const ChannelTotal& b) {
  if (a.count == 0) return b;
  if (b.count == 0) return a;
  const float count = a.count + b.count;
  const float distance = b.first - a.first;
  const float share = b.count / count;
  return {count, a.first + distance * share, a.second + b.second + distance * distance * a.count * share};
}

/// Mean and squared distances of a batch's values.
template <class T>
struct Moments {
  const T* values;
  std::uint32_t stored;

  CNNC_HOST_DEVICE static ChannelTotal together(const ChannelTotal& a, const ChannelTotal& b) { return united(a, b); }
  /// Of every stride-th of the pixels [first, end), at two channels.
  CNNC_HOST_DEVICE void total(std::uint32_t first, std::uint32_t end, std::uint32_t stride, std::uint32_t channel,
                              ChannelTotal (&totals)[2]) const {
    if (first >= end) return;
    // Distances from a value of their own, so that squares do not cancel out.
    const TwoWords<float> origin = load_two(values + std::size_t{first} * stored + channel);
    float count = 0;
    float sums[2] = {0, 0};
    float squares[2] = {0, 0};
    for (std::uint32_t pixel = first; pixel < end; pixel += stride) {
      const TwoWords<float> here = load_two(values + std::size_t{pixel} * stored + channel);
      count += 1;
      CNNC_UNROLL
      for (std::uint32_t i = 0; i < 2; ++i) {
        const float distance = here.words[i] - origin.words[i];
        sums[i] += distance;
        squares[i] = fmaf(distance, distance, squares[i]);
      }
    }
    CNNC_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) {
      const float mean = sums[i] / count;
      const float rest = squares[i] - sums[i] * mean;
      totals[i] = {count, origin.words[i] + mean, rest > 0 ? rest : 0};
    }
  }
};

/// Sum of a batch's derivatives.
template <class T>
struct DerivativeSum {
  const T* values;
  std::uint32_t stored;

  CNNC_HOST_DEVICE static ChannelTotal together(const ChannelTotal& a, const ChannelTotal& b) { return added(a, b); }
  CNNC_HOST_DEVICE void total(std::uint32_t first, std::uint32_t end, std::uint32_t stride, std::uint32_t channel,
                              ChannelTotal (&totals)[2]) const {
    for (std::uint32_t pixel = first; pixel < end; pixel += stride) {
      const TwoWords<float> here = load_two(values + std::size_t{pixel} * stored + channel);
      totals[0].first += here.words[0];
      totals[1].first += here.words[1];
    }
  }
};

/// Sums of dy and dy (x - mean), of what PointwiseBack needs to go through a normalisation. Items are windows.
template <class T>
struct NormSum {
  TrainedPointwise<T> pass;

  CNNC_HOST_DEVICE static ChannelTotal together(const ChannelTotal& a, const ChannelTotal& b) { return added(a, b); }
  CNNC_HOST_DEVICE void total(std::uint32_t first, std::uint32_t end, std::uint32_t stride, std::uint32_t channel,
                              ChannelTotal (&totals)[2]) const {
    for (std::uint32_t index = first; index < end; index += stride) {
      each_derivative(pass, window_of(pass, index), channel,
                      [&](std::size_t, const TwoWords<float>& values, const TwoWords<float>& dy) {
                        CNNC_UNROLL
                        for (std::uint32_t i = 0; i < 2; ++i) {
                          totals[i].first += dy.words[i];
                          totals[i].second =
                              fmaf(dy.words[i], values.words[i] - pass.norm.mean[channel + i], totals[i].second);
                        }
                      });
    }
  }
};

/// Totals of all channels over a part of the items. Neighbouring threads have neighbouring channels, two each; rows of
/// them have different items.
template <class Source>
struct ChannelSums {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kSharedBytes = kThreads * 2 * sizeof(ChannelTotal);

  Source source;
  std::uint32_t items;
  std::uint32_t pairs;    ///< of channels
  std::uint32_t columns;  ///< threads side by side
  std::uint32_t rows;     ///< a power of two
  std::uint32_t parts;
  ChannelTotal* totals;   ///< [part][channel]

  ChannelSums(const Source& summed, std::uint32_t count, std::uint32_t stored, ChannelTotal* to)
      : source(summed), items(count), pairs(stored / 2), columns(pairs < kThreads ? pairs : kThreads), rows(1),
        parts(1), totals(to) {
    while (rows * 2 * columns <= kThreads) rows *= 2;
    parts = (items + rows * kEnoughSummed - 1) / (rows * kEnoughSummed);
    if (parts > kMostSumParts) parts = kMostSumParts;
  }

  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t column_blocks() const noexcept {
    return (pairs + columns - 1) / columns;
  }
  [[nodiscard]] std::uint32_t blocks() const noexcept { return parts * column_blocks(); }

  template <class Block>
  CNNC_HOST_DEVICE void run(std::uint32_t index, std::uint32_t* shared, Block& block) const {
    auto* const found = reinterpret_cast<ChannelTotal*>(shared);
    const std::uint32_t part = index / column_blocks();
    const std::uint32_t first_pair = index % column_blocks() * columns;
    const std::uint32_t share = (items + parts - 1) / parts;
    const std::uint32_t begin = part * share;
    const std::uint32_t end = begin + share < items ? begin + share : items;
    block.each_thread([&](std::uint32_t thread) {
      const std::uint32_t pair = first_pair + thread % columns;
      ChannelTotal two[2] = {};
      if (thread < rows * columns && pair < pairs) source.total(begin + thread / columns, end, rows, pair * 2, two);
      found[thread] = two[0];
      found[thread + kThreads] = two[1];
    });
    fold(found, rows, columns, Source::together, block);
    fold(found + kThreads, rows, columns, Source::together, block);
    block.each_thread([&](std::uint32_t thread) {
      const std::uint32_t pair = first_pair + thread;
      if (thread >= columns || pair >= pairs) return;
      totals[(std::size_t{part} * pairs + pair) * 2] = found[thread];
      totals[(std::size_t{part} * pairs + pair) * 2 + 1] = found[thread + kThreads];
    });
  }
};

/// Adds up the parts of a channel and hands the total to `use`. A block takes a channel.
template <class Use>
struct ChannelFinish {
  static constexpr std::uint32_t kThreads = kMostSumParts;
  static constexpr std::uint32_t kSharedBytes = kThreads * sizeof(ChannelTotal);

  const ChannelTotal* totals;
  std::uint32_t parts;
  std::uint32_t channels;  ///< as stored
  Use use;

  [[nodiscard]] std::uint32_t blocks() const noexcept { return channels; }

  template <class Block>
  CNNC_HOST_DEVICE void run(std::uint32_t channel, std::uint32_t* shared, Block& block) const {
    auto* const found = reinterpret_cast<ChannelTotal*>(shared);
    block.each_thread([&](std::uint32_t thread) {
      found[thread] = thread < parts ? totals[std::size_t{thread} * channels + channel] : ChannelTotal{0, 0, 0};
    });
    fold(found, kThreads, 1, Use::together, block);
    block.each_thread([&](std::uint32_t thread) {
      if (thread == 0) use.finish(channel, found[0]);
    });
  }
};

/// Mean and variance of a batch, and what a normalisation makes of them.
struct FinishMoments {
  std::uint32_t channels;  ///< without padding
  float epsilon;
  const float* gamma;
  const float* beta;
  float* mean;  ///< as derivatives have them
  float* variance;
  NormNumbers norm;

  CNNC_HOST_DEVICE static ChannelTotal together(const ChannelTotal& a, const ChannelTotal& b) { return united(a, b); }
  CNNC_HOST_DEVICE void finish(std::uint32_t c, const ChannelTotal& total) const {
    const bool exists = c < channels;
    const double spread = double{total.second} / total.count;
    norm.mean[c] = exists ? total.first : 0;
    norm.scale[c] = exists ? static_cast<float>(gamma[c] / std::sqrt(spread + epsilon)) : 0;
    norm.beta[c] = exists ? beta[c] : 0;
    if (!exists) return;
    mean[c] = total.first;
    variance[c] = static_cast<float>(spread);
  }
};

/// With x' = (x - mean) / deviation over N values: dx = gamma / deviation (dy - mean(dy) - x' mean(dy x')).
struct FinishNorm {
  std::uint32_t channels;  ///< without padding
  float epsilon;
  float values;  ///< N
  const float* variance;
  float* d_gamma;
  float* d_beta;
  NormNumbers norm;

  CNNC_HOST_DEVICE static ChannelTotal together(const ChannelTotal& a, const ChannelTotal& b) { return added(a, b); }
  CNNC_HOST_DEVICE void finish(std::uint32_t c, const ChannelTotal& total) const {
    if (c >= channels) {
      norm.slope[c] = 0;
      norm.offset[c] = 0;
      return;
    }
    const double inverse = 1 / std::sqrt(double{variance[c]} + epsilon);
    norm.slope[c] = static_cast<float>(-norm.scale[c] * inverse * inverse * total.second / values);
    norm.offset[c] = static_cast<float>(-double{norm.scale[c]} * total.first / values);
    d_gamma[c] = static_cast<float>(total.second * inverse);
    d_beta[c] = total.first;
  }
};

struct FinishBias {
  std::uint32_t channels;  ///< without padding
  float* d_bias;

  CNNC_HOST_DEVICE static ChannelTotal together(const ChannelTotal& a, const ChannelTotal& b) { return added(a, b); }
  CNNC_HOST_DEVICE void finish(std::uint32_t c, const ChannelTotal& total) const {
    if (c < channels) d_bias[c] = total.first;
  }
};

/// Adds up what blocks found of the derivatives by weights. A block takes some weights, and `slices` threads each.
struct CollectSums {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kSharedBytes = kThreads * sizeof(float);

  const float* sums;  ///< [part][...]
  std::uint32_t part_size;
  std::uint32_t parts;
  const std::uint32_t* positions;  ///< of a weight in a part
  std::uint32_t weights;
  std::uint32_t slices;
  float* to;

  CollectSums(const float* from, std::uint32_t size, std::uint32_t count, const std::uint32_t* places,
              std::uint32_t all, float* gradients)
      : sums(from), part_size(size), parts(count), positions(places), weights(all), slices(slices_of(count)),
        to(gradients) {}

  [[nodiscard]] std::uint32_t blocks() const noexcept {
    return (weights + kThreads / slices - 1) / (kThreads / slices);
  }
  [[nodiscard]] static std::uint32_t slices_of(std::uint32_t parts) noexcept {
    return parts > 64 ? 32 : parts > 8 ? 8 : 1;
  }

  template <class Block>
  CNNC_HOST_DEVICE void run(std::uint32_t index, std::uint32_t* shared, Block& block) const {
    auto* const found = reinterpret_cast<float*>(shared);
    const std::uint32_t here = kThreads / slices;
    block.each_thread([&](std::uint32_t thread) {
      const std::uint32_t weight = index * here + thread % here;
      if (weight >= weights) return;
      const float* const from = sums + positions[weight];
      float sum = 0;
      for (std::uint32_t part = thread / here; part < parts; part += slices) sum += from[std::size_t{part} * part_size];
      found[thread] = sum;
    });
    block.each_thread([&](std::uint32_t thread) {
      const std::uint32_t weight = index * here + thread;
      if (thread >= here || weight >= weights) return;
      float sum = found[thread];
      for (std::uint32_t slice = 1; slice < slices; ++slice) sum += found[thread + slice * here];
      to[weight] = sum;
    });
  }
};

/// The loss of a batch; one block. Also clears the result's flags.
struct TotalLoss {
  static constexpr std::uint32_t kThreads = 128;
  static constexpr std::uint32_t kSharedBytes = kThreads * sizeof(double);

  const double* losses;
  std::uint32_t images;
  StepResult* result;

  [[nodiscard]] std::uint32_t blocks() const noexcept { return 1; }

  template <class Block>
  CNNC_HOST_DEVICE void run(std::uint32_t, std::uint32_t* shared, Block& block) const {
    auto* const found = reinterpret_cast<double*>(shared);
    block.each_thread([&](std::uint32_t thread) {
      double sum = 0;
      for (std::uint32_t image = thread; image < images; image += kThreads) sum += losses[image];
      found[thread] = sum;
    });
    block.each_thread([&](std::uint32_t thread) {
      if (thread > 0) return;
      double sum = 0;
      for (std::uint32_t i = 0; i < kThreads; ++i) sum += found[i];
      *result = {sum, std::isfinite(sum) ? 0U : 1U, 0};
    });
  }
};

}  // namespace cnnc::gpu

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cnn/loss.hpp"
#include "cuda/product_block.hpp"

// The small passes between products, as code that also runs on the host.

namespace cnnc::gpu {

CNNC_HOST_DEVICE inline float load_one(float value) { return value; }
CNNC_HOST_DEVICE inline float load_one(Bf16 value) { return float_of(value); }
CNNC_HOST_DEVICE inline void store_one(float& to, float value) { to = value; }
CNNC_HOST_DEVICE inline void store_one(Bf16& to, float value) {
  to = static_cast<Bf16>(bf16_pair(value, 0) & 0xFFFF);
}

/// Normalisation, ReLU and pooling that no product has taken along.
template <class T>
struct PointwiseBatch {
  Layout in;
  Layout out;
  PoolKind pool;
  std::uint32_t pool_size;  ///< 1 without pooling
  bool relu;
  std::uint32_t images;
  const T* from;
  T* to;
  const float* scale;  ///< by stored channel, 0 for padding; null without normalisation
  const float* shift;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept { return std::uint64_t{images} * out.size(); }
};

/// Computes the value at `index` of the output.
template <class T>
CNNC_HOST_DEVICE void run_pointwise(const PointwiseBatch<T>& batch, std::uint64_t index) {
  const std::uint32_t stored = batch.out.stored();
  const auto channel = static_cast<std::uint32_t>(index % stored);
  const std::uint64_t pixel = index / stored;
  const auto x = static_cast<std::uint32_t>(pixel % batch.out.width);
  const auto y = static_cast<std::uint32_t>(pixel / batch.out.width % batch.out.height);
  const std::uint64_t image = pixel / batch.out.width / batch.out.height;
  float result = 0;
  for (std::uint32_t dy = 0; dy < batch.pool_size; ++dy) {
    for (std::uint32_t dx = 0; dx < batch.pool_size; ++dx) {
      const std::uint64_t at = (image * batch.in.height + y * batch.pool_size + dy) * batch.in.width +
                               x * batch.pool_size + dx;
      float value = load_one(batch.from[at * stored + channel]);
      if (batch.scale != nullptr) value = batch.scale[channel] * value + batch.shift[channel];
      if (batch.relu && !(value > 0)) value = 0;
      if (batch.pool == PoolKind::average) {
        result += value;
      } else {
        result = dy + dx == 0 || value > result ? value : result;
      }
    }
  }
  if (batch.pool == PoolKind::average) result /= static_cast<float>(batch.pool_size * batch.pool_size);
  store_one(batch.to[index], result);
}

/// The last dense layer with its sigmoid or softmax.
template <class T>
struct HeadBatch {
  std::uint32_t inputs;  ///< as stored
  std::uint32_t outputs;
  std::uint32_t images;
  bool probabilities;  ///< else logits
  const T* features;
  const float* weights;  ///< [output][input], 0 for padding
  const float* bias;
  float* answers;  ///< images x outputs
};

inline constexpr std::uint32_t kMostOutputs = 16;

/// What a warp computes first: the logits of one image, the same in all lanes.
template <class T>
CNNC_HOST_DEVICE void find_logits(const HeadBatch<T>& batch, std::uint32_t image, float (&logits)[kMostOutputs]) {
  const T* const features = batch.features + std::size_t{image} * batch.inputs;
  for (std::uint32_t output = 0; output < batch.outputs; ++output) {
    PerLane<float> sums;
    each_lane([&](std::uint32_t lane) {
      float sum = 0;
      for (std::uint32_t i = lane; i < batch.inputs; i += kWarp) {
        sum = fmaf(load_one(features[i]), batch.weights[output * batch.inputs + i], sum);
      }
      sums[lane] = sum;
    });
    sum_of_lanes(sums);
    logits[output] = sums[0] + batch.bias[output];
  }
}

/// What a warp computes: the answers of one image.
template <class T>
CNNC_HOST_DEVICE void run_head(const HeadBatch<T>& batch, std::uint32_t image) {
  float logits[kMostOutputs];
  find_logits(batch, image, logits);
  if (batch.probabilities) turn_into_probabilities(logits, batch.outputs);
  each_lane([&](std::uint32_t lane) {
    if (lane < batch.outputs) batch.answers[std::size_t{image} * batch.outputs + lane] = logits[lane];
  });
}

}  // namespace cnnc::gpu

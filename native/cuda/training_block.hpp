#pragma once

#include <cstddef>
#include <cstdint>

#include "cnn/dropout.hpp"
#include "cnn/loss.hpp"
#include "cnn/optimizer.hpp"
#include "cnn/optimizer_formulas.hpp"
#include "cuda/image_block.hpp"
#include "cuda/pointwise_block.hpp"

// The passes of a training step between products, each item of which is computed by itself: code that also runs on the
// host. A pass has size() items; run(i) computes one, on a GPU by one thread. Items of a pass with run_warp are
// computed by a warp each.

namespace cnnc::gpu {

/// Numbers of a batch normalisation, by stored channel; 0 for padding. Those of a batch x become
/// scale (x - mean) + beta, and dx = scale dy + slope (x - mean) + offset.
struct NormNumbers {
  float* mean = nullptr;  ///< null without normalisation
  float* scale = nullptr;
  float* beta = nullptr;
  float* slope = nullptr;
  float* offset = nullptr;
};

/// Normalisation, ReLU, pooling and dropout of a batch, forth and back. What no window of pooling holds has the
/// derivative 0.
template <class T>
struct TrainedPointwise {
  Layout in;
  Layout out;
  PoolKind pool;
  std::uint32_t pool_size;  ///< 1 without pooling
  float share;              ///< of a pixel in its window: less than 1 for averages
  bool relu;
  bool mask_input;  ///< the input is what a ReLU gave, which the derivative has to go back through, too
  std::uint32_t images;
  NormNumbers norm;
  bool drops;
  DropoutMask dropout;
  const T* from;
  T* to;           ///< forth
  const T* d_out;  ///< back
  T* d_in;

  /// Windows of an image along a side, those that are cut off included.
  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t windows_high() const noexcept {
    return (in.height + pool_size - 1) / pool_size;
  }
  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t windows_wide() const noexcept {
    return (in.width + pool_size - 1) / pool_size;
  }
  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t windows() const noexcept {
    return images * windows_high() * windows_wide();
  }
  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t pairs() const noexcept { return in.stored() / 2; }
};

/// A window of a batch.
struct Window {
  std::uint32_t image;
  std::uint32_t y;
  std::uint32_t x;
};

template <class T>
CNNC_HOST_DEVICE Window window_of(const TrainedPointwise<T>& pass, std::uint32_t index) {
  const std::uint32_t row = index / pass.windows_wide();
  return {row / pass.windows_high(), row % pass.windows_high(), index % pass.windows_wide()};
}

/// What dropout multiplies two neighbouring channels of a pixel of the output with.
template <class T>
CNNC_HOST_DEVICE TwoWords<float> dropout_factors(const TrainedPointwise<T>& pass, const Window& window,
                                                 std::uint32_t channel) {
  if (!pass.drops) return {{1, 1}};
  const std::uint32_t element = (window.y * pass.out.width + window.x) * pass.out.channels + channel;
  const std::uint32_t block = element / DropoutMask::kPerBlock;
  const RandomWords words = philox4x32(pass.dropout.block_counter(window.image, block), pass.dropout.philox_key());
  const auto factor = [&](std::uint32_t in_block) {
    const std::uint32_t word = words[in_block / 2];
    return pass.dropout.factor_of(in_block % 2 == 0 ? word & 0xFFFF : word >> 16);
  };
  const std::uint32_t first = element % DropoutMask::kPerBlock;
  // The second of a pair begins a block only in images of an odd number of channels.
  return {{factor(first), first + 1 < DropoutMask::kPerBlock ? factor(first + 1)
                                                             : pass.dropout.factor(window.image, element + 1)}};
}

/// Two channels of a pixel, as the normalisation and the ReLU leave them.
template <class T>
CNNC_HOST_DEVICE TwoWords<float> activated(const TrainedPointwise<T>& pass, std::uint32_t channel,
                                           TwoWords<float> values) {
  CNNC_UNROLL
  for (std::uint32_t i = 0; i < 2; ++i) {
    float& value = values.words[i];
    if (pass.norm.mean != nullptr) {
      value = pass.norm.scale[channel + i] * (value - pass.norm.mean[channel + i]) + pass.norm.beta[channel + i];
    }
    if (pass.relu && !(value > 0)) value = 0;
  }
  return values;
}

/// Calls visit(place of a pixel's two channels in the input) for those of a window that exist, row by row.
template <class T, class Visit>
CNNC_HOST_DEVICE void each_pixel(const TrainedPointwise<T>& pass, const Window& window, std::uint32_t channel,
                                 Visit visit) {
  for (std::uint32_t dy = 0; dy < pass.pool_size; ++dy) {
    const std::uint32_t y = window.y * pass.pool_size + dy;
    for (std::uint32_t dx = 0; dx < pass.pool_size; ++dx) {
      const std::uint32_t x = window.x * pass.pool_size + dx;
      if (y >= pass.in.height || x >= pass.in.width) continue;
      visit((std::size_t{window.image * pass.in.height + y} * pass.in.width + x) * pass.in.stored() + channel);
    }
  }
}

template <class T>
CNNC_HOST_DEVICE std::size_t place_in_output(const TrainedPointwise<T>& pass, const Window& window,
                                             std::uint32_t channel) {
  return (std::size_t{window.image * pass.out.height + window.y} * pass.out.width + window.x) * pass.out.stored() +
         channel;
}

/// Two channels of a window at a time.
template <class T>
struct PointwiseForth {
  TrainedPointwise<T> pass;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept {
    return std::uint64_t{pass.images} * pass.out.size() / 2;
  }
  CNNC_HOST_DEVICE void run(std::uint64_t item) const {
    const auto index = static_cast<std::uint32_t>(item);
    const std::uint32_t channel = index % pass.pairs() * 2;
    const std::uint32_t pixel = index / pass.pairs();
    const std::uint32_t row = pixel / pass.out.width;
    const Window window{row / pass.out.height, row % pass.out.height, pixel % pass.out.width};
    const bool average = pass.pool == PoolKind::average;
    float sums[2] = {0, 0};
    bool first = true;
    each_pixel(pass, window, channel, [&](std::size_t at) {
      const TwoWords<float> values = activated(pass, channel, load_two(pass.from + at));
      CNNC_UNROLL
      for (std::uint32_t i = 0; i < 2; ++i) {
        const float value = values.words[i];
        sums[i] = average ? sums[i] + value : first || value > sums[i] ? value : sums[i];
      }
      first = false;
    });
    const TwoWords<float> factors = dropout_factors(pass, window, channel);
    store_two(pass.to + place_in_output(pass, window, channel), sums[0] * pass.share * factors.words[0],
              sums[1] * pass.share * factors.words[1]);
  }
};

/// Calls visit(place, values, dy) for the pixels of a window: two channels of the input, and the derivatives by what
/// the normalisation made of them, or by themselves.
template <class T, class Visit>
CNNC_HOST_DEVICE void each_derivative(const TrainedPointwise<T>& pass, const Window& window, std::uint32_t channel,
                                      Visit visit) {
  const bool whole = window.y < pass.out.height && window.x < pass.out.width;
  TwoWords<float> d{{0, 0}};
  if (whole) {
    const TwoWords<float> factors = dropout_factors(pass, window, channel);
    d = load_two(pass.d_out + place_in_output(pass, window, channel));
    CNNC_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) d.words[i] *= factors.words[i] * pass.share;
  }
  // Of several maxima the first one takes the derivative.
  std::size_t best[2] = {0, 0};
  if (whole && pass.pool == PoolKind::maximum) {
    float largest[2] = {0, 0};
    bool first = true;
    each_pixel(pass, window, channel, [&](std::size_t at) {
      const TwoWords<float> values = activated(pass, channel, load_two(pass.from + at));
      CNNC_UNROLL
      for (std::uint32_t i = 0; i < 2; ++i) {
        if (first || values.words[i] > largest[i]) {
          largest[i] = values.words[i];
          best[i] = at;
        }
      }
      first = false;
    });
  }
  each_pixel(pass, window, channel, [&](std::size_t at) {
    const TwoWords<float> values = load_two(pass.from + at);
    const TwoWords<float> after = activated(pass, channel, values);
    TwoWords<float> dy = d;
    CNNC_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) {
      const bool masked = pass.relu && !(after.words[i] > 0);
      if (masked || (pass.pool == PoolKind::maximum && best[i] != at)) dy.words[i] = 0;
    }
    visit(at, values, dy);
  });
}

template <class T>
struct PointwiseBack {
  TrainedPointwise<T> pass;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept {
    return std::uint64_t{pass.windows()} * pass.pairs();
  }
  CNNC_HOST_DEVICE void run(std::uint64_t item) const {
    const auto index = static_cast<std::uint32_t>(item);
    const std::uint32_t channel = index % pass.pairs() * 2;
    each_derivative(pass, window_of(pass, index / pass.pairs()), channel,
                    [&](std::size_t at, const TwoWords<float>& values, TwoWords<float> dx) {
                      CNNC_UNROLL
                      for (std::uint32_t i = 0; i < 2; ++i) {
                        const std::uint32_t c = channel + i;
                        const float x = values.words[i];
                        if (pass.norm.mean != nullptr) {
                          dx.words[i] = pass.norm.scale[c] * dx.words[i] +
                                        (pass.norm.slope[c] * (x - pass.norm.mean[c]) + pass.norm.offset[c]);
                        }
                        if (pass.mask_input && !(x > 0)) dx.words[i] = 0;
                      }
                      store_two(pass.d_in + at, dx.words[0], dx.words[1]);
                    });
  }
};

/// The last dense layer with loss and derivatives: a warp takes an image.
template <class T>
struct HeadTraining {
  std::uint32_t inputs;  ///< as stored
  std::uint32_t outputs;
  std::uint32_t images;
  bool mask_input;  ///< as of TrainedPointwise
  const T* features;
  const float* weights;  ///< [output][input], 0 for padding
  const float* bias;
  const ChosenImage* chosen;
  double* losses;   ///< of each image
  float* d_logits;  ///< images x outputs
  T* d_features;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t warps() const noexcept { return images; }
  CNNC_HOST_DEVICE void run_warp(std::uint32_t image) const {
    const HeadBatch<T> head{inputs, outputs, images, false, features, weights, bias, nullptr};
    float logits[kMostOutputs];
    find_logits(head, image, logits);
    const double loss = turn_into_loss_gradient(chosen[image].label, chosen[image].weight, logits, outputs);
    each_lane([&](std::uint32_t lane) {
      if (lane == 0) losses[image] = loss;
      if (lane < outputs) d_logits[std::size_t{image} * outputs + lane] = logits[lane];
      for (std::uint32_t i = lane * 2; i < inputs; i += kWarp * 2) {
        const std::size_t at = std::size_t{image} * inputs + i;
        const TwoWords<float> values = load_two(features + at);
        TwoWords<float> d{{0, 0}};
        for (std::uint32_t output = 0; output < outputs; ++output) {
          const TwoWords<float> w = load_two(weights + std::size_t{output} * inputs + i);
          CNNC_UNROLL
          for (std::uint32_t j = 0; j < 2; ++j) d.words[j] = fmaf(w.words[j], logits[output], d.words[j]);
        }
        CNNC_UNROLL
        for (std::uint32_t j = 0; j < 2; ++j) {
          if (mask_input && !(values.words[j] > 0)) d.words[j] = 0;
        }
        store_two(d_features + at, d.words[0], d.words[1]);
      }
    });
  }
};

/// Images whose share of the head's derivatives is summed at once.
inline constexpr std::uint32_t kHeadPartImages = 32;

/// Derivatives by the head's weights and, as if an input were always 1, by its bias: sums over some images, of two
/// inputs at a time.
template <class T>
struct HeadSums {
  std::uint32_t inputs;  ///< as stored
  std::uint32_t outputs;
  std::uint32_t images;
  const T* features;
  const float* d_logits;
  float* sums;  ///< [part][output][inputs, 1, 0]

  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t parts() const noexcept {
    return (images + kHeadPartImages - 1) / kHeadPartImages;
  }
  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept {
    return std::uint64_t{parts()} * outputs * (inputs / 2 + 1);
  }
  CNNC_HOST_DEVICE void run(std::uint64_t item) const {
    const auto index = static_cast<std::uint32_t>(item);
    const std::uint32_t input = index % (inputs / 2 + 1) * 2;
    const std::uint32_t output = index / (inputs / 2 + 1) % outputs;
    const std::uint32_t first = index / (inputs / 2 + 1) / outputs * kHeadPartImages;
    TwoWords<float> sum{{0, 0}};
    for (std::uint32_t image = first; image < images && image < first + kHeadPartImages; ++image) {
      const float d = d_logits[std::size_t{image} * outputs + output];
      TwoWords<float> x{{1, 0}};
      if (input < inputs) x = load_two(features + std::size_t{image} * inputs + input);
      CNNC_UNROLL
      for (std::uint32_t i = 0; i < 2; ++i) sum.words[i] = fmaf(x.words[i], d, sum.words[i]);
    }
    store_two(sums + 2 * item, sum.words[0], sum.words[1]);
  }
};

/// Weights of all products in the order in which their kernels want them.
template <class T>
struct PackWeights {
  const float* parameters;
  const std::uint32_t* order;  ///< as of weight_order, of all parameters
  WeightWord<T>* to;
  std::size_t words;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept { return words; }
  CNNC_HOST_DEVICE void run(std::uint64_t item) const {
    to[item] = packed_weight<T>(parameters, order, static_cast<std::size_t>(item));
  }
};

/// Images of float32 without padding, as a host has them, to those of a network.
template <class T>
struct StoreImages {
  Layout layout;
  std::uint32_t images;
  const float* from;
  T* to;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept { return std::uint64_t{images} * layout.size(); }
  CNNC_HOST_DEVICE void run(std::uint64_t item) const {
    const std::uint32_t stored = layout.stored();
    const auto channel = static_cast<std::uint32_t>(item % stored);
    store_one(to[item], channel < layout.channels ? from[item / stored * layout.channels + channel] : 0.0F);
  }
};

/// How a step went.
struct StepResult {
  double loss;
  std::uint32_t bad_gradients;   ///< not 0: the loss or a derivative is no number, and nothing has been updated
  std::uint32_t bad_parameters;  ///< not 0: a parameter no longer is one
};

/// Raises the result's flag for derivatives that are no numbers.
struct CheckGradients {
  const float* gradients;
  std::uint32_t count;
  StepResult* result;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept { return count; }
  CNNC_HOST_DEVICE void run(std::uint64_t item) const {
    if (!std::isfinite(gradients[item])) result->bad_gradients = 1;
  }
};

/// What a step of the optimiser does to a parameter.
enum class ParameterRole : std::uint8_t { learns, decays, moves /* towards the batch's statistics */ };

/// update_parameters, of a parameter at a time; nothing where the derivatives were bad.
struct UpdateParameters {
  OptimizerKind kind;
  float momentum;
  bool nesterov;
  float rate;
  float shrink;  ///< 1 - rate decay, of what decays
  AdamStep adam;
  std::uint32_t count;
  const ParameterRole* roles;
  const float* momenta;  ///< of parameters that move
  const float* gradients;
  float* first;
  float* second;
  float* parameters;
  StepResult* result;

  [[nodiscard]] CNNC_HOST_DEVICE std::uint64_t size() const noexcept { return count; }
  CNNC_HOST_DEVICE void run(std::uint64_t i) const {
    if (result->bad_gradients != 0) return;
    const ParameterRole role = roles[i];
    float parameter = parameters[i];
    if (role == ParameterRole::moves) {
      moving_step(momenta[i], gradients[i], parameter);
    } else if (kind == OptimizerKind::sgd) {
      sgd_step(momentum, nesterov, rate, gradients[i], first[i], parameter);
    } else {
      adam_step(adam, role == ParameterRole::decays ? shrink : 1.0F, gradients[i], first[i], second[i], parameter);
    }
    parameters[i] = parameter;
    if (!std::isfinite(parameter)) result->bad_parameters = 1;
  }
};

}  // namespace cnnc::gpu

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cnn/bf16.hpp"
#include "cnn/dropout.hpp"
#include "cnn/pool_kind.hpp"

namespace cnnc {

/// Per-channel numbers of a batch normalisation that turn x into scale x + shift.
struct NormScale {
  const float* scale;
  const float* shift;
};

/// What happens between two matrix products, in one pass: normalise, ReLU, pool. All images are
/// height x width x channels, one after the other.
struct PointwiseShape {
  std::size_t height;
  std::size_t width;
  std::size_t channels;
  std::size_t pool_size;  ///< 1 for PoolKind::none
  PoolKind pool;
  bool relu;

  [[nodiscard]] std::size_t out_height() const noexcept { return height / pool_size; }
  [[nodiscard]] std::size_t out_width() const noexcept { return width / pool_size; }
  [[nodiscard]] std::size_t in_size() const noexcept { return height * width * channels; }
  [[nodiscard]] std::size_t out_size() const noexcept { return out_height() * out_width() * channels; }
};

/// Backward pass of batch normalisation: the derivative by x is a dy + b x + c, per channel.
struct NormGradient {
  const float* a;
  const float* b;
  const float* c;
};

/// Passes over activations of type T (float or Bf16), for one instruction set. Sums are float32.
template <class T>
struct PointwiseKernels {
  /// out = pool(relu(scale in + shift)); `norm` may be null.
  void (*forward)(const PointwiseShape&, std::size_t images, const NormScale* norm, const T* in, T* out);
  /// d_in from d_out, without normalisation.
  void (*backward)(const PointwiseShape&, std::size_t images, const T* in, const T* d_out, T* d_in);
  /// Sums over one image, by channel: of dy, and of dy (x - mean), with dy the derivative behind the normalisation.
  void (*norm_sums)(const PointwiseShape&, const NormScale&, const float* mean, const T* in, const T* d_out,
                    float* sum_dy, float* sum_dy_x);
  /// d_in from d_out through pool, ReLU and normalisation.
  void (*norm_backward)(const PointwiseShape&, std::size_t images, const NormScale&, const NormGradient&, const T* in,
                        const T* d_out, T* d_in);
  /// Mean of one image by channel, and sum of squared distances from it.
  void (*moments)(std::size_t pixels, std::size_t channels, const T* in, float* mean, float* squares);
  /// d *= (x > 0)
  void (*mask_negative)(std::size_t count, const T* x, T* d);
  /// keep[e] of one image: 1 where DropoutMask::factor is not 0.
  void (*fill_mask)(const DropoutMask&, std::uint32_t image, std::size_t count, std::uint8_t* keep);
  /// values *= factor where keep, else 0
  void (*apply_mask)(std::size_t count, const std::uint8_t* keep, float factor, T* values);
  void (*from_float)(std::size_t count, const float* in, T* out);
  void (*to_float)(std::size_t count, const T* in, float* out);
};

template <class T>
struct NamedPointwiseKernels {
  const char* name;
  PointwiseKernels<T> kernels;
};

/// Those of every instruction set that this processor runs, the fastest last; all give the same bits.
template <class T>
[[nodiscard]] std::vector<NamedPointwiseKernels<T>> all_pointwise_kernels();

/// The fastest that this processor runs.
template <class T>
[[nodiscard]] const PointwiseKernels<T>& pointwise_kernels();

}  // namespace cnnc

#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cnn/bf16.hpp"
#include "cnn/network_steps.hpp"
#include "core/aligned.hpp"

namespace cnnc {

/// The convolution that reads the images: 3 x 3 over few channels, which a matrix product would mostly fill with
/// zeros. All images are height x width x channels, one after the other.
struct ImageConvolutionShape {
  Shape in;   ///< with its padding
  Shape out;  ///< before the pool
  bool relu;
  PoolKind pool;  ///< 2 x 2; what does not fill a window is left out

  [[nodiscard]] std::size_t out_size() const noexcept {
    return pool == PoolKind::none ? out.size() : out.height / 2 * (out.width / 2) * out.channels;
  }
};

/// Passes over one image, for one instruction set. Activations are of type T (float or Bf16), height x width x channels;
/// weights [3][3][in][out] and sums are float32, and so is the image: channels x height x width, padded.
template <class T>
struct ImageConvolutionKernels {
  /// out = pool(relu(bias + weights * image))
  void (*forward)(const ImageConvolutionShape&, const float* image, const float* weights, const float* bias, T* out);
  /// Adds the gradients of weights and bias, for PoolKind::none. With a ReLU, d_out counts where out > 0.
  void (*gradients)(const ImageConvolutionShape&, const float* image, const T* out, const T* d_out, float* d_weights,
                    float* d_bias);
};

template <class T>
struct NamedImageConvolutionKernels {
  const char* name;
  ImageConvolutionKernels<T> kernels;
};

/// Those of every instruction set that this processor runs, the fastest last. Outputs have the same bits on all that have a
/// fused multiply-add, which are all but the first; gradients differ in the last bits.
template <class T>
[[nodiscard]] std::vector<NamedImageConvolutionKernels<T>> all_image_convolution_kernels();

/// The fastest, or without `avx2` the first.
template <class T>
[[nodiscard]] const ImageConvolutionKernels<T>& image_convolution_kernels(bool avx2);

[[nodiscard]] bool is_image_convolution(const ProductStep& step) noexcept;

/// Such a layer with its weights; shared by all threads.
template <class T>
class ImageConvolution {
 public:
  /// \pre is_image_convolution(step)
  ImageConvolution(const ProductStep& step, PoolKind pool, const ImageConvolutionKernels<T>& kernels);

  /// From Keras' layout; the bias may be empty.
  void load(std::span<const float> weights, std::span<const float> bias);
  void forward(std::size_t images, const float* in, T* out) const;
  /// Adds the gradients of the weights, in Keras' layout, and of the bias, for PoolKind::none.
  /// \param masked d_out holds zeros already where the ReLU let nothing through
  void gradients(std::size_t images, const float* in, const T* out, const T* d_out, bool masked,
                 std::span<float> d_weights, std::span<float> d_bias) const;

 private:
  ImageConvolutionKernels<T> kernels_;
  ImageConvolutionShape shape_;
  std::size_t padding_;
  AlignedVector<float> weights_;
  AlignedVector<float> bias_;
};

}  // namespace cnnc

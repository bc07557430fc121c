#include "cpu/image_convolution.hpp"

#include <algorithm>

// This file is compiled with contraction: products and sums are one instruction where the processor has it.
#define CNNC_BODY "cpu/image_convolution_body.hpp"
#include "cpu/instruction_sets_body.hpp"

namespace cnnc {
namespace {

constexpr std::size_t kMostChannels = 3;

/// One image as the kernels take it: channel by channel, with zeros around.
class PaddedImage {
 public:
  PaddedImage(const Shape& padded, std::size_t padding) : padded_(padded), padding_(padding), values_(padded.size()) {}

  /// \param image height x width x channels
  const float* of(const float* image) {
    const std::size_t width = padded_.width - 2 * padding_;
    for (std::size_t y = padding_; y < padded_.height - padding_; ++y) {
      float* line = values_.data() + y * padded_.width + padding_;
      // Strides known at compile time become shuffles.
      switch (padded_.channels) {
        case 1: copy_line<1>(image, width, line); break;
        case 2: copy_line<2>(image, width, line); break;
        default: copy_line<3>(image, width, line);
      }
      image += width * padded_.channels;
    }
    return values_.data();
  }
  [[nodiscard]] std::size_t inner_size() const noexcept {
    return (padded_.height - 2 * padding_) * (padded_.width - 2 * padding_) * padded_.channels;
  }

 private:
  template <std::size_t channels>
  void copy_line(const float* pixels, std::size_t width, float* line) const {
    for (std::size_t c = 0; c < channels; ++c) {
      float* to = line + c * padded_.pixels();
      for (std::size_t x = 0; x < width; ++x) to[x] = pixels[x * channels + c];
    }
  }

  Shape padded_;
  std::size_t padding_;
  AlignedVector<float> values_;
};

}  // namespace

template <class T>
std::vector<NamedImageConvolutionKernels<T>> all_image_convolution_kernels() {
  return kernels_of_this_processor<NamedImageConvolutionKernels<T>, T>();
}

template <class T>
const ImageConvolutionKernels<T>& image_convolution_kernels(bool avx2) {
  static const auto all = all_image_convolution_kernels<T>();
  return (avx2 ? all.back() : all.front()).kernels;
}

bool is_image_convolution(const ProductStep& step) noexcept {
  return !step.dense && step.kernel == 3 && step.in.channels <= kMostChannels;
}

template <class T>
ImageConvolution<T>::ImageConvolution(const ProductStep& step, PoolKind pool,
                                      const ImageConvolutionKernels<T>& kernels)
    : kernels_(kernels),
      shape_{{step.in.height + 2 * step.padding, step.in.width + 2 * step.padding, step.in.channels},
             step.out,
             step.relu,
             pool},
      padding_(step.padding),
      weights_(step.kernel * step.kernel * step.in.channels * step.out.channels),
      bias_(step.out.channels) {}

template <class T>
void ImageConvolution<T>::load(std::span<const float> weights, std::span<const float> bias) {
  weights_.assign(weights.begin(), weights.end());
  if (!bias.empty()) bias_.assign(bias.begin(), bias.end());
}

template <class T>
void ImageConvolution<T>::forward(std::size_t images, const float* in, T* out) const {
  PaddedImage padded(shape_.in, padding_);
  for (std::size_t n = 0; n < images; ++n) {
    kernels_.forward(shape_, padded.of(in + n * padded.inner_size()), weights_.data(), bias_.data(),
                         out + n * shape_.out_size());
  }
}

template <class T>
void ImageConvolution<T>::gradients(std::size_t images, const float* in, const T* out, const T* d_out, bool masked,
                                    std::span<float> d_weights, std::span<float> d_bias) const {
  ImageConvolutionShape shape = shape_;
  if (masked) shape.relu = false;
  PaddedImage padded(shape_.in, padding_);
  for (std::size_t n = 0; n < images; ++n) {
    kernels_.gradients(shape, padded.of(in + n * padded.inner_size()), out + n * shape.out_size(),
                           d_out + n * shape.out_size(), d_weights.data(), d_bias.data());
  }
}

template std::vector<NamedImageConvolutionKernels<float>> all_image_convolution_kernels<float>();
template std::vector<NamedImageConvolutionKernels<Bf16>> all_image_convolution_kernels<Bf16>();
template const ImageConvolutionKernels<float>& image_convolution_kernels<float>(bool);
template const ImageConvolutionKernels<Bf16>& image_convolution_kernels<Bf16>(bool);
template class ImageConvolution<float>;
template class ImageConvolution<Bf16>;

}  // namespace cnnc

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/random.hpp"
#include "cpu/image_convolution.hpp"
#include "test/errors.hpp"

namespace cnnc {
namespace {

constexpr std::size_t kImages = 2;

template <class T>
T number(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    return bf16_of(value);
  }
}
double as_double(float value) { return value; }
double as_double(Bf16 value) { return float_of(value); }

template <class T>
std::vector<T> random_numbers(std::size_t count, std::uint64_t seed) {
  RandomSequence random(seed, Purpose::network);
  std::vector<T> values(count);
  for (T& value : values) value = number<T>(static_cast<float>(random.uniform(-1, 1)));
  return values;
}

/// Layers whose sides and channels fill tiles and lanes, and such that leave some over.
std::vector<ProductStep> layers() {
  std::vector<ProductStep> all;
  for (const std::size_t channels : {1UL, 2UL, 3UL}) {
    for (const std::size_t filters : {4UL, 16UL, 35UL}) {
      for (const std::size_t padding : {0UL, 1UL}) {
        for (const auto& [height, width] : {std::pair{16UL, 16UL}, {7UL, 13UL}, {4UL, 3UL}, {3UL, 3UL}}) {
          const Shape in{height, width, channels};
          const Shape out{height + 2 * padding - 2, width + 2 * padding - 2, filters};
          all.push_back({in, out, false, 3, padding, filters != 16, {}, {}});
        }
      }
    }
  }
  return all;
}

template <class T>
struct Case {
  ProductStep layer;
  std::vector<float> images = random_numbers<float>(kImages * layer.in.size(), 1);
  std::vector<float> weights = random_numbers<float>(9 * layer.in.channels * layer.out.channels, 2);
  std::vector<float> bias = random_numbers<float>(layer.out.channels, 3);
  std::vector<T> d_out = random_numbers<T>(kImages * layer.out.size(), 4);

  explicit Case(const ProductStep& of) : layer(of) {}

  /// Calls work(index of the image's value, index of the weight) for what output (n, y, x) sees, without the filter.
  template <class Work>
  void each_seen(std::size_t n, std::size_t y, std::size_t x, Work&& work) const {
    for (std::size_t tap = 0; tap < 9; ++tap) {
      const std::size_t row = y + tap / 3 - layer.padding;  // wraps where it is outside
      const std::size_t column = x + tap % 3 - layer.padding;
      if (row >= layer.in.height || column >= layer.in.width) continue;
      for (std::size_t c = 0; c < layer.in.channels; ++c) {
        work(((n * layer.in.height + row) * layer.in.width + column) * layer.in.channels + c,
             (tap * layer.in.channels + c) * layer.out.channels);
      }
    }
  }

  double output(std::size_t n, std::size_t y, std::size_t x, std::size_t filter) const {
    double sum = bias[filter];
    each_seen(n, y, x, [&](std::size_t image, std::size_t weight) {
      sum += double{images[image]} * weights[weight + filter];
    });
    return layer.relu ? std::max(sum, 0.0) : sum;
  }
};

double pool_of(PoolKind pool, std::initializer_list<double> values) {
  if (pool == PoolKind::maximum) return std::max(values);
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

template <class T>
double largest_output_error(const Case<T>& one, PoolKind pool, const ImageConvolutionKernels<T>& kernels) {
  const ProductStep& layer = one.layer;
  const std::size_t side = pool == PoolKind::none ? 1 : 2;
  const std::size_t height = layer.out.height / side;
  const std::size_t width = layer.out.width / side;
  ImageConvolution<T> convolution(layer, pool, kernels);
  convolution.load(one.weights, one.bias);
  std::vector<T> out(kImages * height * width * layer.out.channels);
  convolution.forward(kImages, one.images.data(), out.data());
  double worst = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t filter = i % layer.out.channels;
    const std::size_t x = i / layer.out.channels % width * side;
    const std::size_t y = i / layer.out.channels / width % height * side;
    const std::size_t n = i / layer.out.channels / width / height;
    const double expected = side == 1 ? one.output(n, y, x, filter)
                                      : pool_of(pool, {one.output(n, y, x, filter), one.output(n, y, x + 1, filter),
                                                       one.output(n, y + 1, x, filter),
                                                       one.output(n, y + 1, x + 1, filter)});
    worst = test::larger_error(worst, std::abs(as_double(out[i]) - expected) / std::max(1.0, std::abs(expected)));
  }
  return worst;
}

template <class T>
double largest_gradient_error(const Case<T>& one, bool masked, const ImageConvolutionKernels<T>& kernels) {
  const ProductStep& layer = one.layer;
  const std::size_t filters = layer.out.channels;
  ImageConvolution<T> convolution(layer, PoolKind::none, kernels);
  convolution.load(one.weights, one.bias);
  std::vector<T> out(kImages * layer.out.size());
  convolution.forward(kImages, one.images.data(), out.data());
  // Gradients are added to what is there.
  std::vector<float> d_weights(one.weights.size(), 1);
  std::vector<float> d_bias(filters, -1);
  convolution.gradients(kImages, one.images.data(), out.data(), one.d_out.data(), masked, d_weights, d_bias);

  std::vector<double> expected(one.weights.size(), 1);
  std::vector<double> expected_bias(filters, -1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (layer.relu && !masked && as_double(out[i]) <= 0) continue;
    const double dy = as_double(one.d_out[i]);
    const std::size_t filter = i % filters;
    const std::size_t pixel = i / filters % layer.out.pixels();
    expected_bias[filter] += dy;
    one.each_seen(i / layer.out.size(), pixel / layer.out.width, pixel % layer.out.width,
                  [&](std::size_t image, std::size_t weight) {
                    expected[weight + filter] += dy * one.images[image];
                  });
  }
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = test::larger_error(worst, std::abs(d_weights[i] - expected[i]));
  }
  for (std::size_t i = 0; i < filters; ++i) worst = test::larger_error(worst, std::abs(d_bias[i] - expected_bias[i]));
  return worst;
}

/// Half a last place of bfloat16, relative; sums are float32 in both.
template <class T>
constexpr double kRounding = std::is_same_v<T, float> ? 0 : 1.0 / 256;

template <class T>
void compare_with_loops() {
  for (const ProductStep& layer : layers()) {
    CAPTURE(layer.in.height);
    CAPTURE(layer.in.channels);
    CAPTURE(layer.out.channels);
    CAPTURE(layer.padding);
    REQUIRE(is_image_convolution(layer));
    const Case<T> one(layer);
    for (const auto& [name, kernels] : all_image_convolution_kernels<T>()) {
      CAPTURE(std::string(name));
      for (const PoolKind pool : {PoolKind::none, PoolKind::maximum, PoolKind::average}) {
        CHECK(largest_output_error(one, pool, kernels) < 2e-6 + kRounding<T>);
      }
      for (const bool masked : {false, true}) CHECK(largest_gradient_error(one, masked, kernels) < 5e-5);
    }
  }
}

template <class T>
std::vector<T> outputs(const Case<T>& one, PoolKind pool, const ImageConvolutionKernels<T>& kernels) {
  ImageConvolution<T> convolution(one.layer, pool, kernels);
  convolution.load(one.weights, one.bias);
  std::vector<T> out(kImages * one.layer.out.size());
  convolution.forward(kImages, one.images.data(), out.data());
  return out;
}

template <class T>
void compare_bits() {
  const auto all = all_image_convolution_kernels<T>();
  for (const ProductStep& layer : layers()) {
    const Case<T> one(layer);
    for (const PoolKind pool : {PoolKind::none, PoolKind::maximum, PoolKind::average}) {
      for (std::size_t i = 2; i < all.size(); ++i) {
        CHECK(outputs(one, pool, all[i].kernels) == outputs(one, pool, all[1].kernels));
      }
    }
  }
}

}  // namespace

TEST_CASE("the convolution of images is what plain loops make of it, on every instruction set") {
  compare_with_loops<float>();
  compare_with_loops<Bf16>();
}

TEST_CASE("the convolution of images has the same bits wherever multiplication and addition are fused") {
  compare_bits<float>();
  compare_bits<Bf16>();
}

TEST_CASE("the convolution of images has no bias until one is loaded, and keeps to the first instruction set if told") {
  const Case<float> one(layers()[16]);
  ImageConvolution<float> convolution(one.layer, PoolKind::none, image_convolution_kernels<float>(false));
  std::vector<float> out(kImages * one.layer.out.size(), 1);
  convolution.forward(kImages, one.images.data(), out.data());
  CHECK(std::ranges::all_of(out, [](float value) { return value == 0; }));
  Case<float> unbiased = one;
  std::ranges::fill(unbiased.bias, 0.0F);
  convolution.load(one.weights, {});
  convolution.forward(kImages, one.images.data(), out.data());
  CHECK(out == outputs(unbiased, PoolKind::none, all_image_convolution_kernels<float>().front().kernels));
}

TEST_CASE("only 3 x 3 convolutions of few channels are convolutions of images") {
  ProductStep step{{8, 8, 3}, {8, 8, 16}, false, 3, 1, true, {}, {}};
  CHECK(is_image_convolution(step));
  step.in.channels = 4;
  CHECK_FALSE(is_image_convolution(step));
  step.in.channels = 1;
  step.kernel = 5;
  CHECK_FALSE(is_image_convolution(step));
  CHECK_FALSE(is_image_convolution({{1, 1, 3}, {1, 1, 16}, true, 3, 0, true, {}, {}}));
}

}  // namespace cnnc

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/random.hpp"
#include "cpu/pointwise.hpp"
#include "test/errors.hpp"

namespace cnnc {
namespace {

template <class T>
T number(float value);
template <>
float number<float>(float value) {
  return value;
}
template <>
Bf16 number<Bf16>(float value) {
  return static_cast<Bf16>(std::bit_cast<std::uint32_t>(value) >> 16);
}

float as_float(Bf16 value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16); }

template <class T>
std::vector<T> random_numbers(std::size_t count, std::uint64_t seed) {
  RandomSequence random(seed, Purpose::network);
  std::vector<T> values(count);
  // Many equal values and zeros, for ties in maxima and the edge of the ReLU.
  for (T& value : values) {
    value = number<T>(random.chance(0.3) ? static_cast<float>(random.below(3)) - 1
                                         : static_cast<float>(random.uniform(-2, 2)));
  }
  return values;
}

std::vector<PointwiseShape> shapes() {
  std::vector<PointwiseShape> all;
  for (const std::size_t channels : {1UL, 5UL, 16UL, 32UL, 53UL, 64UL, 128UL}) {
    for (const bool relu : {false, true}) {
      all.push_back({4, 5, channels, 1, PoolKind::none, relu});
      all.push_back({5, 7, channels, 2, PoolKind::maximum, relu});
      all.push_back({6, 8, channels, 2, PoolKind::average, relu});
      all.push_back({7, 8, channels, 3, PoolKind::maximum, relu});
      all.push_back({7, 5, channels, 3, PoolKind::average, relu});
    }
  }
  return all;
}

template <class T>
struct Case {
  PointwiseShape shape;
  std::size_t images = 3;
  std::vector<T> in = random_numbers<T>(images * shape.in_size(), 1);
  std::vector<T> d_out = random_numbers<T>(images * shape.out_size(), 2);
  std::vector<float> scale = random_numbers<float>(shape.channels, 3);
  std::vector<float> shift = random_numbers<float>(shape.channels, 4);
  std::vector<float> mean = random_numbers<float>(shape.channels, 5);
  std::vector<float> b = random_numbers<float>(shape.channels, 6);
  std::vector<float> c = random_numbers<float>(shape.channels, 7);

  explicit Case(const PointwiseShape& of) : shape(of) {}
  NormScale norm() const { return {scale.data(), shift.data()}; }
};

void append(std::vector<std::uint32_t>& bits, const std::vector<float>& values) {
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
}
void append(std::vector<std::uint32_t>& bits, const std::vector<Bf16>& values) {
  for (const Bf16 value : values) bits.push_back(static_cast<std::uint32_t>(value));
}

/// Bits of everything that the kernels make of a case.
template <class T>
std::vector<std::uint32_t> results(const PointwiseKernels<T>& kernels, const Case<T>& one) {
  const PointwiseShape& shape = one.shape;
  std::vector<std::uint32_t> bits;
  const NormScale norm = one.norm();
  for (const NormScale* scales : {static_cast<const NormScale*>(nullptr), &norm}) {
    std::vector<T> out(one.images * shape.out_size());
    kernels.forward(shape, one.images, scales, one.in.data(), out.data());
    append(bits, out);
  }
  std::vector<T> d_in(one.in.size());
  kernels.backward(shape, one.images, one.in.data(), one.d_out.data(), d_in.data());
  append(bits, d_in);
  kernels.norm_backward(shape, one.images, norm, {one.scale.data(), one.b.data(), one.c.data()}, one.in.data(),
                        one.d_out.data(), d_in.data());
  append(bits, d_in);
  std::vector<float> first(shape.channels);
  std::vector<float> second(shape.channels);
  kernels.norm_sums(shape, norm, one.mean.data(), one.in.data(), one.d_out.data(), first.data(), second.data());
  append(bits, first);
  append(bits, second);
  kernels.moments(shape.height * shape.width, shape.channels, one.in.data(), first.data(), second.data());
  append(bits, first);
  append(bits, second);
  d_in = one.in;
  kernels.mask_negative(d_in.size(), one.in.data(), d_in.data());
  append(bits, d_in);
  std::vector<std::uint8_t> keep;
  for (std::size_t i = 0; i < d_in.size(); ++i) keep.push_back(i % 3 == 0);
  kernels.apply_mask(d_in.size(), keep.data(), 1.25F, d_in.data());
  append(bits, d_in);
  std::vector<float> floats(d_in.size());
  kernels.to_float(d_in.size(), d_in.data(), floats.data());
  append(bits, floats);
  for (float& value : floats) value *= 1.0009765F;
  kernels.from_float(d_in.size(), floats.data(), d_in.data());
  append(bits, d_in);
  return bits;
}

template <class T>
void compare_instruction_sets() {
  const auto all = all_pointwise_kernels<T>();
  REQUIRE(!all.empty());
  for (const PointwiseShape& shape : shapes()) {
    const Case<T> one(shape);
    const auto expected = results(all[0].kernels, one);
    for (const auto& [name, kernels] : all) {
      CAPTURE(std::string(name));
      CAPTURE(shape.channels);
      CHECK(results(kernels, one) == expected);
    }
  }
}

}  // namespace

TEST_CASE("passes over activations give the same bits on every instruction set") {
  compare_instruction_sets<float>();
  compare_instruction_sets<Bf16>();
}

TEST_CASE("the forward pass over activations is normalisation, ReLU and pool") {
  for (const PointwiseShape& shape : shapes()) {
    const Case<float> one(shape);
    std::vector<float> out(one.images * shape.out_size());
    const NormScale norm = one.norm();
    pointwise_kernels<float>().forward(shape, one.images, &norm, one.in.data(), out.data());
    double worst = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t c = i % shape.channels;
      const std::size_t x = i / shape.channels % shape.out_width();
      const std::size_t y = i / shape.channels / shape.out_width() % shape.out_height();
      const std::size_t n = i / shape.out_size();
      double sum = 0;
      double largest = -1e30;
      for (std::size_t dy = 0; dy < shape.pool_size; ++dy) {
        for (std::size_t dx = 0; dx < shape.pool_size; ++dx) {
          const std::size_t row = n * shape.height + y * shape.pool_size + dy;
          double value = one.in[(row * shape.width + x * shape.pool_size + dx) * shape.channels + c];
          value = value * one.scale[c] + one.shift[c];
          if (shape.relu && value < 0) value = 0;
          sum += value;
          largest = std::max(largest, value);
        }
      }
      const double share = 1.0 / static_cast<double>(shape.pool_size * shape.pool_size);
      worst = test::larger_error(worst, std::abs(out[i] - (shape.pool == PoolKind::average ? sum * share : largest)));
    }
    CHECK(worst < 1e-5);
  }
}

TEST_CASE("numbers are rounded to bfloat16 as IEEE 754 rounds: to the nearest, ties to even") {
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> known{
      {0x3F800000, 0x3F80}, {0x3F808000, 0x3F80}, {0x3F818000, 0x3F82}, {0x3F808001, 0x3F81},
      {0x3F807FFF, 0x3F80}, {0xBF818000, 0xBF82}, {0x00000000, 0x0000}, {0x80000000, 0x8000},
      {0x7F7FFFFF, 0x7F80}, {0x7F800000, 0x7F80}, {0xFF800000, 0xFF80}, {0x00008000, 0x0000},
  };
  for (const auto& [name, kernels] : all_pointwise_kernels<Bf16>()) {
    CAPTURE(std::string(name));
    for (const auto& [from, to] : known) {
      const float value = std::bit_cast<float>(from);
      Bf16 rounded{};
      kernels.from_float(1, &value, &rounded);
      CHECK(static_cast<std::uint32_t>(rounded) == to);
    }
    const float nan = std::bit_cast<float>(0x7FC00000U);
    Bf16 rounded{};
    kernels.from_float(1, &nan, &rounded);
    CHECK(std::isnan(as_float(rounded)));
  }
}

}  // namespace cnnc

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cnn/dropout.hpp"
#include "cpu/pointwise.hpp"

namespace cnnc {
namespace {

constexpr std::size_t kElements = 20'000;

std::vector<double> kept(const DropoutMask& mask, std::uint32_t image) {
  std::vector<double> result;
  for (std::size_t e = 0; e < kElements; ++e) result.push_back(mask.factor(image, e) != 0 ? 1 : 0);
  return result;
}

/// Correlation of two series of 0 and 1; of independent ones its deviation is 1 / sqrt(kElements) = 0.007.
double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double sums[5] = {};
  for (std::size_t i = 0; i < x.size(); ++i) {
    sums[0] += x[i];
    sums[1] += y[i];
    sums[2] += x[i] * x[i];
    sums[3] += y[i] * y[i];
    sums[4] += x[i] * y[i];
  }
  const auto n = static_cast<double>(x.size());
  return (sums[4] - sums[0] * sums[1] / n) /
         std::sqrt((sums[2] - sums[0] * sums[0] / n) * (sums[3] - sums[1] * sums[1] / n));
}

}  // namespace

TEST_CASE("dropout keeps the mean, and drops at its rate") {
  for (const float rate : {0.0F, 0.1F, 0.25F, 0.5F, 0.9F}) {
    CAPTURE(rate);
    const DropoutMask mask({7, 3}, 2, rate);
    double sum = 0;
    double zeros = 0;
    for (std::uint32_t image = 0; image < 3; ++image) {
      for (std::size_t e = 0; e < kElements; ++e) {
        const float factor = mask.factor(image, e);
        const bool expected_value = factor == 0 || std::abs(factor - 1 / (1 - rate)) < 1e-4 * factor;
        if (!expected_value) FAIL_CHECK(factor);
        sum += factor;
        zeros += factor == 0 ? 1 : 0;
      }
    }
    const double all = 3 * kElements;
    // Five deviations of a binomial share.
    const double share_error = 5 * std::sqrt(rate * (1 - rate) / all);
    CHECK(std::abs(zeros / all - rate) < share_error + 1e-5);
    CHECK(std::abs(sum / all - 1) < share_error / (1 - rate) + 1e-4);
  }
}

TEST_CASE("masks of different layers, images, steps and seeds are independent") {
  const auto reference = kept(DropoutMask({5, 9}, 3, 0.5F), 0);
  CHECK(kept(DropoutMask({5, 9}, 3, 0.5F), 0) == reference);
  const std::vector<std::vector<double>> others{
      kept(DropoutMask({5, 9}, 4, 0.5F), 0),          kept(DropoutMask({5, 9}, 3, 0.5F), 1),
      kept(DropoutMask({5, 10}, 3, 0.5F), 0),         kept(DropoutMask({6, 9}, 3, 0.5F), 0),
      kept(DropoutMask({5ULL << 32 | 5, 9}, 3, 0.5F), 0), kept(DropoutMask({5, 9}, 3 + 256, 0.5F), 0),
      kept(DropoutMask({5, 9 + (1U << 24)}, 3, 0.5F), 0),
  };
  for (std::size_t i = 0; i < others.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(correlation(reference, others[i])) < 0.04);
  }
}

TEST_CASE("no two masks share their random numbers, however many steps and layers there are") {
  // Step and layer once were exclusive-or'ed into one word: layer 1 in step 0 was layer 0 in step 2^24.
  const auto counter = [](std::uint32_t step, std::uint32_t layer) {
    return DropoutMask({0, step}, layer, 0.5F).block_counter(0, 0);
  };
  std::vector<RandomWords> all;
  for (const std::uint32_t step : {0U, 1U, 255U, 256U, 1U << 24, 2U << 24, 1U << 31, ~0U}) {
    for (const std::uint32_t layer : {0U, 1U, 2U, 128U, 255U, 256U, 257U, 512U}) all.push_back(counter(step, layer));
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("a rate just below 1 keeps its factor finite") {
  const DropoutMask mask({1, 1}, 0, 0.9999999F);
  CHECK(std::isfinite(mask.kept_factor()));
}

TEST_CASE("masks are the same on every instruction set") {
  for (const auto& [name, kernels] : all_pointwise_kernels<float>()) {
    CAPTURE(std::string(name));
    // Sizes around blocks of 8 elements and lanes of 128.
    for (const std::size_t count : {1UL, 7UL, 8UL, 127UL, 128UL, 129UL, 1000UL}) {
      for (const std::uint32_t image : {0U, 77U}) {
        const DropoutMask mask({0x123456789ABCULL, 70'000}, 6, 0.3F);
        std::vector<std::uint8_t> keep(count + 1, 9);
        kernels.fill_mask(mask, image, count, keep.data());
        for (std::size_t e = 0; e < count; ++e) CHECK((keep[e] != 0) == (mask.factor(image, e) != 0));
        CHECK(keep[count] == 9);
      }
    }
  }
}

}  // namespace cnnc

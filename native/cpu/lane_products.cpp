#include "cpu/lane_products.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/clones.hpp"

namespace cnnc {
namespace {

/// Streamed numbers that are made float64 in one go, so that each is a plain load afterwards.
constexpr std::size_t kAtATime = 64;
constexpr std::size_t kWidth = 8;
constexpr std::size_t kVectors = kProductLanes / kWidth;

}  // namespace

// This file is compiled with contraction: where products are exact, a fused multiply-add rounds as the two do.
CNNC_CLONES void add_lane_products(const std::uint32_t* cells, const float* numbers, std::size_t count,
                                   std::uint32_t first_cell, const double* lanes, double* sums) noexcept {
  // Vectors of the compiler's own kind: left to itself it shuffles more than it multiplies.
  using Vector [[gnu::vector_size(kWidth * sizeof(double))]] = double;
  Vector sum[kVectors];
  std::memcpy(sum, sums, sizeof sum);
  std::array<double, kAtATime> factors;
  for (std::size_t from = 0; from < count; from += kAtATime) {
    const std::size_t size = std::min(kAtATime, count - from);
    for (std::size_t i = 0; i < size; ++i) factors[i] = numbers[from + i];
    for (std::size_t i = 0; i < size; ++i) {
      const double* row = lanes + std::size_t{cells[from + i] - first_cell} * kProductLanes;
      for (std::size_t v = 0; v < kVectors; ++v) {
        Vector values;
        std::memcpy(&values, row + v * kWidth, sizeof values);
        sum[v] += factors[i] * values;
      }
    }
  }
  std::memcpy(sums, sum, sizeof sum);
}

}  // namespace cnnc

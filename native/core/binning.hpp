#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace cnnc {

/// Bins per axis of every histogram.
inline constexpr int kBins = 32;
/// Counts of one 32 x 32 histogram.
inline constexpr int kImage = kBins * kBins;

/// What the matrix holds.
enum class Scale : std::uint8_t {
  counts,  ///< x = value / cell total * 10000
  linear,  ///< x = value
  log1p,   ///< x = base^value - 1
};

/// What is binned, of the linear expression x, in float64.
enum class Transform : std::uint8_t {
  log10,  ///< log10(x + 0.01), as CNNC does
  log1p,  ///< ln(1 + x)
  none,   ///< x
};

/// t(x), with the C library's logarithm.
[[nodiscard]] double transform_value(Transform transform, double x) noexcept;

/// The 33 bin edges that numpy.histogram2d(..., bins=32) uses for values in [minimum, maximum]:
/// numpy.linspace(minimum, maximum, 33), or over [v - 0.5, v + 0.5] when both are v.
/// \pre minimum <= maximum, both finite.
[[nodiscard]] std::array<double, kBins + 1> numpy_edges(double minimum, double maximum) noexcept;

/// The bin of a transformed value within its own edges, as numpy decides it: bins are closed on the
/// left, the last one on both sides. \pre edges.front() <= value <= edges.back()
[[nodiscard]] int numpy_bin(std::span<const double, kBins + 1> edges, double value) noexcept;

/// Bins linear expression without taking a logarithm per value.
///
/// The edges are carried back through the transform and rounded to float32 (128 bytes, so that the rules
/// of thousands of genes stay in cache), and x is compared with those. What rounding does on the way is
/// below 2e-7 (relative); a value closer than 1e-6 to an edge is decided by numpy_bin on the transformed
/// value instead, so the result is always numpy's.
class BinRule {
 public:
  BinRule() = default;
  /// \pre `edges` come from numpy_edges over t(x), t is non-decreasing, and `edges` outlives the rule.
  BinRule(Transform transform, const std::array<double, kBins + 1>& edges) noexcept;

  /// \pre t(x) is within the edges.
  [[nodiscard]] int operator()(double x) const noexcept {
    const float key = to_float(transform_ == Transform::log10 ? x + 0.01 : x);
    // Binary search for the number of inner edges at or below the key.
    const float* base = inner_.data();
    for (int half = kBins / 2; half > 0; half /= 2) base += key >= base[half - 1] ? half : 0;
    const auto bin = static_cast<int>(base - inner_.data());
    if (near(key, bin) || (bin > 0 && near(key, bin - 1))) {
      return numpy_bin(*edges_, transform_value(transform_, x));
    }
    return bin;
  }

 private:
  /// Values beyond float32's range become its largest, which is near the last edge and so decided exactly.
  [[nodiscard]] static float to_float(double value) noexcept {
    constexpr double kLargest = std::numeric_limits<float>::max();
    return static_cast<float>(std::clamp(value, -kLargest, kLargest));
  }

  [[nodiscard]] bool near(float key, int edge) const noexcept {
    const float limit = inner_[static_cast<std::size_t>(edge)];
    return std::abs(key - limit) <= 1e-6F * std::abs(limit);
  }

  /// inner_[i] is edge i + 1 before the transform; the last entry is above all others.
  std::array<float, kBins> inner_{};
  const std::array<double, kBins + 1>* edges_ = nullptr;
  Transform transform_ = Transform::none;
};

}  // namespace cnnc

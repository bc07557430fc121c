#pragma once

#include <array>
#include <cstdint>
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
/// The edges are carried back through the transform, and x is compared with those. Rounding on the
/// way is below 1e-14 (relative); a value closer than 1e-12 to an edge is decided by numpy_bin on the
/// transformed value instead, so the result is always numpy's.
class BinRule {
 public:
  BinRule() = default;
  /// \pre t is non-decreasing and the edges come from numpy_edges over t(x).
  BinRule(Transform transform, std::span<const double, kBins + 1> edges) noexcept;

  [[nodiscard]] int operator()(double x) const noexcept {
    const double key = transform_ == Transform::log10 ? x + 0.01 : x;
    // Binary search for the number of inner edges at or below the key.
    const double* base = inner_.data();
    for (int half = kBins / 2; half > 0; half /= 2) base += key >= base[half - 1] ? half : 0;
    const auto bin = static_cast<int>(base - inner_.data());
    if (transform_ != Transform::none && (near(key, bin) || (bin > 0 && near(key, bin - 1)))) {
      return numpy_bin(edges_, transform_value(transform_, x));
    }
    return bin;
  }

 private:
  [[nodiscard]] bool near(double key, int edge) const noexcept {
    const double limit = inner_[static_cast<std::size_t>(edge)];
    const double distance = key > limit ? key - limit : limit - key;
    return distance <= 1e-12 * (limit < 0 ? -limit : limit);
  }

  /// inner_[i] is edge i + 1 before the transform; the last entry is above every key.
  std::array<double, kBins> inner_{};
  std::array<double, kBins + 1> edges_{};
  Transform transform_ = Transform::none;
};

}  // namespace cnnc

#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "core/host_device.hpp"

// The formulas of ImageKind for one value, shared by all devices. Without contraction they give the same bits on all.

namespace cnnc {

/// 0.5 (joint - expected) / sqrt(expected + 1 / N), clipped to [-3, 3].
[[gnu::always_inline]] CNNC_HOST_DEVICE inline float residual_value(float joint, float expected, float one_cell) {
  const float value = 0.5F * (joint - expected) / std::sqrt(expected + one_cell);
  const float above = value < -3.0F ? -3.0F : value;
  return above > 3.0F ? 3.0F : above;
}

/// log10 of a normal positive number, to about 1e-7: the exponent, and an odd series in (m - 1) / (m + 1) for the
/// rest, m within sqrt(2) of 1.
[[gnu::always_inline]] CNNC_HOST_DEVICE inline float fast_log10(float x) {
  constexpr std::uint32_t kRootHalf = 0x3F3504F3;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x) - kRootHalf;
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(bits) >> 23);
  const float m = std::bit_cast<float>((bits & 0x7FFFFF) + kRootHalf);
  const float s = (m - 1) / (m + 1);
  const float s2 = s * s;
  const float series = s * (2 + s2 * (2.0F / 3 + s2 * (2.0F / 5 + s2 * (2.0F / 7 + s2 * (2.0F / 9)))));
  return exponent * 0.30103000F + series * 0.43429448F;
}

/// (log10(expected + 1e-4) + 4) / 4
[[gnu::always_inline]] CNNC_HOST_DEVICE inline float margins_value(float expected) {
  return (fast_log10(expected + 1e-4F) + 4) / 4;
}

}  // namespace cnnc

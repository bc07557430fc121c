#pragma once

#include <bit>
#include <cstdint>

#include "core/host_device.hpp"

namespace cnnc {

/// bfloat16: the upper half of a float32.
enum class Bf16 : std::uint16_t {};

[[nodiscard]] CNNC_HOST_DEVICE constexpr float float_of(Bf16 value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// The nearest, and of two the even one. A NaN becomes some value.
[[nodiscard]] CNNC_HOST_DEVICE constexpr Bf16 bf16_of(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<Bf16>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

}  // namespace cnnc

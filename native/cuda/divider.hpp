#pragma once

#include <cstdint>

#include "core/host_device.hpp"

namespace cnnc::gpu {

/// Division by a number known before a kernel starts, without a division instruction: n / d = n ceil(2^32 / d) / 2^32,
/// rounded down. Exact while n d < 2^32.
class Divider {
 public:
  Divider() = default;
  explicit constexpr Divider(std::uint32_t divisor)
      : divisor_(divisor), factor_(((std::uint64_t{1} << 32) + divisor - 1) / divisor) {}

  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t quotient(std::uint32_t number) const noexcept {
    return static_cast<std::uint32_t>((number * factor_) >> 32);
  }
  [[nodiscard]] CNNC_HOST_DEVICE constexpr std::uint32_t remainder(std::uint32_t number) const noexcept {
    return number - quotient(number) * divisor_;
  }

 private:
  std::uint32_t divisor_ = 1;
  std::uint64_t factor_ = std::uint64_t{1} << 32;
};

}  // namespace cnnc::gpu

#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/host_device.hpp"
#include "core/random.hpp"

namespace cnnc {

/// Names the dropout masks of one training step.
struct DropoutKey {
  std::uint64_t seed;
  std::uint32_t step;
};

/// Mask of one dropout layer in one step: a pure function of image and element, so it does not depend on how a
/// batch is cut or on threads. Element e of an image takes 16 random bits: half e % 2 of word (e % 8) / 2 of the
/// Philox block e / 8.
class DropoutMask {
 public:
  static constexpr std::size_t kPerBlock = 8;

  DropoutMask(const DropoutKey& key, std::uint32_t layer, float rate)
      : key_(key),
        layer_(layer),
        dropped_(std::min(65535U, static_cast<std::uint32_t>(std::lround(rate * 65536.0F)))) {}

  /// Philox counter of the random bits of elements 8 block ... 8 block + 7; its first word counts blocks.
  [[nodiscard]] CNNC_HOST_DEVICE RandomWords block_counter(std::uint32_t image, std::uint32_t block) const noexcept {
    RandomWords counter =
        random_counter(Purpose::dropout, block, image, (layer_ & 0xFF) << 24 | (key_.step & 0xFFFFFF));
    // Purposes take a byte: the rest has room for the bits of step and layer that are left over.
    counter[3] |= (key_.step >> 24) << 8 | (layer_ >> 8) << 16;
    return counter;
  }
  [[nodiscard]] CNNC_HOST_DEVICE PhiloxKey philox_key() const noexcept { return random_key(key_.seed); }

  /// What a value is multiplied with: 0, or 1 / (1 - rate), so that the mean stays.
  [[nodiscard]] CNNC_HOST_DEVICE float factor(std::uint32_t image, std::size_t element) const noexcept {
    const RandomWords words =
        philox4x32(block_counter(image, static_cast<std::uint32_t>(element / kPerBlock)), philox_key());
    const std::uint32_t word = words[(element % kPerBlock) / 2];
    return factor_of(element % 2 == 0 ? word & 0xFFFF : word >> 16);
  }

  [[nodiscard]] CNNC_HOST_DEVICE float factor_of(std::uint32_t bits16) const noexcept {
    return bits16 < dropped_ ? 0 : kept_factor();
  }
  [[nodiscard]] CNNC_HOST_DEVICE float kept_factor() const noexcept {
    return 65536.0F / (65536.0F - static_cast<float>(dropped_));
  }
  [[nodiscard]] CNNC_HOST_DEVICE std::uint32_t dropped() const noexcept { return dropped_; }

 private:
  DropoutKey key_;
  std::uint32_t layer_;
  std::uint32_t dropped_;  ///< of 65,536
};

}  // namespace cnnc

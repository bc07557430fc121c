#include "core/checksum.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace cnnc {
namespace {

/// Independent sums, so that one multiplication need not wait for another.
constexpr std::size_t kLanes = 8;
constexpr std::size_t kStripe = kLanes * sizeof(std::uint64_t);
/// Odd, so that multiplying loses nothing; 2^64 divided by the golden ratio.
constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;

/// One to one: two different arguments never give the same.
constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value *= kFactor;
  return value ^ (value >> 32);
}

using Lanes = std::array<std::uint64_t, kLanes>;

void add(Lanes& lanes, const std::byte* stripe) noexcept {
  Lanes words;
  std::memcpy(words.data(), stripe, kStripe);
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = mix(lanes[lane] ^ words[lane]);
}

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers");
  Lanes lanes;
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = mix(lane + 1);
  const std::size_t whole = bytes.size() / kStripe * kStripe;
  for (std::size_t at = 0; at < whole; at += kStripe) add(lanes, bytes.data() + at);
  if (whole < bytes.size()) {
    std::array<std::byte, kStripe> rest{};
    std::memcpy(rest.data(), bytes.data() + whole, bytes.size() - whole);
    add(lanes, rest.data());
  }
  std::uint64_t sum = mix(bytes.size());  // zeros at the end count too
  for (const std::uint64_t lane : lanes) sum = mix(sum ^ lane);
  return sum;
}

}  // namespace cnnc

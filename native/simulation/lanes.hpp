#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/random.hpp"

namespace cnnc {

/// Cells that are simulated side by side, in the lanes of vector registers.
inline constexpr unsigned kCellLanes = 16;

/// One value for each of kCellLanes consecutive cells.
using CellLanes = std::array<float, kCellLanes>;

/// One random word for each of the cells first_cell .. first_cell + kCellLanes - 1.
/// \pre first_cell is a multiple of kCellLanes and below 2^34, so that a quarter of it fits in a word.
[[nodiscard]] inline std::array<std::uint32_t, kCellLanes> lane_words(std::uint64_t seed, Purpose purpose,
                                                                  std::uint64_t first_cell,
                                                                  std::uint32_t gene,
                                                                  std::uint32_t event) noexcept {
  std::array<std::uint32_t, kCellLanes> words{};
  for (unsigned lane = 0; lane < kCellLanes; lane += 4) {
    const auto position = static_cast<std::uint32_t>((first_cell + lane) / 4);
    std::ranges::copy(random_words(seed, purpose, position, gene, event), words.begin() + lane);
  }
  return words;
}

}  // namespace cnnc

#pragma once

#include <cstddef>
#include <cstdint>

namespace cnnc {

/// Columns whose products with one other are summed together.
inline constexpr std::uint32_t kProductLanes = 32;

/// For each lane l, adds numbers[i] * lanes[(cells[i] - first_cell) * kProductLanes + l] to sums[l], for i = 0, 1, ...
///
/// Products of two float32 are exact in float64 and one of 0 changes no sum, so a sum over ascending cells has the
/// same bits whichever of the two columns is streamed, and on any processor.
///
/// \param lanes float32 numbers, kept in float64 to be multiplied as they are
void add_lane_products(const std::uint32_t* cells, const float* numbers, std::size_t count, std::uint32_t first_cell,
                       const double* lanes, double* sums) noexcept;

}  // namespace cnnc

#include "simulation/capture.hpp"

#include <array>
#include <cmath>

#include "core/random.hpp"

namespace cnnc {
namespace {

/// Standard deviation of the natural logarithm of molecules_per_unit.
constexpr double kExpressionSigma = 1.2;

}  // namespace

std::vector<float> draw_molecules_per_unit(std::uint32_t genes, std::uint64_t seed) {
  RandomSequence random(seed, Purpose::transcripts);
  std::vector<float> molecules(genes);
  for (float& value : molecules) value = static_cast<float>(std::exp(kExpressionSigma * random.normal()));
  return molecules;
}

double library_size(const Capture& capture, std::uint64_t seed, std::uint64_t cell) {
  const auto words = random_words(seed, Purpose::library_size, static_cast<std::uint32_t>(cell));
  const double sigma = capture.library_size_sigma;
  return capture.mean_umis_per_cell * std::exp(sigma * normal(words[0], words[1]) - sigma * sigma / 2);
}

void capture_molecules(const Capture& capture, std::uint64_t seed, std::uint64_t first_cell,
                       std::span<const CellLanes> concentration, std::span<CellCounts, kCellLanes> cells) {
  std::array<double, kCellLanes> transcripts{};
  for (std::size_t gene = 0; gene < concentration.size(); ++gene) {
    const double unit = capture.molecules_per_unit[gene];
    for (unsigned i = 0; i < kCellLanes; ++i) transcripts[i] += unit * double{concentration[gene][i]};
  }
  std::array<double, kCellLanes> captured{};  // share of a cell's transcripts that is counted
  for (unsigned i = 0; i < kCellLanes; ++i) {
    cells[i].genes.clear();
    cells[i].counts.clear();
    if (transcripts[i] > 0) captured[i] = library_size(capture, seed, first_cell + i) / transcripts[i];
  }
  for (std::uint32_t gene = 0; gene < concentration.size(); ++gene) {
    const double unit = capture.molecules_per_unit[gene];
    const auto words = lane_words(seed, Purpose::molecules, first_cell, gene, 0);
    for (unsigned i = 0; i < kCellLanes; ++i) {
      std::uint32_t piece = 0;
      const auto count = poisson(captured[i] * (unit * double{concentration[gene][i]}), [&] {
        const auto used = piece++;
        return used == 0 ? words[i] : lane_words(seed, Purpose::molecules, first_cell, gene, used)[i];
      });
      if (count > 0) {
        cells[i].genes.push_back(static_cast<std::int32_t>(gene));
        cells[i].counts.push_back(static_cast<std::int32_t>(count));
      }
    }
  }
}

}  // namespace cnnc

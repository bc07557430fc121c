#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cnn/image.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "test/errors.hpp"

namespace cnnc {
namespace {

/// Histograms of `cells` cells: most in a few bins, as expression is.
std::vector<std::uint32_t> random_histograms(std::size_t count, std::uint32_t cells, std::uint64_t seed) {
  RandomSequence random(seed, Purpose::network);
  std::vector<std::uint32_t> all(count * kImage);
  for (std::size_t n = 0; n < count; ++n) {
    std::uint32_t left = cells;
    for (int i = 0; i < 300 && left > 0; ++i) {
      const std::uint32_t here = std::min(left, 1 + random.below(cells / 30 + 1));
      const std::uint32_t bin = random.below(kBins) * random.below(kBins) / kBins * kBins + random.below(kBins);
      all[n * kImage + (random.chance(0.3) ? 0 : bin)] += here;
      left -= here;
    }
    all[n * kImage] += left;
  }
  return all;
}

/// The definitions of image.hpp in float64.
double defined(ImageKind kind, const std::uint32_t* counts, double cells, std::size_t row, std::size_t column) {
  const double joint = counts[row * kBins + column] / cells;
  double of_a = 0;
  double of_b = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    of_a += counts[i * kBins + column] / cells;
    of_b += counts[row * kBins + i] / cells;
  }
  const double expected = of_a * of_b;
  switch (kind) {
    case ImageKind::nepdf: return (std::log10(joint + 1e-4) + 4) / 4;
    case ImageKind::residual:
      return std::clamp(0.5 * (joint - expected) / std::sqrt(expected + 1 / cells), -3.0, 3.0);
    case ImageKind::margins: return (std::log10(expected + 1e-4) + 4) / 4;
  }
  return 0;
}

/// Largest difference to the definitions over all images, in both orders.
double worst_difference(const Counts& counts, const std::vector<std::uint32_t>& histograms, std::uint32_t cells,
                        const std::vector<ImageKind>& kinds) {
  const ImageMaker maker(kinds, cells);
  std::vector<float> image(kImage * kinds.size());
  double worst = 0;
  for (std::size_t n = 0; n < histograms.size() / kImage; ++n) {
    for (const bool swapped : {false, true}) {
      maker.make(counts, n, swapped, image.data());
      for (std::size_t i = 0; i < image.size(); ++i) {
        const std::size_t row = i / kinds.size() / kBins;
        const std::size_t column = i / kinds.size() % kBins;
        const double expected = defined(kinds[i % kinds.size()], histograms.data() + n * kImage, cells,
                                        swapped ? column : row, swapped ? row : column);
        worst = test::larger_error(worst, std::abs(image[i] - expected));
      }
    }
  }
  return worst;
}

template <class Count>
std::vector<Count> narrowed(const std::vector<std::uint32_t>& counts) {
  std::vector<Count> result;
  for (const std::uint32_t count : counts) result.push_back(static_cast<Count>(count));
  return result;
}

const std::vector<std::vector<ImageKind>> kKinds{
    {ImageKind::nepdf},
    {ImageKind::residual},
    {ImageKind::margins},
    {ImageKind::residual, ImageKind::margins},
    {ImageKind::margins, ImageKind::nepdf, ImageKind::residual},
};

}  // namespace

TEST_CASE("images are as defined, for every type of count and either order") {
  for (const auto& kinds : kKinds) {
    CAPTURE(kinds.size());
    for (const std::uint32_t cells : {1U, 255U}) {
      const auto histograms = random_histograms(4, cells, cells);
      const auto bytes = narrowed<std::uint8_t>(histograms);
      CHECK(worst_difference(std::span<const std::uint8_t>(bytes), histograms, cells, kinds) < 1e-6);
    }
    const auto medium = random_histograms(4, 40'000, 3);
    const auto words = narrowed<std::uint16_t>(medium);
    CHECK(worst_difference(std::span<const std::uint16_t>(words), medium, 40'000, kinds) < 1e-6);
    for (const std::uint32_t cells : {70'001U, 4'000'000U, std::numeric_limits<std::uint32_t>::max()}) {
      const auto large = random_histograms(4, cells, 4);
      CHECK(worst_difference(std::span<const std::uint32_t>(large), large, cells, kinds) < 1e-6);
    }
  }
}

TEST_CASE("the image of a swapped pair is that of the transposed histogram, bit for bit") {
  const auto counts = random_histograms(1, 5'000, 9);
  std::vector<std::uint32_t> transposed(kImage);
  for (std::size_t i = 0; i < kImage; ++i) transposed[i % kBins * kBins + i / kBins] = counts[i];
  for (const auto& kinds : kKinds) {
    const ImageMaker maker(kinds, 5'000);
    std::vector<float> swapped(kImage * kinds.size());
    std::vector<float> given(kImage * kinds.size());
    maker.make(std::span<const std::uint32_t>(counts), 0, true, swapped.data());
    maker.make(std::span<const std::uint32_t>(transposed), 0, false, given.data());
    CHECK(swapped == given);
  }
}

TEST_CASE("all cells in one bin give a finite image") {
  std::vector<std::uint32_t> counts(kImage);
  counts[5] = 100;
  for (const auto& kinds : kKinds) {
    CHECK(worst_difference(std::span<const std::uint32_t>(counts), counts, 100, kinds) < 1e-6);
  }
}

TEST_CASE("an image of nothing is refused") {
  CHECK_THROWS_AS(ImageMaker({}, 10), Error);
  CHECK_THROWS_AS(ImageMaker({ImageKind::nepdf}, 0), Error);
}

}  // namespace cnnc

#include "cnn/image.hpp"

#include <algorithm>
#include <utility>

#include "cnn/image_values.hpp"
#include "core/clones.hpp"
#include "core/error.hpp"

namespace cnnc {
namespace {

constexpr std::size_t kSide = kBins;

/// A histogram as shares of the cells, with its margins.
struct Shares {
  alignas(64) float joint[kImage];  ///< [bin of b][bin of a]
  alignas(64) float rows[kSide];
  alignas(64) float columns[kSide];
};

template <class Count>
void read_counts(const Count* counts, bool swapped, std::uint32_t* out) {
  for (std::size_t row = 0; row < kSide; ++row) {
    for (std::size_t column = 0; column < kSide; ++column) {
      out[row * kSide + column] = swapped ? counts[column * kSide + row] : counts[row * kSide + column];
    }
  }
}

CNNC_CLONES void take_shares(const std::uint32_t* counts, float scale, Shares& shares) {
  std::uint32_t columns[kSide] = {};
  for (std::size_t row = 0; row < kSide; ++row) {
    std::uint32_t sum = 0;
    for (std::size_t column = 0; column < kSide; ++column) {
      const std::uint32_t count = counts[row * kSide + column];
      shares.joint[row * kSide + column] = static_cast<float>(count) * scale;
      columns[column] += count;
      sum += count;
    }
    shares.rows[row] = static_cast<float>(sum) * scale;
  }
  for (std::size_t column = 0; column < kSide; ++column) {
    shares.columns[column] = static_cast<float>(columns[column]) * scale;
  }
}

CNNC_CLONES void residual(const Shares& shares, float one_cell, float* out) {
  for (std::size_t row = 0; row < kSide; ++row) {
    for (std::size_t column = 0; column < kSide; ++column) {
      const float expected = shares.rows[row] * shares.columns[column];
      out[row * kSide + column] = residual_value(shares.joint[row * kSide + column], expected, one_cell);
    }
  }
}

CNNC_CLONES void margins(const Shares& shares, float* out) {
  for (std::size_t row = 0; row < kSide; ++row) {
    for (std::size_t column = 0; column < kSide; ++column) {
      out[row * kSide + column] = margins_value(shares.rows[row] * shares.columns[column]);
    }
  }
}

}  // namespace

ImageMaker::ImageMaker(std::vector<ImageKind> kinds, std::uint32_t cells)
    : kinds_(std::move(kinds)), cells_(cells), nepdf_(cells) {
  if (kinds_.empty() || cells == 0) throw Error("BAD_IMAGE", "an image needs a kind and cells");
}

void ImageMaker::make(const Counts& counts, std::size_t index, bool swapped, float* image) const {
  std::uint32_t histogram[kImage];
  std::visit([&](auto all) { read_counts(all.data() + index * kImage, swapped, histogram); }, counts);
  const float one_cell = 1.0F / static_cast<float>(cells_);
  Shares shares;
  if (kinds_.size() > 1 || kinds_[0] != ImageKind::nepdf) take_shares(histogram, one_cell, shares);
  float channel[kImage];
  for (std::size_t k = 0; k < kinds_.size(); ++k) {
    float* const out = kinds_.size() == 1 ? image : channel;
    switch (kinds_[k]) {
      case ImageKind::nepdf: std::transform(histogram, histogram + kImage, out, nepdf_); break;
      case ImageKind::residual: residual(shares, one_cell, out); break;
      case ImageKind::margins: margins(shares, out); break;
    }
    for (std::size_t i = 0; kinds_.size() > 1 && i < kImage; ++i) image[i * kinds_.size() + k] = channel[i];
  }
}

}  // namespace cnnc

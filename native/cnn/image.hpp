#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "core/binning.hpp"
#include "core/nepdf.hpp"

namespace cnnc {

/// What one channel of a network's input shows of a histogram H of N cells with margins p (of a) and q (of b):
///
/// - nepdf: (log10(H / N + 1e-4) + 4) / 4, CNNC's own
/// - residual: 0.5 (H / N - Q) / sqrt(Q + 1 / N), clipped to [-3, 3], with Q the product of the margins: what is
///   left when independence is taken away
/// - margins: (log10(Q + 1e-4) + 4) / 4: independence itself
enum class ImageKind : std::uint8_t { nepdf, residual, margins };

/// Histograms, 32 x 32 counts each, as build_histograms gives them.
using Counts = std::variant<std::span<const std::uint8_t>, std::span<const std::uint16_t>,
                            std::span<const std::uint32_t>>;

/// Turns histograms into a network's input.
class ImageMaker {
 public:
  /// @throws Error BAD_IMAGE for no kinds or no cells
  ImageMaker(std::vector<ImageKind> kinds, std::uint32_t cells);

  [[nodiscard]] std::size_t channels() const noexcept { return kinds_.size(); }

  /// Fills `image`, 32 x 32 x channels (row = bin of b), with histogram `index` of `counts`, or with that of the
  /// swapped pair. Same bits on every processor.
  void make(const Counts& counts, std::size_t index, bool swapped, float* image) const;

 private:
  std::vector<ImageKind> kinds_;
  std::uint32_t cells_;
  NepdfTable nepdf_;
};

}  // namespace cnnc

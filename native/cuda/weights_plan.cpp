#include "cuda/weights_plan.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "cuda/product_plan.hpp"

namespace cnnc::gpu {
namespace {

/// Shared memory that leaves room for two blocks on a multiprocessor.
constexpr std::size_t kModestBytes = 80 * 1024;
/// Pixels of a chunk that are worth waiting for: of a convolution, which gets much out of each, and of a dense layer.
constexpr std::uint32_t kEnoughPixels = 128;
constexpr std::uint32_t kEnoughVectors = 32;
/// Blocks that fill a GPU.
constexpr std::uint32_t kEnoughBlocks = 264;

constexpr std::uint32_t cut(std::uint32_t all, std::uint32_t size) { return (all + size - 1) / size; }

/// The next number of words from pixel to pixel for which eight neighbouring pixels lie in different banks.
constexpr std::uint32_t spaced(std::uint32_t words) { return words + (4 + 8 - words % 8) % 8; }

std::uint32_t row_tiles_of(std::uint32_t tiles) {
  for (const std::uint32_t fitting : {1U, 3U, 5U}) {
    if (tiles <= fitting) return fitting;
  }
  return 9;
}

/// A piece of a pixel's channels under a tap.
struct Piece {
  std::uint32_t tap;
  std::uint32_t piece;
};

/// The pieces whose channels make the rows, in order: as many channels as a tensor-core product has rows, under all
/// taps, then the next ones.
template <class T>
std::vector<Piece> pieces_of(const WeightShape& shape) {
  const std::uint32_t pieces = cut(shape.in.stored(), kPieceValues<T>);
  std::vector<Piece> all;
  for (std::uint32_t group = 0; group < pieces; group += kTilePieces<T>) {
    for (std::uint32_t tap = 0; tap < shape.kernel * shape.kernel; ++tap) {
      for (std::uint32_t piece = group; piece < std::min(pieces, group + kTilePieces<T>); ++piece) {
        all.push_back({tap, piece});
      }
    }
  }
  return all;
}

/// Without the rows that a chunk has of each image.
template <class T>
WeightTile cut_sums(const WeightShape& shape, const std::vector<Piece>& pieces) {
  WeightTile tile{};
  const auto tiles = cut(static_cast<std::uint32_t>(pieces.size()), kTilePieces<T>);
  tile.row_tiles = row_tiles_of(tiles);
  const std::uint32_t rows = cut(tiles, tile.row_tiles);
  const std::uint32_t filters = cut(shape.out.stored(), kWarpFilters);
  tile.row_warps = std::min(rows, 2U);
  tile.filter_warps = std::min(filters, 2U);
  tile.row_blocks = cut(rows, tile.row_warps);
  tile.filter_blocks = cut(filters, tile.filter_warps);
  tile.d_words = spaced(tile.filter_warps * kWarpFilters * static_cast<std::uint32_t>(sizeof(T)) / 4);
  return tile;
}

template <class T>
std::size_t bytes_of(const WeightTile& tile) {
  const std::size_t chunk = tile.patch_words() + std::size_t{tile.steps} * kStepPixels<T> * tile.d_words;
  const std::size_t sums = tile.pixel_warps() == 1 ? 0
                                                   : std::size_t{tile.row_warps} * tile.filter_warps *
                                                         tile.row_tiles * kTileRows * kWarpFilters;
  return std::max(chunk, sums) * 4;
}

/// Fills in what a chunk has.
template <class T>
void cut_chunks(const WeightShape& shape, std::size_t shared_bytes, WeightTile& tile) {
  const auto with = [&](std::uint32_t images, std::uint32_t bands) {
    tile.images = images;
    tile.bands = bands;
    tile.rows = cut(shape.out.height, bands);
    tile.patch_height = tile.rows + shape.kernel - 1;
    tile.patch_width = shape.out.width + shape.kernel - 1;
    tile.steps = cut(images * tile.rows * shape.out.width, kStepPixels<T>);
    return bytes_of<T>(tile);
  };
  const std::size_t modest = std::min(kModestBytes, shared_bytes);
  std::uint32_t bands = 1;
  while (with(1, bands) > modest && bands < shape.out.height) ++bands;
  if (with(1, bands) > shared_bytes) {
    throw Error("GPU_UNAVAILABLE", "The GPU has too little shared memory to train a layer of this network.");
  }
  const std::uint32_t enough = shape.kernel == 1 ? kEnoughVectors : kEnoughPixels;
  const std::uint32_t pixels = shape.out.height * shape.out.width;
  std::uint32_t images = 1;
  while (bands == 1 && images * pixels < enough && with(images + 1, 1) <= modest) ++images;
  with(images, bands);
}

template <class T>
void place_pieces(const std::vector<Piece>& pieces, WeightPlan<T>& plan) {
  WeightTile& tile = plan.tile;
  const std::size_t per_block = std::size_t{tile.row_warps} * tile.row_tiles * kTilePieces<T>;
  for (std::size_t first = 0; first < tile.row_blocks * per_block; first += per_block) {
    const auto begin = pieces.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = pieces.begin() + static_cast<std::ptrdiff_t>(std::min(first + per_block, pieces.size()));
    const auto [least, most] = std::minmax_element(begin, end, [](auto& a, auto& b) { return a.piece < b.piece; });
    plan.windows.push_back(least->piece);
    tile.in_pieces = std::max(tile.in_pieces, most->piece - least->piece + 1);
  }
  tile.in_words = spaced(tile.in_pieces * kPieceWords);
}

template <class T>
void place_offsets(const std::vector<Piece>& pieces, WeightPlan<T>& plan) {
  const WeightTile& tile = plan.tile;
  const std::uint32_t per_block = tile.row_warps * tile.row_tiles * kTilePieces<T>;
  for (std::uint32_t i = 0; i < tile.row_blocks * per_block; ++i) {
    if (i >= pieces.size()) {  // rows that only pad
      plan.offsets.push_back(0);
      continue;
    }
    const auto [tap, piece] = pieces[i];
    const std::uint32_t pixel = tap / plan.shape.kernel * tile.patch_width + tap % plan.shape.kernel;
    plan.offsets.push_back(pixel * tile.in_words + (piece - plan.windows[i / per_block]) * kPieceWords);
  }
}

template <class T>
void place_weights(const std::vector<Piece>& pieces, const Layout& flattened, WeightPlan<T>& plan) {
  const WeightShape& shape = plan.shape;
  const std::uint32_t channels = true_channels(shape.in, flattened);
  plan.positions.resize(std::size_t{shape.kernel} * shape.kernel * channels * shape.out.channels);
  for (std::uint32_t i = 0; i < pieces.size(); ++i) {
    for (std::uint32_t value = 0; value < kPieceValues<T>; ++value) {
      const std::uint32_t channel = true_channel(pieces[i].piece * kPieceValues<T> + value, shape.in, flattened);
      if (channel == kNoWeight) continue;
      const std::size_t weight = (std::size_t{pieces[i].tap} * channels + channel) * shape.out.channels;
      for (std::uint32_t filter = 0; filter < shape.out.channels; ++filter) {
        plan.positions[weight + filter] = (i * kPieceValues<T> + value) * plan.tile.all_filters() + filter;
      }
    }
  }
}

/// Words that can be copied at once from pixels of so many values.
template <class T>
std::uint32_t copy_words(const Layout& layout) {
  const std::uint32_t words = layout.stored() * static_cast<std::uint32_t>(sizeof(T)) / 4;
  return words % 4 == 0 ? 4 : words % 2 == 0 ? 2 : 1;
}

}  // namespace

template <class T>
std::uint32_t WeightPlan<T>::parts(std::uint32_t images) const noexcept {
  return std::min(chunks(images), cut(kEnoughBlocks, tile.row_blocks * tile.filter_blocks));
}

template <class T>
std::size_t WeightPlan<T>::shared_bytes() const noexcept {
  return bytes_of<T>(tile);
}

template <class T>
WeightBatch<T> WeightPlan<T>::batch(std::uint32_t images) const noexcept {
  WeightBatch<T> batch{};
  batch.shape = shape;
  batch.tile = tile;
  batch.by_width = Divider(shape.out.width);
  batch.by_pixels = Divider(tile.rows * shape.out.width);
  batch.in_copy_words = copy_words<T>(shape.in);
  batch.d_copy_words = copy_words<T>(shape.out);
  batch.by_in_copies = Divider(tile.in_pieces * kPieceWords / batch.in_copy_words);
  batch.by_d_copies = Divider(tile.filter_warps * kWarpFilters * static_cast<std::uint32_t>(sizeof(T)) / 4 /
                              batch.d_copy_words);
  batch.images = images;
  batch.chunks = chunks(images);
  batch.parts = parts(images);
  return batch;
}

template <class T>
WeightPlan<T> plan_weights(const WeightShape& shape, const Layout& flattened, std::size_t shared_bytes) {
  const std::vector<Piece> pieces = pieces_of<T>(shape);
  WeightPlan<T> plan{shape, cut_sums<T>(shape, pieces), {}, {}, {}};
  place_pieces(pieces, plan);
  cut_chunks<T>(shape, shared_bytes, plan.tile);
  place_offsets(pieces, plan);
  place_weights(pieces, flattened, plan);
  return plan;
}

template struct WeightPlan<float>;
template struct WeightPlan<Bf16>;
template WeightPlan<float> plan_weights(const WeightShape&, const Layout&, std::size_t);
template WeightPlan<Bf16> plan_weights(const WeightShape&, const Layout&, std::size_t);

}  // namespace cnnc::gpu

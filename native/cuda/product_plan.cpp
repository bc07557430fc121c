#include "cuda/product_plan.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"

namespace cnnc::gpu {
namespace {

/// Sets of pixels times filters that keep the warps of a block busy.
constexpr std::uint32_t kEnoughItems = 2 * kProductWarps;
/// Shared memory that leaves room for several blocks on a multiprocessor.
constexpr std::size_t kModestBytes = 64 * 1024;

ProductCut cut_of(std::uint32_t filters) {
  if (filters <= 16) return ProductCut::narrow;
  return filters <= 32 ? ProductCut::medium : ProductCut::wide;
}

struct CutSize {
  std::uint32_t units;
  std::uint32_t tiles;
};

CutSize size_of(ProductCut cut) {
  CutSize size{};
  with_cut(cut, [&]<std::uint32_t kUnits, std::uint32_t kTiles>() { size = {kUnits, kTiles}; });
  return size;
}

/// Words from pixel to pixel for which neighbouring lanes, whose pixels are `pooled` apart, read different banks: 4, 12,
/// 20 or 28 words apart, modulo 32.
std::uint32_t spaced(std::uint32_t words, std::uint32_t pooled) {
  const std::uint32_t period = 8 / pooled;
  const std::uint32_t remainder = 4 / pooled;
  return words + (remainder + period - words % period) % period;
}

ProductTile tile_of(const ProductShape& shape, CutSize cut, std::uint32_t pixel_words, std::size_t shared_bytes) {
  const auto with = [&](std::uint32_t images, std::uint32_t bands) {
    ProductTile tile{};
    tile.images = images;
    tile.rows = (shape.out.height + bands - 1) / bands;
    tile.bands = bands;
    tile.patch_height = tile.rows * shape.pooled() + shape.kernel - 1;
    tile.patch_width = shape.out.width * shape.pooled() + shape.kernel - 1;
    tile.pixel_words = pixel_words;
    return tile;
  };
  const auto bytes = [](const ProductTile& tile) { return std::size_t{tile.patch_words()} * 4; };
  const std::size_t modest = std::min(kModestBytes, shared_bytes);
  std::uint32_t bands = 1;
  while (bytes(with(1, bands)) > modest && bands < shape.out.height) ++bands;
  if (bytes(with(1, bands)) > shared_bytes) {
    throw Error("GPU_UNAVAILABLE", "The GPU has too little shared memory for a layer of this network.");
  }
  const std::uint32_t set = cut.units * kUnitPixels / (shape.pooled() * shape.pooled());
  const std::uint32_t groups = (shape.out.stored() + cut.tiles * kTileFilters - 1) / (cut.tiles * kTileFilters);
  std::uint32_t images = 1;
  const auto items = [&] { return (images * shape.out.height * shape.out.width + set - 1) / set * groups; };
  while (bands == 1 && items() < kEnoughItems && bytes(with(images + 1, 1)) <= modest) ++images;
  ProductTile tile = with(images, bands);
  tile.groups = groups;
  return tile;
}

}  // namespace

template <class T>
std::uint32_t ProductPlan<T>::padded_filters() const noexcept {
  return tile.groups * size_of(cut).tiles * kTileFilters;
}

template <class T>
ProductBatch<T> ProductPlan<T>::batch(std::uint32_t images) const noexcept {
  ProductBatch<T> batch{};
  batch.shape = shape;
  batch.tile = tile;
  batch.by_width = Divider(shape.out.width);
  batch.by_pixels = Divider(tile.rows * shape.out.width);
  batch.by_copies = Divider(shape.in.stored() * static_cast<std::uint32_t>(sizeof(T)) / 4 / tile.copy_words);
  batch.images = images;
  return batch;
}

template <class T>
ProductPlan<T> plan_product(const ProductShape& shape, std::size_t shared_bytes) {
  ProductPlan<T> plan{shape, cut_of(shape.out.channels), {}, {}};
  const std::uint32_t channels = shape.in.stored();
  const auto words = channels * static_cast<std::uint32_t>(sizeof(T)) / 4;
  const std::uint32_t pixel_words = spaced(words, shape.pooled());
  plan.tile = tile_of(shape, size_of(plan.cut), pixel_words, shared_bytes);
  for (const std::uint32_t copy : {1U, 2U, 4U}) {
    if (words % copy == 0 && pixel_words % copy == 0) plan.tile.copy_words = copy;
  }
  const std::uint32_t inputs = shape.kernel * shape.kernel * channels;
  plan.tile.steps = (inputs + kStepInputs<T> - 1) / kStepInputs<T>;
  const auto offset_of = [&](std::uint32_t input) -> std::uint32_t {
    if (input >= inputs) return 0;  // its weight is 0
    const std::uint32_t tap = input / channels;
    const std::uint32_t pixel = tap / shape.kernel * plan.tile.patch_width + tap % shape.kernel;
    return pixel * pixel_words + input % channels * static_cast<std::uint32_t>(sizeof(T)) / 4;
  };
  for (std::uint32_t step = 0; step < plan.tile.steps; ++step) {
    if constexpr (std::is_same_v<T, float>) {
      plan.offsets.push_back(offset_of(step));
    } else {
      for (std::uint32_t q = 0; q < 4; ++q) {
        plan.offsets.push_back(offset_of(step * 16 + q * 2));
        plan.offsets.push_back(offset_of(step * 16 + q * 2 + 8));
      }
    }
  }
  return plan;
}

std::uint32_t true_channels(const Layout& in, const Layout& flattened) {
  return is_flattened(flattened) ? flattened.height * flattened.width * flattened.channels : in.channels;
}

std::uint32_t true_channel(std::uint32_t stored, const Layout& in, const Layout& flattened) {
  if (!is_flattened(flattened)) return stored < in.channels ? stored : kNoWeight;
  const std::uint32_t channel = stored % flattened.stored();
  const std::uint32_t pixel = stored / flattened.stored();
  if (channel >= flattened.channels || pixel >= flattened.height * flattened.width) return kNoWeight;
  return pixel * flattened.channels + channel;
}

namespace {

/// `weight(tap, channel, filter)` gives the weight that multiplies a stored channel under a tap.
template <class T, class Weight>
std::vector<std::uint32_t> order_of(const ProductPlan<T>& plan, Weight weight) {
  const std::uint32_t stored = plan.shape.in.stored();
  const std::uint32_t taps = plan.shape.kernel * plan.shape.kernel;
  const std::uint32_t filters = plan.padded_filters();
  std::vector<std::uint32_t> order;
  order.reserve(std::size_t{plan.tile.steps} * kStepInputs<T> * filters);
  const auto add = [&](std::uint32_t input, std::uint32_t filter) {
    const bool exists = input / stored < taps && filter < plan.shape.out.stored();
    order.push_back(exists ? weight(input / stored, input % stored, filter) : kNoWeight);
  };
  for (std::uint32_t step = 0; step < plan.tile.steps; ++step) {
    if constexpr (std::is_same_v<T, float>) {
      for (std::uint32_t filter = 0; filter < filters; ++filter) add(step, filter);
    } else {
      for (std::uint32_t tile = 0; tile < filters / kTileFilters; ++tile) {
        for (std::uint32_t lane = 0; lane < kWarp; ++lane) {
          for (std::uint32_t i = 0; i < 4; ++i) {
            add(step * 16 + lane % 4 * 2 + i / 2 * 8 + i % 2, tile * kTileFilters + lane / 4);
          }
        }
      }
    }
  }
  return order;
}

}  // namespace

template <class T>
std::vector<std::uint32_t> weight_order(const ProductPlan<T>& plan, const Layout& flattened) {
  const ProductShape& shape = plan.shape;
  const std::uint32_t channels = true_channels(shape.in, flattened);
  return order_of(plan, [&](std::uint32_t tap, std::uint32_t stored, std::uint32_t filter) {
    const std::uint32_t channel = true_channel(stored, shape.in, flattened);
    if (channel == kNoWeight || filter >= shape.out.channels) return kNoWeight;
    return (tap * channels + channel) * shape.out.channels + filter;
  });
}

template <class T>
std::vector<std::uint32_t> reversed_weight_order(const ProductPlan<T>& plan, const Layout& flattened) {
  const Layout& in = plan.shape.out;
  const Layout& out = plan.shape.in;
  const std::uint32_t channels = true_channels(in, flattened);
  const std::uint32_t last_tap = plan.shape.kernel * plan.shape.kernel - 1;
  return order_of(plan, [&](std::uint32_t tap, std::uint32_t filter, std::uint32_t stored) {
    const std::uint32_t channel = true_channel(stored, in, flattened);
    if (channel == kNoWeight || filter >= out.channels) return kNoWeight;
    return ((last_tap - tap) * channels + channel) * out.channels + filter;
  });
}

template <class T>
std::vector<WeightWord<T>> pack_weights(const ProductPlan<T>& plan, const Layout& flattened,
                                        std::span<const float> weights) {
  const std::vector<std::uint32_t> order = weight_order(plan, flattened);
  std::vector<WeightWord<T>> packed(order.size() * sizeof(T) / 4);
  for (std::size_t i = 0; i < packed.size(); ++i) packed[i] = packed_weight<T>(weights.data(), order.data(), i);
  return packed;
}

template <class T>
std::vector<float> pack_bias(const ProductPlan<T>& plan, std::span<const float> bias) {
  std::vector<float> packed(plan.padded_filters());
  std::copy(bias.begin(), bias.end(), packed.begin());
  return packed;
}

template struct ProductPlan<float>;
template struct ProductPlan<Bf16>;
template ProductPlan<float> plan_product(const ProductShape&, std::size_t);
template ProductPlan<Bf16> plan_product(const ProductShape&, std::size_t);
template std::vector<std::uint32_t> weight_order(const ProductPlan<float>&, const Layout&);
template std::vector<std::uint32_t> weight_order(const ProductPlan<Bf16>&, const Layout&);
template std::vector<std::uint32_t> reversed_weight_order(const ProductPlan<float>&, const Layout&);
template std::vector<std::uint32_t> reversed_weight_order(const ProductPlan<Bf16>&, const Layout&);
template std::vector<float> pack_weights(const ProductPlan<float>&, const Layout&, std::span<const float>);
template std::vector<std::uint32_t> pack_weights(const ProductPlan<Bf16>&, const Layout&, std::span<const float>);
template std::vector<float> pack_bias(const ProductPlan<float>&, std::span<const float>);
template std::vector<float> pack_bias(const ProductPlan<Bf16>&, std::span<const float>);

}  // namespace cnnc::gpu

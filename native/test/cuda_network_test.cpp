#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "cnn/reference_engine.hpp"
#include "core/error.hpp"
#include "core/nepdf.hpp"
#include "cuda/image_block.hpp"
#include "cuda/network_plan.hpp"
#include "host_backend.hpp"
#include "networks.hpp"
#include "test/errors.hpp"

using namespace cnnc;
using namespace cnnc::gpu;

namespace {

/// A thread block on the host: threads and warps one after the other.
struct HostBlock {
  void each_thread(auto phase) {
    for (std::uint32_t thread = 0; thread < kProductThreads; ++thread) phase(thread);
  }
  void each_warp(auto phase) {
    for (std::uint32_t warp = 0; warp < kProductWarps; ++warp) phase(warp);
  }
};

/// Runs the kernels of a network on the host, block after block.
template <class T>
class HostNetwork {
 public:
  HostNetwork(const Network& network, std::size_t shared_bytes)
      : network_(network), plan_(plan_network<T>(network, shared_bytes)) {}

  const NetworkPlan<T>& plan() const { return plan_; }

  std::vector<float> run(std::span<const float> parameters, std::span<const float> images, bool probabilities) const {
    const std::size_t size = network_.input.size();
    const auto count = static_cast<std::uint32_t>(images.size() / size);
    std::vector<T> in(count * plan_.largest, test::stored_as<T>(7));  // what was there before must not show
    std::vector<T> out(count * plan_.largest, test::stored_as<T>(-7));
    for (std::size_t pixel = 0; pixel < count * network_.input.pixels(); ++pixel) {
      for (std::size_t c = 0; c < plan_.input.stored(); ++c) {
        const bool exists = c < network_.input.channels;
        in[pixel * plan_.input.stored() + c] =
            test::stored_as<T>(exists ? images[pixel * network_.input.channels + c] : 0);
      }
    }
    for (const auto& operation : plan_.operations) {
      std::visit([&](const auto& one) { run_one(one, parameters, count, in, out); }, operation);
      in.swap(out);
    }
    const PackedHead packed = pack_head(plan_, parameters);
    const auto outputs = static_cast<std::uint32_t>(plan_.head.outputs);
    std::vector<float> answers(count * outputs);
    const HeadBatch<T> batch{plan_.head_inputs(),   outputs,            count,         probabilities, in.data(),
                             packed.weights.data(), packed.bias.data(), answers.data()};
    for (std::uint32_t image = 0; image < count; ++image) run_head(batch, image);
    return answers;
  }

 private:
  void run_one(const ProductOperation<T>& operation, std::span<const float> parameters, std::uint32_t count,
               const std::vector<T>& in, std::vector<T>& out) const {
    const PackedProduct<T> packed = pack_product<T>(operation, parameters);
    ProductBatch<T> batch = operation.plan.batch(count);
    batch.in = in.data();
    batch.out = out.data();
    batch.offsets = operation.plan.offsets.data();
    batch.weights = packed.weights.data();
    batch.bias = packed.bias.data();
    for (std::uint32_t block = 0; block < operation.plan.blocks(count); ++block) {
      // Shared memory begins with whatever was there: a NaN, were it read, would show.
      std::vector<std::uint32_t> patch(operation.plan.tile.patch_words(), 0x7FFF7FFF);
      HostBlock host;
      with_cut(operation.plan.cut, [&]<std::uint32_t kUnits, std::uint32_t kTiles>() {
        run_product<kUnits, kTiles>(batch, block, patch.data(), host);
      });
    }
  }

  void run_one(const PointwiseOperation& operation, std::span<const float> parameters, std::uint32_t count,
               const std::vector<T>& in, std::vector<T>& out) const {
    FoldedNorm norm;
    if (operation.norm) norm = pack_norm(*operation.norm, parameters);
    const PointwiseBatch<T> batch{operation.in,
                                  operation.out,
                                  operation.pool,
                                  operation.pool_size,
                                  operation.relu,
                                  count,
                                  in.data(),
                                  out.data(),
                                  operation.norm ? norm.scale.data() : nullptr,
                                  norm.shift.data()};
    for (std::uint64_t index = 0; index < batch.size(); ++index) run_pointwise(batch, index);
  }

  const Network& network_;
  NetworkPlan<T> plan_;
};

/// Shared memory of a block on a data-centre GPU, and a size that cuts images into bands.
constexpr std::size_t kPlenty = 227 * 1024;
constexpr std::size_t kLittle = 9 * 1024;

template <class T>
double largest_error(const test::Case& one, std::size_t count, std::size_t shared_bytes, bool probabilities) {
  const Network& network = one.network;
  const auto parameters = test::random_parameters(network, 17);
  const test::Labelled batch = test::random_images(network, count, count);
  const auto judge = make_reference_predictor(network);
  judge->set_parameters(parameters);
  std::vector<float> expected(count * network.outputs);
  if (probabilities) {
    judge->predict(batch.images, expected, network.input.size());
  } else {
    judge->logits(batch.images, expected);
  }
  const auto given = HostNetwork<T>(network, shared_bytes).run(parameters, batch.images, probabilities);
  double worst = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    CHECK(std::isfinite(given[i]));
    worst = test::larger_error(worst, std::abs(double{given[i]} - expected[i]) / std::max(1.0F, std::abs(expected[i])));
  }
  return worst;
}

}  // namespace

TEST_CASE("the kernels of a GPU's network, run on the host, give what the reference gives") {
  for (const test::Case& one : test::cases_and_small_ones()) {
    CAPTURE(one.name);
    for (const std::size_t count : {1, 7}) {
      CAPTURE(count);
      CHECK(largest_error<float>(one, count, kPlenty, true) < 1e-5);
      CHECK(largest_error<float>(one, count, kPlenty, false) < 1e-5);
      CHECK(largest_error<Bf16>(one, count, kPlenty, true) < 0.01);
    }
  }
}

TEST_CASE("the kernels of a GPU's network do so with little shared memory, and at full width") {
  for (const test::Case& one : test::cases_and_small_ones()) {
    if (one.name == "one layer") continue;  // its features are read by the head
    CAPTURE(one.name);
    CHECK(largest_error<float>(one, 3, kLittle, true) < 1e-5);
    CHECK(largest_error<Bf16>(one, 3, kLittle, true) < 0.01);
  }
  const test::Case published{"published", place_layers(test::published(1, true, 1))};
  CHECK(largest_error<float>(published, 2, kPlenty, true) < 1e-5);
  CHECK(largest_error<Bf16>(published, 2, kPlenty, true) < 0.01);
  const test::Case compact{"compact", place_layers(test::compact(2, false, 1))};
  CHECK(largest_error<float>(compact, 3, kPlenty, true) < 1e-5);
  CHECK(largest_error<Bf16>(compact, 3, kPlenty, true) < 0.01);
}

TEST_CASE("a GPU makes the CPU's images, bit for bit, from the histograms of pairs and of swapped ones") {
  constexpr std::uint32_t kHistograms = 5;
  const std::vector<std::vector<ImageKind>> choices{
      {ImageKind::nepdf},
      {ImageKind::residual, ImageKind::margins},
      {ImageKind::margins},
      {ImageKind::residual, ImageKind::nepdf, ImageKind::margins}};
  for (const std::uint32_t cells : {7U, 3000U, 90'000U}) {
    // Most cells in a few bins, as in data.
    std::vector<std::uint32_t> counts(kHistograms * kImage);
    RandomSequence random(cells, Purpose::molecules);
    for (std::uint32_t histogram = 0; histogram < kHistograms; ++histogram) {
      for (std::uint32_t cell = 0; cell < cells; ++cell) {
        const std::uint32_t bin = random.chance(0.5) ? 33 * histogram : random.below(random.below(kImage) + 1);
        ++counts[histogram * kImage + bin];
      }
    }
    std::vector<float> nepdf(cells + 1);
    const NepdfTable table(cells);
    for (std::uint32_t count = 0; count <= cells; ++count) nepdf[count] = table(count);
    for (const auto& kinds : choices) {
      const ImageMaker maker(kinds, cells);
      const std::size_t stored = kinds.size() + kinds.size() % 2;
      for (const bool both : {false, true}) {
        const std::uint32_t images = both ? 2 * kHistograms : kHistograms;
        constexpr std::uint32_t kFirst = 1;  // a batch need not begin with the first image
        std::vector<TwoWords<float>> made((images - kFirst) * kImage * stored / 2, {{7, 7}});
        ImageBatch<float, std::uint32_t> batch{counts.data(), kFirst, both,  1.0F / static_cast<float>(cells),
                                               nepdf.data(),  {},     static_cast<std::uint32_t>(kinds.size()),
                                               made.front().words};
        std::copy(kinds.begin(), kinds.end(), batch.kinds);
        for (std::uint32_t index = 0; index < images - kFirst; ++index) {
          ImageMemory memory;
          run_image(batch, index, memory, [](auto phase) {
            for (std::uint32_t thread = kImageThreads; thread-- > 0;) phase(thread);
          });
          std::vector<float> expected(kImage * kinds.size());
          const std::uint32_t image = kFirst + index;
          maker.make(std::span<const std::uint32_t>(counts), both ? image / 2 : image, both && image % 2 == 1,
                     expected.data());
          for (std::size_t pixel = 0; pixel < kImage; ++pixel) {
            for (std::size_t c = 0; c < stored; ++c) {
              const float value = made.front().words[(index * kImage + pixel) * stored + c];
              REQUIRE(value == (c < kinds.size() ? expected[pixel * kinds.size() + c] : 0));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("an answer of a GPU's network depends on nothing but its image") {
  const Network network = place_layers(test::compact(2, true, 4));
  const auto parameters = test::random_parameters(network, 3);
  const test::Labelled batch = test::random_images(network, 11, 3);
  const std::size_t size = network.input.size();
  const HostNetwork<Bf16> host(network, kPlenty);
  const auto together = host.run(parameters, batch.images, true);
  for (std::size_t image = 0; image < 11; ++image) {
    const auto alone = host.run(parameters, std::span(batch.images).subspan(image * size, size), true);
    CHECK(alone == std::vector<float>(together.begin() + image * 3, together.begin() + image * 3 + 3));
  }
}

TEST_CASE("a GPU's products keep to their shared memory and to the banks of it") {
  for (const std::size_t bytes : {std::size_t{48 * 1024}, std::size_t{99 * 1024}, kPlenty}) {
    for (const auto& spec : {test::published(1, true, 1), test::compact(2, false, 1), test::mlp(2, false, 1)}) {
      const auto check = [&](const auto& plan) {
        for (const auto& operation : plan.operations) {
          const auto* product = std::get_if<0>(&operation);
          if (product == nullptr) continue;
          const auto& tile = product->plan.tile;
          CHECK(product->plan.shared_bytes() <= bytes);
          CHECK(tile.pixel_words * product->plan.shape.pooled() % 8 == 4);
          CHECK(tile.rows * tile.bands >= product->plan.shape.out.height);
        }
      };
      const Network network = place_layers(spec);
      check(plan_network<float>(network, bytes));
      check(plan_network<Bf16>(network, bytes));
    }
  }
  const Network network = place_layers(test::published(1, true, 1));
  CHECK_THROWS_WITH_AS(static_cast<void>(plan_network<float>(network, 1024)), doctest::Contains("too little shared memory"),
                       Error);
}

TEST_CASE("a known divisor divides without a division") {
  for (const std::uint32_t divisor : {1U, 2U, 3U, 7U, 15U, 32U, 225U, 1023U, 1024U, 65'536U}) {
    const Divider divider(divisor);
    for (std::uint32_t number = 0; number < 65'536; number += 1 + number % 13) {
      if (std::uint64_t{number} * divisor >= std::uint64_t{1} << 32) break;
      REQUIRE(divider.quotient(number) == number / divisor);
      REQUIRE(divider.remainder(number) == number % divisor);
    }
  }
}

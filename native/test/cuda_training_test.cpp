#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "cnn/image.hpp"
#include "cnn/reference_engine.hpp"
#include "core/error.hpp"
#include "host_backend.hpp"
#include "networks.hpp"
#include "test/errors.hpp"

using namespace cnnc;
using namespace cnnc::gpu;

namespace {

/// Shared memory of a block on a data-centre GPU, and a size that cuts images into bands.
constexpr std::size_t kPlenty = 227 * 1024;
constexpr std::size_t kLittle = 40 * 1024;

/// A training on the host, by the sequence of kernels that a GPU runs.
template <class T>
class HostTraining {
 public:
  HostTraining(const Network& network, std::size_t shared_bytes, bool backwards = false)
      : network_(network),
        backend_(backwards),
        run_(network_, shared_bytes, backend_),
        first_(network.parameters),
        second_(network.parameters) {
    std::fill_n(first_.data(), first_.size(), 0.0F);
    std::fill_n(second_.data(), second_.size(), 0.0F);
  }

  void set_parameters(const std::vector<float>& parameters) {
    std::copy(parameters.begin(), parameters.end(), run_.parameters());
  }
  std::vector<float> parameters() const { return {run_.parameters(), run_.parameters() + network_.parameters}; }
  std::vector<float> gradients() const { return {run_.gradients(), run_.gradients() + network_.parameters}; }
  const StepResult& result() const { return *run_.result(); }

  double find_gradients(const test::Labelled& batch, const std::optional<DropoutKey>& dropout) {
    const auto images = static_cast<std::uint32_t>(batch.classes.size());
    run_.reserve(images);
    const double total = std::accumulate(batch.weights.begin(), batch.weights.end(), 0.0);
    for (std::uint32_t i = 0; i < images; ++i) {
      run_.chosen()[i] = {0, static_cast<float>(batch.weights[i] / total), batch.classes[i], false};
    }
    backend_.items(StoreImages<T>{run_.plan().input, images, batch.images.data(), run_.images()});
    run_.find_gradients(images, dropout);
    return run_.result()->loss;
  }
  void update(const OptimizerOptions& options, float rate, std::uint64_t steps) {
    run_.update(options, rate, steps, first_.data(), second_.data());
  }

 private:
  Network network_;
  test::HostBackend backend_;
  TrainingRun<T, test::HostBackend> run_;
  test::HostBackend::Array<float> first_, second_;
};

bool is_unusual(const test::Case& one) { return one.name.starts_with("unusual"); }

void compare(const test::Case& one, std::size_t count, std::size_t shared_bytes,
             const std::optional<DropoutKey>& key) {
  CAPTURE(one.name);
  CAPTURE(count);
  CAPTURE(key.has_value());
  const Network& network = one.network;
  const auto parameters = test::random_parameters(network, 17);
  const test::Labelled batch = test::random_images(network, count, count);
  const auto judge = make_reference_gradients(network);
  judge->set_parameters(parameters);
  std::vector<float> expected(network.parameters);
  const double loss = judge->gradients(batch.view(), key, expected);
  HostTraining<float> host(network, shared_bytes);
  host.set_parameters(parameters);
  CHECK(host.find_gradients(batch, key) == doctest::Approx(loss).epsilon(1e-5));
  CHECK(test::largest_difference(network, host.gradients(), expected) < (is_unusual(one) ? 1e-3 : 1e-4));
}

/// Cosine of the angle between two lists of numbers.
double cosine(std::span<const float> a, std::span<const float> b) {
  double sums[3] = {};
  for (std::size_t i = 0; i < a.size(); ++i) {
    sums[0] += double{a[i]} * b[i];
    sums[1] += double{a[i]} * a[i];
    sums[2] += double{b[i]} * b[i];
  }
  return sums[0] / std::sqrt(sums[1] * sums[2]);
}

/// Numbers of a batch of images that lie as `layout` says, padding included.
template <class T>
test::HostBackend::Array<T> random_values(const Layout& layout, std::uint32_t images, RandomSequence& random) {
  test::HostBackend::Array<T> values(std::size_t{images} * layout.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool exists = i % layout.stored() < layout.channels;
    values.data()[i] = test::stored_as<T>(exists ? static_cast<float>(random.uniform(-1, 1)) : 0);
  }
  return values;
}

/// Compares the derivative by a layer's weights with a plain sum.
template <class T>
void compare_weights(const WeightShape& shape, std::uint32_t images, std::size_t shared_bytes) {
  RandomSequence random(images, Purpose::molecules);
  const auto in = random_values<T>(shape.in, images, random);
  const auto d = random_values<T>(shape.out, images, random);
  const WeightPlan<T> plan = plan_weights<T>(shape, {}, shared_bytes);
  CHECK(plan.shared_bytes() <= shared_bytes);
  CHECK(plan.tile.in_words % 8 == 4);
  CHECK(plan.tile.d_words % 8 == 4);
  WeightBatch<T> batch = plan.batch(images);
  test::HostBackend::Array<float> sums(std::size_t{batch.parts} * plan.part_size());
  batch.in = in.data();
  batch.d_out = d.data();
  batch.windows = plan.windows.data();
  batch.offsets = plan.offsets.data();
  batch.sums = sums.data();
  test::HostBackend backend;
  backend.weights(plan, batch);
  std::vector<float> given(plan.positions.size());
  backend.blocks(CollectSums(sums.data(), plan.part_size(), batch.parts, plan.positions.data(),
                             static_cast<std::uint32_t>(given.size()), given.data()));
  std::vector<double> expected(given.size());
  const auto [in_height, in_width, in_channels] = shape.in;
  for (std::size_t out = 0; out < std::size_t{images} * shape.out.height * shape.out.width; ++out) {
    const std::size_t image = out / (shape.out.height * shape.out.width);
    for (std::size_t tap = 0; tap < std::size_t{shape.kernel} * shape.kernel; ++tap) {
      const std::size_t y = out / shape.out.width % shape.out.height + tap / shape.kernel - shape.padding;
      const std::size_t x = out % shape.out.width + tap % shape.kernel - shape.padding;
      if (y >= in_height || x >= in_width) continue;
      for (std::size_t c = 0; c < in_channels; ++c) {
        const double value = load_one(in.data()[((image * in_height + y) * in_width + x) * shape.in.stored() + c]);
        for (std::size_t f = 0; f < shape.out.channels; ++f) {
          expected[(tap * in_channels + c) * shape.out.channels + f] +=
              value * load_one(d.data()[out * shape.out.stored() + f]);
        }
      }
    }
  }
  double worst = 0;
  for (std::size_t i = 0; i < given.size(); ++i) worst = test::larger_error(worst, std::abs(given[i] - expected[i]));
  CHECK(worst < 1e-5 * std::sqrt(images * shape.out.height * shape.out.width));
}

constexpr OptimizerOptions kOptimizers[]{{OptimizerKind::sgd, 0.9F, true, 0},
                                         {OptimizerKind::sgd, 0.5F, false, 0},
                                         {OptimizerKind::adam, 0, false, 0},
                                         {OptimizerKind::adamw, 0, false, 0.02F}};

}  // namespace

TEST_CASE("a GPU's derivatives by weights are plain sums, for all shapes of layers") {
  const WeightShape shapes[]{{{8, 8, 1}, {8, 8, 3}, 3, 1},     {{7, 9, 5}, {5, 7, 33}, 3, 0},
                             {{6, 6, 40}, {6, 6, 70}, 3, 1},   {{9, 9, 2}, {5, 5, 16}, 5, 0},
                             {{4, 4, 20}, {4, 4, 130}, 1, 0},  {{1, 1, 300}, {1, 1, 37}, 1, 0},
                             {{12, 12, 17}, {12, 12, 8}, 5, 2}};
  for (const WeightShape& shape : shapes) {
    CAPTURE(shape.in.channels);
    for (const std::uint32_t images : {1U, 3U, 35U}) {
      CAPTURE(images);
      compare_weights<float>(shape, images, kPlenty);
      compare_weights<Bf16>(shape, images, kPlenty);
    }
    compare_weights<float>(shape, 2, kLittle);
    compare_weights<Bf16>(shape, 2, kLittle);
  }
}

TEST_CASE("a GPU's training step, run on the host, gives the reference's gradients") {
  for (const test::Case& one : test::cases_and_small_ones()) {
    compare(one, 5, kPlenty, DropoutKey{5, 9});
    if (one.name.ends_with("2 interaction")) compare(one, 5, kPlenty, std::nullopt);
    // Normalising the vectors of one or two images divides rounding by a variance of almost nothing.
    if (!is_unusual(one)) compare(one, 1, kPlenty, DropoutKey{1, 2});
  }
}

TEST_CASE("a GPU's training step does so with little shared memory, and for more images than a block takes") {
  for (const test::Case& one : test::cases_and_small_ones()) {
    if (one.name == "one layer") continue;  // its features are read by the head
    compare(one, 3, kLittle, DropoutKey{3, 4});
    if (one.name.ends_with("2 causality")) compare(one, 20, kPlenty, DropoutKey{3, 4});
  }
}

TEST_CASE("a GPU's training step gives the reference's gradients at full width") {
  compare({"published", place_layers(test::published(1, true, 1))}, 2, kPlenty, DropoutKey{5, 6});
  compare({"compact", place_layers(test::compact(2, false, 1))}, 6, kPlenty, DropoutKey{5, 6});
}

TEST_CASE("a GPU's training step in bfloat16 stays near the reference") {
  const test::Case all[]{{"published", place_layers(test::published(1, true, 2))},
                   {"compact", place_layers(test::compact(2, false, 1))},
                   {"mlp", place_layers(test::mlp(2, false, 1))}};
  for (const test::Case& one : all) {
    CAPTURE(one.name);
    const Network& network = one.network;
    const auto parameters = test::random_parameters(network, 6);
    const test::Labelled batch = test::random_images(network, 12, 8);
    const auto judge = make_reference_gradients(network);
    judge->set_parameters(parameters);
    std::vector<float> expected(network.parameters);
    const double loss = judge->gradients(batch.view(), DropoutKey{1, 1}, expected);
    HostTraining<Bf16> host(network, kPlenty);
    host.set_parameters(parameters);
    CHECK(host.find_gradients(batch, DropoutKey{1, 1}) == doctest::Approx(loss).epsilon(0.01));
    const std::vector<float> given = host.gradients();
    CHECK(cosine(given, expected) > 0.99);
    // The first kernels are at the end of a long chain of roundings, each of which may switch a ReLU or a maximum;
    // of so few images each counts, and a CPU is as far off.
    for (const PlacedLayer& layer : network.layers) {
      if (layer.parameters.empty() || !layer.parameters[0].decays) continue;
      const ParameterRange& range = layer.parameters[0];
      CHECK(cosine(std::span(given).subspan(range.offset, range.size),
                   std::span<const float>(expected).subspan(range.offset, range.size)) > 0.95);
    }
  }
}

TEST_CASE("twenty steps of a GPU's optimisers are those of the CPU, bit for bit") {
  const Network network =
      place_layers({{8, 8, 1}, {Conv{3, 3, true, true}, BatchNorm{0.9F, 1e-3F}, Relu{}, Pool{2, false}, Flatten{},
                                Dropout{0.3F}, Dense{3, true}, Softmax{}}});
  for (const OptimizerOptions& options : kOptimizers) {
    CAPTURE(static_cast<int>(options.kind));
    std::vector<float> expected = test::random_parameters(network, 2);
    OptimizerState state = initial_state(network, options);
    HostTraining<float> host(network, kPlenty);
    host.set_parameters(expected);
    for (std::uint32_t step = 0; step < 20; ++step) {
      const float rate = 0.01F / static_cast<float>(step + 1);
      host.find_gradients(test::random_images(network, 4, step), DropoutKey{7, step});
      const std::vector<float> gradients = host.gradients();
      host.update(options, rate, step + 1);
      update_parameters(network, options, rate, gradients, state, expected);
      REQUIRE(host.parameters() == expected);
      CHECK(host.result().bad_gradients == 0);
      CHECK(host.result().bad_parameters == 0);
    }
  }
}

TEST_CASE("a GPU's training step that finds no numbers changes nothing and says so") {
  const Network network = place_layers(test::published(1, false, 8));
  const auto parameters = test::random_parameters(network, 2);
  const test::Labelled batch = test::random_images(network, 3, 1);
  HostTraining<float> host(network, kPlenty);
  auto broken = parameters;
  // A ReLU makes 0 of it, but not what goes back through it.
  const std::size_t at = network.layers[2].parameters[0].offset;
  broken[at] = std::numeric_limits<float>::quiet_NaN();
  host.set_parameters(broken);
  host.find_gradients(batch, std::nullopt);
  CHECK(host.result().bad_gradients != 0);
  host.update(kOptimizers[0], 0.1F, 1);
  const auto after = host.parameters();
  for (std::size_t i = 0; i < after.size(); ++i) CHECK((i == at || after[i] == parameters[i]));

  // Nothing of it reaches later steps.
  host.set_parameters(parameters);
  host.find_gradients(batch, DropoutKey{1, 2});
  HostTraining<float> fresh(network, kPlenty);
  fresh.set_parameters(parameters);
  fresh.find_gradients(batch, DropoutKey{1, 2});
  CHECK(host.result().bad_gradients == 0);
  CHECK(host.gradients() == fresh.gradients());

  host.update(kOptimizers[0], 3e38F, 1);
  CHECK(host.result().bad_parameters != 0);
}

TEST_CASE("smaller batches after larger ones, and images of weight 0, train a GPU as they should") {
  const Network network = place_layers(test::published(2, true, 8));
  const auto parameters = test::random_parameters(network, 4);
  test::Labelled batch = test::random_images(network, 3, 1);
  HostTraining<float> fresh(network, kPlenty);
  fresh.set_parameters(parameters);
  const double loss = fresh.find_gradients(batch, std::nullopt);
  const std::vector<float> expected = fresh.gradients();

  HostTraining<float> used(network, kPlenty);
  used.set_parameters(parameters);
  used.find_gradients(test::random_images(network, 9, 5), DropoutKey{3, 4});
  CHECK(used.find_gradients(batch, std::nullopt) == loss);
  CHECK(used.gradients() == expected);

  const test::Labelled more = test::random_images(network, 1, 2);
  batch.images.insert(batch.images.end(), more.images.begin(), more.images.end());
  batch.classes.push_back(0);
  batch.weights.push_back(0);
  CHECK(used.find_gradients(batch, std::nullopt) == doctest::Approx(loss).epsilon(1e-6));
  CHECK(test::largest_difference(network, used.gradients(), expected) < 1e-5);
}

TEST_CASE("a GPU's training step has the same bits in whatever order its threads run") {
  for (const auto& spec : {test::published(1, true, 4), test::compact(2, false, 4), test::unusual(3, true)}) {
    const Network network = place_layers(spec);
    const test::Labelled batch = test::random_images(network, 3, 1);
    const auto gradients = [&]<class T>(T, bool backwards) {
      HostTraining<T> host(network, kPlenty, backwards);
      host.set_parameters(test::random_parameters(network, 2));
      host.find_gradients(batch, DropoutKey{1, 2});
      return host.gradients();
    };
    CHECK(gradients(float{}, false) == gradients(float{}, true));
    CHECK(gradients(Bf16{}, false) == gradients(Bf16{}, true));
  }
}

TEST_CASE("a GPU's batch statistics are exact where the mean is far from 0") {
  // A convolution that copies its input, so that the statistics are the images' own.
  const Network network = place_layers(
      {{4, 4, 1}, {Conv{1, 1, true, false}, BatchNorm{0.9F, 1e-3F}, Flatten{}, Dense{1, true}, Sigmoid{}}});
  std::vector<float> parameters(network.parameters, 0.1F);
  parameters[0] = 1;
  test::Labelled batch = test::random_images(network, 300, 3);
  for (float& value : batch.images) value += 1000;
  batch.images[0] = 0;  // the first of all is far from the others
  double mean = 0;
  double variance = 0;
  for (const float value : batch.images) mean += value / static_cast<double>(batch.images.size());
  for (const float value : batch.images) variance += std::pow(value - mean, 2);
  variance /= static_cast<double>(batch.images.size());
  HostTraining<float> host(network, kPlenty);
  host.set_parameters(parameters);
  host.find_gradients(batch, std::nullopt);
  CHECK(host.gradients()[3] == doctest::Approx(mean).epsilon(1e-6));
  CHECK(host.gradients()[4] == doctest::Approx(variance).epsilon(1e-5));
}

TEST_CASE("a GPU makes the images that a step names, of pairs and of swapped ones") {
  constexpr std::uint32_t kCells = 500;
  std::vector<std::uint16_t> counts(4 * kImage);
  RandomSequence random(1, Purpose::molecules);
  for (std::uint32_t histogram = 0; histogram < 4; ++histogram) {
    for (std::uint32_t cell = 0; cell < kCells; ++cell) ++counts[histogram * kImage + random.below(kImage)];
  }
  const ChosenImage chosen[]{{2, 1, 0, true}, {0, 1, 0, false}, {3, 1, 0, true}, {2, 1, 0, false}};
  const ImageMaker maker({ImageKind::margins, ImageKind::residual}, kCells);
  test::HostBackend::Array<float> images(4 * kImage * 2);
  ImageBatch<float, std::uint16_t> batch{};
  batch.counts = counts.data();
  batch.one_cell = 1.0F / kCells;
  batch.kinds[0] = ImageKind::margins;
  batch.kinds[1] = ImageKind::residual;
  batch.channels = 2;
  batch.images = images.data();
  batch.chosen = chosen;
  for (std::uint32_t image = 0; image < 4; ++image) {
    ImageMemory memory;
    run_image(batch, image, memory, [](auto phase) {
      for (std::uint32_t thread = 0; thread < kImageThreads; ++thread) phase(thread);
    });
    std::vector<float> expected(kImage * 2);
    maker.make(std::span<const std::uint16_t>(counts), chosen[image].row, chosen[image].swapped, expected.data());
    CHECK(std::equal(expected.begin(), expected.end(), images.data() + image * kImage * 2));
  }
}

TEST_CASE("a GPU refuses to train what it cannot express") {
  CHECK_THROWS_WITH_AS(static_cast<void>(plan_training<float>(place_layers(test::published(1, true, 1)), 1024)),
                       doctest::Contains("too little shared memory"), Error);
  const Network wide = place_layers({{1, 1, 4}, {Dense{17, true}, Softmax{}}});
  CHECK_THROWS_WITH_AS(static_cast<void>(plan_training<float>(wide, kPlenty)), doctest::Contains("16 outputs"), Error);
}

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "cnn/network.hpp"
#include "cnn/optimizer.hpp"
#include "cnn/reference_engine.hpp"
#include "core/error.hpp"
#include "cpu/network_onednn.hpp"
#include "networks.hpp"

namespace cnnc {

using test::Case;
using test::cases;
using test::largest_difference;

TEST_CASE("the published network has 550,627 parameters with three outputs") {
  CHECK(place_layers(test::published(1, true, 1)).parameters == 550'627);
}

TEST_CASE("layers that do not fit are refused by name") {
  const auto problem = [](NetworkSpec spec) -> std::string {
    try {
      static_cast<void>(place_layers(spec));
    } catch (const Error& error) {
      CHECK(error.code() == "BAD_NETWORK");
      return error.what();
    }
    return "none";
  };
  const Shape image{32, 32, 1};
  CHECK(problem({image, {}}) == "layer 1: the last layer must be a sigmoid or a softmax");
  CHECK(problem({image, {Dense{1, true}}}) == "layer 1: a dense layer needs a flatten layer before it");
  CHECK(problem({image, {Flatten{}, Conv{1, 1, true, true}}}) == "layer 2: a convolution needs an image");
  CHECK(problem({image, {Conv{1, 33, false, true}}}) == "layer 1: the kernel is larger than the image");
  CHECK(problem({image, {Conv{1, 2, true, true}}}) ==
        "layer 1: a convolution with padding `same` needs an odd kernel");
  CHECK(problem({image, {Pool{33, true}}}) == "layer 1: the pool is larger than the image");
  CHECK(problem({image, {Dropout{1}}}) == "layer 1: the dropout rate must be in [0, 1)");
  CHECK(problem({image, {Flatten{}, Dense{2, true}, Sigmoid{}}}) ==
        "layer 3: a sigmoid needs one number and a softmax at least two");
  CHECK(problem({image, {Flatten{}, Dense{1, true}, Sigmoid{}, Relu{}}}) ==
        "layer 4: a layer follows the sigmoid or softmax");
  CHECK(problem({{32, 32, 0}, {}}) == "layer 1: the input is empty");
}

TEST_CASE("the reference's gradients are those of numerical differentiation") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const Network& network = one.network;
    const test::Labelled batch = test::random_images(network, 3, 5);
    auto parameters = test::random_parameters(network, 7);
    const auto engine = make_reference_gradients(network);
    const DropoutKey key{11, 3};
    std::vector<float> gradients(network.parameters);
    const auto loss = [&] {
      std::vector<float> unused(network.parameters);
      engine->set_parameters(parameters);
      return engine->gradients(batch.view(), key, unused);
    };
    engine->set_parameters(parameters);
    engine->gradients(batch.view(), key, gradients);
    RandomSequence random(3, Purpose::molecules);
    for (const PlacedLayer& layer : network.layers) {
      for (const ParameterRange& range : layer.parameters) {
        if (!range.trained) continue;
        // One random direction for all numbers of the range: what any of them got wrong shows.
        std::vector<float> direction(range.size);
        double expected = 0;
        double square = 0;
        for (std::size_t i = 0; i < range.size; ++i) {
          direction[i] = static_cast<float>(random.uniform(-1, 1));
          square += std::pow(gradients[range.offset + i], 2);
          expected += double{direction[i]} * gradients[range.offset + i];
        }
        const auto original = parameters;
        const auto moved = [&](double step) {
          for (std::size_t i = 0; i < range.size; ++i) {
            parameters[range.offset + i] = static_cast<float>(original[range.offset + i] + step * direction[i]);
          }
          return loss();
        };
        constexpr double kStep = 3e-5;
        const double measured = (moved(kStep) - moved(-kStep)) / (2 * kStep);
        parameters = original;
        // ReLUs and maxima that the step switches, and float32 parameters, leave a little.
        CHECK(std::abs(measured - expected) < 0.03 * std::sqrt(square) + 1e-4);
      }
    }
  }
}

TEST_CASE("oneDNN gives what the reference gives") {
  if (onednn_version().empty()) {
    MESSAGE("skipped: built without oneDNN");
    return;
  }
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const Network& network = one.network;
    const auto parameters = test::random_parameters(network, 17);
    const auto predictor = make_reference_predictor(network);
    const auto judge = make_reference_gradients(network);
    predictor->set_parameters(parameters);
    judge->set_parameters(parameters);
    for (const unsigned threads : {1U, 2U, 3U}) {
      CAPTURE(threads);
      // More, fewer and exactly as many images as the engine is made for.
      for (const std::size_t count : {std::size_t{4}, std::size_t{7}}) {
        const test::Labelled batch = test::random_images(network, count, count);
        const EngineOptions options{Precision::f32, threads, 4};
        {
          const auto engine = make_onednn_predictor(network, options);
          engine->set_parameters(parameters);
          std::vector<float> expected(count * network.outputs);
          std::vector<float> given(count * network.outputs);
          predictor->predict(batch.images, expected, network.input.size());
          engine->predict(batch.images, given, network.input.size());
          for (std::size_t i = 0; i < given.size(); ++i) CHECK(std::abs(given[i] - expected[i]) < 1e-5);
          predictor->logits(batch.images, expected);
          engine->logits(batch.images, given);
          for (std::size_t i = 0; i < given.size(); ++i) {
            CHECK(std::abs(given[i] - expected[i]) < 1e-5 * std::max(1.0F, std::abs(expected[i])));
          }
        }
        for (const bool drop : {false, true}) {
          CAPTURE(drop);
          const auto key = drop ? std::optional(DropoutKey{5, 9}) : std::nullopt;
          const auto engine = make_onednn_gradients(network, options);
          engine->set_parameters(parameters);
          std::vector<float> expected(network.parameters);
          std::vector<float> given(network.parameters);
          const double loss = judge->gradients(batch.view(), key, expected);
          // Twice: what the first call left behind must not show.
          engine->gradients(batch.view(), key, given);
          CHECK(engine->gradients(batch.view(), key, given) == doctest::Approx(loss).epsilon(1e-5));
          // Four numbers normalised to one deviation magnify what rounding does before.
          const bool few = one.name.starts_with("unusual");
          CHECK(largest_difference(network, given, expected) < (few ? 1e-3 : 1e-4));
        }
      }
    }
  }
}

TEST_CASE("derivatives by the image agree with the reference and with numerical differentiation") {
  if (onednn_version().empty()) {
    MESSAGE("skipped: built without oneDNN");
    return;
  }
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const Network& network = one.network;
    const auto parameters = test::random_parameters(network, 23);
    const test::Labelled batch = test::random_images(network, 3, 2);
    const auto judge = make_reference_input_gradients(network);
    const auto engine = make_onednn_input_gradients(network, {Precision::f32, 2, 2});
    judge->set_parameters(parameters);
    engine->set_parameters(parameters);
    std::vector<float> expected(batch.images.size());
    std::vector<float> given(batch.images.size());
    for (std::size_t output = 0; output < network.outputs; ++output) {
      judge->input_gradients(batch.images, output, expected);
      engine->input_gradients(batch.images, output, given);
      double scale = 0;
      double difference = 0;
      for (std::size_t i = 0; i < given.size(); ++i) {
        scale = std::max(scale, std::abs(double{expected[i]}));
        difference = std::max(difference, std::abs(double{given[i]} - expected[i]));
      }
      CHECK(scale > 0);
      CHECK(difference < 1e-4 * scale);
    }
  }
}

TEST_CASE("networks that would overflow are refused") {
  const auto refused = [](const NetworkSpec& spec) {
    CHECK_THROWS_WITH_AS(static_cast<void>(place_layers(spec)), doctest::Contains("the layer is too large"), Error);
  };
  constexpr std::size_t kHuge = std::size_t{1} << 32;
  refused({{kHuge, kHuge, 1}, {}});
  refused({{kHuge, kHuge, kHuge}, {}});
  refused({{32, 32, 1}, {Conv{kHuge << 20, 3, true, true}}});
  refused({{32, 32, 1}, {Conv{std::size_t{1} << 20, 3, true, true}}});
  refused({{32, 32, 1}, {Flatten{}, Dense{kHuge, true}}});
  refused({{32, 32, 64}, {Flatten{}, Dense{8192, true}}});
}

TEST_CASE("a prediction has the same bits in any batch and on any number of threads") {
  if (onednn_version().empty()) return;
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    if (precision == Precision::bf16 && !has_bf16()) continue;
    for (const Case& one : cases()) {
      CAPTURE(one.name);
      const Network& network = one.network;
      constexpr std::size_t kCount = 67;
      const std::size_t size = network.input.size();
      const test::Labelled images = test::random_images(network, kCount, 1);
      const auto parameters = test::random_parameters(network, 2);
      std::vector<float> expected(kCount * network.outputs);
      for (const unsigned threads : {1U, 3U}) {
        const auto engine = make_onednn_predictor(network, {precision, threads, 8});
        engine->set_parameters(parameters);
        std::vector<float> given(kCount * network.outputs);
        engine->predict(images.images, given, size);
        if (threads == 1) expected = given;
        CHECK(given == expected);
        for (const std::size_t at : {0UL, 15UL, 16UL, 31UL, 32UL, 66UL}) {
          std::vector<float> alone(network.outputs);
          engine->predict(std::span(images.images).subspan(at * size, size), alone, size);
          for (std::size_t o = 0; o < alone.size(); ++o) CHECK(alone[o] == expected[at * network.outputs + o]);
        }
      }
    }
  }
}

TEST_CASE("training has the same bits every time on one number of threads") {
  if (onednn_version().empty()) return;
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const test::Labelled batch = test::random_images(one.network, 11, 1);
    const auto parameters = test::random_parameters(one.network, 2);
    std::vector<float> first(one.network.parameters);
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto engine = make_onednn_gradients(one.network, {Precision::f32, 3, 6});
      engine->set_parameters(parameters);
      std::vector<float> given(one.network.parameters);
      engine->gradients(batch.view(), DropoutKey{1, 2}, given);
      if (repeat == 0) first = given;
      CHECK(given == first);
    }
  }
}

TEST_CASE("what a diverged network left behind does not reach later batches") {
  if (onednn_version().empty()) return;
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const Network& network = one.network;
    const auto parameters = test::random_parameters(network, 2);
    // A part is filled up with images of zeros, whose activations must not be what they were before.
    const test::Labelled batch = test::random_images(network, 5, 1);
    const auto fresh = make_onednn_gradients(network, {Precision::f32, 2, 8});
    fresh->set_parameters(parameters);
    std::vector<float> expected(network.parameters);
    const double loss = fresh->gradients(batch.view(), DropoutKey{1, 2}, expected);
    const auto used = make_onednn_gradients(network, {Precision::f32, 2, 8});
    std::vector<float> given(network.parameters);
    used->set_parameters(std::vector<float>(network.parameters, std::numeric_limits<float>::quiet_NaN()));
    used->gradients(test::random_images(network, 8, 3).view(), DropoutKey{4, 5}, given);
    used->set_parameters(parameters);
    CHECK(used->gradients(batch.view(), DropoutKey{1, 2}, given) == loss);
    CHECK(given == expected);
  }
}

TEST_CASE("batches of one image, larger ones than announced and networks of one layer agree with the reference") {
  if (onednn_version().empty()) return;
  for (const Case& one : test::cases_and_small_ones()) {
    CAPTURE(one.name);
    const Network& network = one.network;
    const auto parameters = test::random_parameters(network, 4);
    const auto judge = make_reference_gradients(network);
    judge->set_parameters(parameters);
    const auto engine = make_onednn_gradients(network, {Precision::f32, 2, 3});
    engine->set_parameters(parameters);
    for (const std::size_t count : {1UL, 20UL, 2UL}) {
      CAPTURE(count);
      // Normalising the vectors of one or two images divides rounding by a variance of almost nothing.
      if (one.name.starts_with("unusual") && count < 3) continue;
      const test::Labelled batch = test::random_images(network, count, count);
      std::vector<float> expected(network.parameters);
      std::vector<float> given(network.parameters);
      const double loss = judge->gradients(batch.view(), DropoutKey{3, 4}, expected);
      CHECK(engine->gradients(batch.view(), DropoutKey{3, 4}, given) == doctest::Approx(loss).epsilon(1e-5));
      CHECK(largest_difference(network, given, expected) < (one.name.starts_with("unusual") ? 1e-3 : 1e-4));
    }
  }
}

TEST_CASE("an image of weight 0 has no gradient") {
  if (onednn_version().empty()) return;
  const Network network = place_layers(test::published(1, true, 8));
  const auto parameters = test::random_parameters(network, 4);
  test::Labelled batch = test::random_images(network, 3, 1);
  const auto engine = make_onednn_gradients(network, {Precision::f32, 1, 4});
  engine->set_parameters(parameters);
  std::vector<float> expected(network.parameters);
  const double loss = engine->gradients(batch.view(), std::nullopt, expected);
  const auto more = test::random_images(network, 1, 2);
  batch.images.insert(batch.images.end(), more.images.begin(), more.images.end());
  batch.classes.push_back(0);
  batch.weights.push_back(0);
  std::vector<float> given(network.parameters);
  CHECK(engine->gradients(batch.view(), std::nullopt, given) == doctest::Approx(loss).epsilon(1e-6));
  CHECK(largest_difference(network, given, expected) < 1e-5);
}

TEST_CASE("the batch's mean and variance are those of the convolution's outputs") {
  if (onednn_version().empty()) return;
  // A convolution that copies its input, so that the statistics are the images' own.
  const Network network = place_layers(
      {{4, 4, 1}, {Conv{1, 1, true, false}, BatchNorm{0.9F, 1e-3F}, Flatten{}, Dense{1, true}, Sigmoid{}}});
  std::vector<float> parameters(network.parameters, 0.1F);
  parameters[0] = 1;
  const test::Labelled batch = test::random_images(network, 7, 3);
  double mean = 0;
  double variance = 0;
  for (const float value : batch.images) mean += value / static_cast<double>(batch.images.size());
  for (const float value : batch.images) variance += std::pow(value - mean, 2);
  variance /= static_cast<double>(batch.images.size());
  for (const unsigned threads : {1U, 3U}) {
    const auto engine = make_onednn_gradients(network, {Precision::f32, threads, 4});
    engine->set_parameters(parameters);
    std::vector<float> given(network.parameters);
    engine->gradients(batch.view(), std::nullopt, given);
    CHECK(given[3] == doctest::Approx(mean).epsilon(1e-6));
    CHECK(given[4] == doctest::Approx(variance).epsilon(1e-6));
  }
}

TEST_CASE("bfloat16 stays near float32 on whole networks") {
  if (onednn_version().empty() || !has_bf16()) {
    MESSAGE("skipped: no bfloat16 here");
    return;
  }
  const std::vector<Case> all{{"published", place_layers(test::published(1, true, 1))},
                              {"compact", place_layers(test::compact(2, false, 1))},
                              {"mlp", place_layers(test::mlp(2, false, 1))}};
  for (const Case& one : all) {
    CAPTURE(one.name);
    const Network& network = one.network;
    const auto parameters = test::random_parameters(network, 6);
    const test::Labelled batch = test::random_images(network, 40, 8);
    const auto probabilities = [&](Precision precision) {
      const auto engine = make_onednn_predictor(network, {precision, 2, 32});
      engine->set_parameters(parameters);
      std::vector<float> result(batch.classes.size() * network.outputs);
      engine->predict(batch.images, result, network.input.size());
      return result;
    };
    const auto exact = probabilities(Precision::f32);
    const auto rounded = probabilities(Precision::bf16);
    for (std::size_t i = 0; i < exact.size(); ++i) CHECK(std::abs(exact[i] - rounded[i]) < 0.01);

    const auto gradients = [&](Precision precision) {
      const auto engine = make_onednn_gradients(network, {precision, 2, 40});
      engine->set_parameters(parameters);
      std::vector<float> result(network.parameters);
      engine->gradients(batch.view(), DropoutKey{1, 1}, result);
      return result;
    };
    const auto expected = gradients(Precision::f32);
    const auto given = gradients(Precision::bf16);
    const auto cosine = [&](std::size_t first, std::size_t count) {
      double sums[3] = {};
      for (std::size_t i = first; i < first + count; ++i) {
        sums[0] += double{expected[i]} * given[i];
        sums[1] += double{expected[i]} * expected[i];
        sums[2] += double{given[i]} * given[i];
      }
      return sums[0] / std::sqrt(sums[1] * sums[2]);
    };
    CHECK(cosine(0, network.parameters) > 0.99);
    // The first kernels are at the end of a long chain of roundings, each of which may switch a ReLU or a maximum.
    for (const PlacedLayer& layer : network.layers) {
      if (layer.parameters.empty() || !layer.parameters[0].decays) continue;
      CHECK(cosine(layer.parameters[0].offset, layer.parameters[0].size) > 0.98);
    }
  }
}

TEST_CASE("derivatives by the image are float32, whatever precision a predictor has") {
  if (onednn_version().empty()) return;
  const Network network = place_layers(test::compact(1, false, 4));
  const auto parameters = test::random_parameters(network, 23);
  const test::Labelled batch = test::random_images(network, 3, 2);
  std::vector<float> results[2];
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const auto engine = make_onednn_input_gradients(network, {precision, 1, 3});
    engine->set_parameters(parameters);
    auto& result = results[precision == Precision::bf16 ? 1 : 0];
    result.resize(batch.images.size());
    engine->input_gradients(batch.images, 0, result);
  }
  CHECK(results[0] == results[1]);
}

}  // namespace cnnc

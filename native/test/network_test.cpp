#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "cnn/network.hpp"
#include "cnn/optimizer.hpp"
#include "cnn/reference_engine.hpp"
#include "core/error.hpp"
#include "cpu/network_onednn.hpp"
#include "networks.hpp"

namespace cnnc {
namespace {

struct Case {
  std::string name;
  Network network;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const bool causality : {false, true}) {
    for (std::size_t channels = 1; channels <= 3; ++channels) {
      const std::string name = std::to_string(channels) + (causality ? " causality" : " interaction");
      all.push_back({"published " + name, place_layers(test::published(channels, causality, 8))});
      all.push_back({"compact " + name, place_layers(test::compact(channels, causality, 8))});
      all.push_back({"mlp " + name, place_layers(test::mlp(channels, causality, 8))});
      all.push_back({"unusual " + name, place_layers(test::unusual(channels, causality))});
    }
  }
  return all;
}

/// Largest difference relative to the largest value of each range of parameters. Where a normalisation follows,
/// some gradients are zero but for rounding, hence the floor.
double largest_difference(const Network& network, std::span<const float> values, std::span<const float> expected) {
  double largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(double{value}));
  double worst = 0;
  for (const PlacedLayer& layer : network.layers) {
    for (const ParameterRange& range : layer.parameters) {
      double scale = 1e-3 * largest;
      double difference = 0;
      for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
        scale = std::max(scale, std::abs(double{expected[i]}));
        difference = std::max(difference, std::abs(double{values[i]} - expected[i]));
      }
      worst = std::max(worst, difference / scale);
    }
  }
  return worst;
}

}  // namespace

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

}  // namespace cnnc

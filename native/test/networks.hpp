#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cnn/engine.hpp"
#include "cnn/network.hpp"
#include "core/random.hpp"
#include "test/errors.hpp"

/// Networks and images for tests.
namespace cnnc::test {

/// The published network, with all widths divided.
inline NetworkSpec published(std::size_t channels, bool causality, std::size_t divisor) {
  NetworkSpec spec{{32, 32, channels}, {}};
  for (const std::size_t filters : {32, 64, 128}) {
    for (const bool same : {true, false}) {
      spec.layers.emplace_back(Conv{filters / divisor, 3, same, true});
      spec.layers.emplace_back(Relu{});
    }
    spec.layers.emplace_back(Pool{2, false});
    spec.layers.emplace_back(Dropout{0.25F});
  }
  spec.layers.emplace_back(Flatten{});
  spec.layers.emplace_back(Dense{512 / divisor, true});
  spec.layers.emplace_back(Relu{});
  spec.layers.emplace_back(Dropout{0.5F});
  spec.layers.emplace_back(Dense{causality ? std::size_t{3} : 1, true});
  spec.layers.emplace_back(causality ? Layer{Softmax{}} : Layer{Sigmoid{}});
  return spec;
}

inline NetworkSpec compact(std::size_t channels, bool causality, std::size_t divisor) {
  NetworkSpec spec{{32, 32, channels}, {}};
  for (const std::size_t filters : {16, 32, 64}) {
    spec.layers.emplace_back(Conv{filters / divisor, 3, true, false});
    spec.layers.emplace_back(BatchNorm{0.9F, 1e-3F});
    spec.layers.emplace_back(Relu{});
    spec.layers.emplace_back(Pool{2, true});
  }
  spec.layers.emplace_back(Flatten{});
  spec.layers.emplace_back(Dropout{0.3F});
  spec.layers.emplace_back(Dense{64 / divisor, true});
  spec.layers.emplace_back(Relu{});
  spec.layers.emplace_back(Dropout{0.3F});
  spec.layers.emplace_back(Dense{causality ? std::size_t{3} : 1, true});
  spec.layers.emplace_back(causality ? Layer{Softmax{}} : Layer{Sigmoid{}});
  return spec;
}

inline NetworkSpec mlp(std::size_t channels, bool causality, std::size_t divisor) {
  NetworkSpec spec{{32, 32, channels}, {}};
  spec.layers = {Pool{4, true}, Flatten{}, Dense{128 / divisor, true}, Relu{}, Dropout{0.5F},
                 Dense{causality ? std::size_t{3} : 1, true}, causality ? Layer{Softmax{}} : Layer{Sigmoid{}}};
  return spec;
}

/// Everything that the named networks leave out: normalisation of vectors and of what a ReLU gave, parts in an
/// unusual order, pools that do not fit, kernels of other sizes, dense layers without bias.
inline NetworkSpec unusual(std::size_t channels, bool causality) {
  NetworkSpec spec{{32, 32, channels}, {}};
  spec.layers = {Relu{},
                 BatchNorm{0.8F, 1e-2F},
                 Conv{5, 5, false, true},
                 Relu{},
                 BatchNorm{0.5F, 1e-3F},
                 Pool{3, false},
                 Dropout{0.2F},
                 Relu{},
                 Conv{6, 1, true, false},
                 BatchNorm{0.99F, 1e-3F},
                 Pool{2, false},
                 Dropout{0.1F},
                 Dropout{0.1F},
                 Flatten{},
                 Dense{7, false},
                 BatchNorm{0.9F, 0.1F},
                 Relu{},
                 Dense{9, true},
                 Dense{causality ? std::size_t{3} : 1, false},
                 causality ? Layer{Softmax{}} : Layer{Sigmoid{}}};
  return spec;
}

struct Case {
  std::string name;
  Network network;
};

/// All tasks, numbers of channels and networks, at an eighth of the width.
inline std::vector<Case> cases() {
  std::vector<Case> all;
  for (const bool causality : {false, true}) {
    for (std::size_t channels = 1; channels <= 3; ++channels) {
      const std::string name = std::to_string(channels) + (causality ? " causality" : " interaction");
      all.push_back({"published " + name, place_layers(published(channels, causality, 8))});
      all.push_back({"compact " + name, place_layers(compact(channels, causality, 8))});
      all.push_back({"mlp " + name, place_layers(mlp(channels, causality, 8))});
      all.push_back({"unusual " + name, place_layers(unusual(channels, causality))});
    }
  }
  return all;
}

/// The smallest networks, too.
inline std::vector<Case> cases_and_small_ones() {
  std::vector<Case> all = cases();
  all.push_back({"one layer", place_layers({{32, 32, 2}, {Flatten{}, Dense{3, true}, Softmax{}}})});
  all.push_back({"unusual: a flattened image normalised",
                 place_layers({{9, 7, 1}, {Conv{6, 3, true, true}, Flatten{}, BatchNorm{0.9F, 1e-3F}, Dense{3, true},
                                           Softmax{}}})});
  all.push_back({"first a convolution, then a ReLU and a pool of 3",
                 place_layers({{13, 11, 3}, {Dropout{0.2F}, Conv{17, 3, false, false}, Relu{}, Pool{3, true}, Flatten{},
                                             Dense{1, true}, Sigmoid{}}})});
  all.push_back({"first a convolution, then a ReLU, its normalisation and a pool",
                 place_layers({{9, 12, 2}, {Conv{18, 3, true, true}, Relu{}, BatchNorm{0.9F, 1e-3F}, Pool{2, false},
                                            Flatten{}, Dense{2, true}, Softmax{}}})});
  all.push_back({"a convolution alone",
                 place_layers({{3, 3, 3}, {Conv{16, 3, false, true}, Flatten{}, Dense{1, true}, Sigmoid{}}})});
  all.push_back({"a vector", place_layers({{1, 1, 5}, {Dense{4, true}, Relu{}, Dense{1, false}, Sigmoid{}}})});
  return all;
}

/// The largest difference of a range of parameters, relative to the largest value in it. Where a normalisation follows,
/// some gradients are zero but for rounding, hence the floor. Infinite where a value is no number.
inline double largest_difference(const Network& network, std::span<const float> values,
                                 std::span<const float> expected) {
  double largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(double{value}));
  double worst = 0;
  for (const PlacedLayer& layer : network.layers) {
    for (const ParameterRange& range : layer.parameters) {
      double scale = 1e-3 * largest;
      double difference = 0;
      for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
        scale = std::max(scale, std::abs(double{expected[i]}));
        difference = larger_error(difference, std::abs(double{values[i]} - expected[i]));
      }
      worst = std::max(worst, difference / scale);
    }
  }
  return worst;
}

/// Parameters as a training might leave them: kernels of Glorot's size, everything else near its start.
inline std::vector<float> random_parameters(const Network& network, std::uint64_t seed) {
  RandomSequence random(seed, Purpose::network);
  std::vector<float> parameters(network.parameters);
  for (const PlacedLayer& layer : network.layers) {
    for (std::size_t r = 0; r < layer.parameters.size(); ++r) {
      const ParameterRange& range = layer.parameters[r];
      const bool scale = std::holds_alternative<BatchNorm>(layer.layer) && (r == 0 || r == 3);
      const double outputs = static_cast<double>(layer.out.channels);
      const double limit = range.decays ? std::sqrt(6 / (static_cast<double>(range.size) / outputs + outputs)) : 0.2;
      for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
        parameters[i] = static_cast<float>((scale ? 1 : 0) + random.uniform(-limit, limit));
      }
    }
  }
  return parameters;
}

struct Labelled {
  std::vector<float> images;
  std::vector<std::uint8_t> classes;
  std::vector<float> weights;

  [[nodiscard]] LabelledImages view() const { return {images, classes, weights}; }
};

inline Labelled random_images(const Network& network, std::size_t count, std::uint64_t seed) {
  RandomSequence random(seed, Purpose::kinetics);
  Labelled result;
  for (std::size_t i = 0; i < count * network.input.size(); ++i) {
    result.images.push_back(random.chance(0.3) ? static_cast<float>(random.uniform(0, 1)) : 0.0F);
  }
  for (std::size_t i = 0; i < count; ++i) {
    result.classes.push_back(static_cast<std::uint8_t>(random.below(static_cast<std::uint32_t>(network.classes()))));
    result.weights.push_back(static_cast<float>(random.uniform(0.2, 2)));
  }
  return result;
}

}  // namespace cnnc::test

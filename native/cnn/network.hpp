#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace cnnc {

/// Height, width and channels of one image; activations lie in memory in that order (NHWC).
struct Shape {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;

  [[nodiscard]] std::size_t size() const noexcept { return height * width * channels; }
  [[nodiscard]] std::size_t pixels() const noexcept { return height * width; }
  bool operator==(const Shape&) const = default;
};

/// Convolution with stride 1. Parameters: kernel [kernel][kernel][channels in][filters], bias [filters].
struct Conv {
  std::size_t filters;
  std::size_t kernel;
  bool same;  ///< padded to keep height and width; `kernel` is odd then
  bool bias;
};
/// Over each channel. Parameters: gamma, beta, moving mean, moving variance, [channels] each.
struct BatchNorm {
  float momentum;
  float epsilon;
};
struct Relu {};
/// Windows of size x size that do not overlap; what does not fill a window is left out.
struct Pool {
  std::size_t size;
  bool average;  ///< else the maximum
};
struct Dropout {
  float rate;
};
struct Flatten {};
/// Parameters: kernel [inputs][units], bias [units].
struct Dense {
  std::size_t units;
  bool bias;
};
/// Output layers, always the last: probability of class 1, or of each class.
struct Sigmoid {};
struct Softmax {};

using Layer = std::variant<Conv, BatchNorm, Relu, Pool, Dropout, Flatten, Dense, Sigmoid, Softmax>;

/// A sequence of layers; the names and meanings are those of Keras.
struct NetworkSpec {
  Shape input;
  std::vector<Layer> layers;
};

/// Consecutive numbers of the parameter vector.
struct ParameterRange {
  std::size_t offset = 0;
  std::size_t size = 0;
  bool decays = false;   ///< weight decay applies: kernels, not biases or batch normalisation
  bool trained = true;   ///< false for moving mean and variance
};

/// A layer with everything that follows from its place in the network.
struct PlacedLayer {
  Layer layer;
  Shape in;
  Shape out;
  std::vector<ParameterRange> parameters;  ///< in the order given at the layer's type
};

/// A checked network. All parameters are one vector of float32, layer by layer.
struct Network {
  Shape input;
  std::vector<PlacedLayer> layers;
  std::size_t parameters = 0;
  std::size_t outputs = 0;  ///< probabilities per image: 1 (sigmoid) or the number of classes (softmax)
  /// Classes that labels may name: 2 for a sigmoid.
  [[nodiscard]] std::size_t classes() const noexcept { return outputs == 1 ? 2 : outputs; }
};

/// @throws Error BAD_NETWORK naming the layer that does not fit where it stands
[[nodiscard]] Network place_layers(const NetworkSpec& spec);

}  // namespace cnnc

#include "cnn/network.hpp"

#include <initializer_list>

#include "core/error.hpp"

namespace cnnc {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

/// Numbers that an image may have on its way, and parameters that a layer may have. Sizes computed from them, with a
/// batch and bytes each, stay far from overflowing.
constexpr std::size_t kMostNumbers = std::size_t{1} << 28;

class Placer {
 public:
  explicit Placer(const NetworkSpec& spec) : shape_(spec.input), flat_(spec.input.pixels() == 1) {
    network_.input = spec.input;
    require(checked_product({shape_.height, shape_.width, shape_.channels}) > 0, "the input is empty");
    for (const Layer& layer : spec.layers) place(layer);
    require(network_.outputs > 0, "the last layer must be a sigmoid or a softmax");
  }
  Network result() { return std::move(network_); }

 private:
  void place(const Layer& layer) {
    require(network_.outputs == 0, "a layer follows the sigmoid or softmax");
    placed_ = {layer, shape_, shape_, {}};
    std::visit(Overloaded{[&](const Conv& conv) { place_conv(conv); },
                          [&](const BatchNorm& norm) { place_norm(norm); },
                          [](const Relu&) {},
                          [&](const Pool& pool) { place_pool(pool); },
                          [&](const Dropout& dropout) {
                            require(dropout.rate >= 0 && dropout.rate < 1, "the dropout rate must be in [0, 1)");
                          },
                          [&](const Flatten&) {
                            placed_.out = {1, 1, shape_.size()};
                            flat_ = true;
                          },
                          [&](const Dense& dense) { place_dense(dense); },
                          [&](const Sigmoid&) { place_output(1, shape_.channels == 1); },
                          [&](const Softmax&) { place_output(shape_.channels, shape_.channels > 1); }},
               layer);
    shape_ = placed_.out;
    checked_product({shape_.height, shape_.width, shape_.channels});
    network_.layers.push_back(std::move(placed_));
  }

  void place_conv(const Conv& conv) {
    require(!flat_, "a convolution needs an image");
    require(conv.filters > 0 && conv.kernel > 0, "a convolution needs filters and a kernel");
    require(!conv.same || conv.kernel % 2 == 1, "a convolution with padding `same` needs an odd kernel");
    require(shape_.height >= conv.kernel && shape_.width >= conv.kernel, "the kernel is larger than the image");
    add_parameters(checked_product({conv.kernel, conv.kernel, shape_.channels, conv.filters}), {.decays = true});
    if (conv.bias) add_parameters(conv.filters, {});
    const std::size_t cut = conv.same ? 0 : conv.kernel - 1;
    placed_.out = {shape_.height - cut, shape_.width - cut, conv.filters};
  }

  void place_norm(const BatchNorm& norm) {
    require(norm.epsilon > 0 && norm.momentum >= 0 && norm.momentum <= 1,
            "batch normalisation needs epsilon > 0 and a momentum in [0, 1]");
    for (int i = 0; i < 4; ++i) add_parameters(shape_.channels, {.trained = i < 2});
  }

  void place_pool(const Pool& pool) {
    require(!flat_ && pool.size > 0, "a pool needs an image and a size");
    require(shape_.height >= pool.size && shape_.width >= pool.size, "the pool is larger than the image");
    placed_.out = {shape_.height / pool.size, shape_.width / pool.size, shape_.channels};
  }

  void place_dense(const Dense& dense) {
    require(flat_, "a dense layer needs a flatten layer before it");
    require(dense.units > 0, "a dense layer needs units");
    add_parameters(checked_product({shape_.channels, dense.units}), {.decays = true});
    if (dense.bias) add_parameters(dense.units, {});
    placed_.out = {1, 1, dense.units};
  }

  void place_output(std::size_t outputs, bool fits) {
    require(flat_ && fits, "a sigmoid needs one number and a softmax at least two");
    require(!network_.layers.empty() && std::holds_alternative<Dense>(network_.layers.back().layer),
            "the output layer must follow a dense layer");
    network_.outputs = outputs;
  }

  void add_parameters(std::size_t size, ParameterRange range) {
    range.offset = network_.parameters;
    range.size = size;
    network_.parameters += size;
    placed_.parameters.push_back(range);
  }

  std::size_t checked_product(std::initializer_list<std::size_t> factors) const {
    std::size_t product = 1;
    for (const std::size_t factor : factors) {
      require(factor <= kMostNumbers && product * factor <= kMostNumbers, "the layer is too large");
      product *= factor;
    }
    return product;
  }

  void require(bool condition, const std::string& problem) const {
    if (condition) return;
    throw Error("BAD_NETWORK", "layer " + std::to_string(network_.layers.size() + 1) + ": " + problem);
  }

  Network network_;
  PlacedLayer placed_;
  Shape shape_;
  bool flat_;
};

}  // namespace

Network place_layers(const NetworkSpec& spec) { return Placer(spec).result(); }

}  // namespace cnnc

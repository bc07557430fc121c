#include "cnn/network_steps.hpp"

namespace cnnc {
namespace {

/// Parts of a pointwise step, in their order; `start` is none of them.
enum class Part : std::uint8_t { start, norm, relu, pool, dropout };

std::optional<ParameterRange> bias_of(const PlacedLayer& layer) {
  return layer.parameters.size() > 1 ? std::optional(layer.parameters[1]) : std::nullopt;
}

class Planner {
 public:
  explicit Planner(const Network& network) : network_(network) {
    const std::size_t head = network.layers.size() - 2;
    for (index_ = 0; index_ < head; ++index_) std::visit(*this, layer().layer);
    const PlacedLayer& dense = layer();
    plan_.head = {dense.in.channels, network.outputs, dense.parameters[0], bias_of(dense)};
  }
  NetworkSteps result() { return std::move(plan_); }

  void operator()(const Conv& conv) {
    add_product({layer().in, layer().out, false, conv.kernel, conv.same ? conv.kernel / 2 : 0, false,
                 layer().parameters[0], bias_of(layer())});
  }
  void operator()(const Dense&) {
    add_product({layer().in, layer().out, true, 1, 0, false, layer().parameters[0], bias_of(layer())});
  }
  void operator()(const BatchNorm& norm) { pointwise(Part::norm).norm = NormLayer{norm, layer().parameters}; }
  void operator()(const Relu&) {
    auto* const product = plan_.steps.empty() ? nullptr : std::get_if<ProductStep>(&plan_.steps.back());
    if (product != nullptr) {
      product->relu = true;
    } else {
      pointwise(Part::relu).relu = true;
    }
  }
  void operator()(const Pool& pool) { pointwise(Part::pool).pool = pool; }
  void operator()(const Dropout& dropout) { pointwise(Part::dropout).dropout = DropoutLayer{index_, dropout.rate}; }
  // Activations lie in the order that flattening gives them.
  void operator()(const Flatten&) {}
  void operator()(const Sigmoid&) {}
  void operator()(const Softmax&) {}

 private:
  const PlacedLayer& layer() const { return network_.layers[index_]; }

  void add_product(ProductStep step) {
    plan_.steps.emplace_back(std::move(step));
    part_ = Part::start;
  }

  PointwiseStep& pointwise(Part part) {
    const bool begins = plan_.steps.empty() || std::holds_alternative<ProductStep>(plan_.steps.back());
    if (begins || part <= part_) {
      PointwiseStep step;
      step.in = layer().in;
      plan_.steps.emplace_back(std::move(step));
    }
    part_ = part;
    auto& step = std::get<PointwiseStep>(plan_.steps.back());
    step.out = layer().out;
    return step;
  }

  const Network& network_;
  NetworkSteps plan_;
  std::uint32_t index_ = 0;
  Part part_ = Part::start;
};

}  // namespace

NetworkSteps plan_steps(const Network& network) { return Planner(network).result(); }

const Shape& input_of(const Step& step) {
  return std::visit([](const auto& one) -> const Shape& { return one.in; }, step);
}
const Shape& output_of(const Step& step) {
  return std::visit([](const auto& one) -> const Shape& { return one.out; }, step);
}

}  // namespace cnnc

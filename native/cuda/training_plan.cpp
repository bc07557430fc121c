#include "cuda/training_plan.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "cuda/network_plan.hpp"

namespace cnnc::gpu {
namespace {

/// Lists begin at multiples of so many entries, so that kernels can read several at once.
constexpr std::size_t kAlignment = 16;

template <class T>
class Planner {
 public:
  Planner(const Network& network, std::size_t shared_bytes) : shared_bytes_(shared_bytes) {
    const NetworkSteps steps = plan_gpu_steps(network);
    plan_.input = layout_of(network.input);
    plan_.head = steps.head;
    layout_ = plan_.input;
    plan_.largest = layout_.size();
    for (const Step& step : steps.steps) {
      std::visit([&](const auto& one) { add(one); }, step);
      plan_.largest = std::max(plan_.largest, std::size_t{layout_.size()});
    }
    add_head();
    add_roles(network);
  }
  TrainingPlan<T> result() { return std::move(plan_); }

 private:
  void add(const ProductStep& step) {
    const auto [in, flattened] = product_input(step, layout_);
    const Layout out = layout_of(step.out);
    const auto kernel = static_cast<std::uint32_t>(step.kernel);
    const auto padding = static_cast<std::uint32_t>(step.padding);
    TrainedProduct<T> product{
        step,
        plan_product<T>({in, out, kernel, padding, PoolKind::none, step.relu}, shared_bytes_),
        std::nullopt,
        after_relu_,
        plan_weights<T>({in, out, kernel, padding}, flattened, shared_bytes_),
        0,
        0,
        0};
    product.first_forth = add_order(weight_order(product.forth, flattened), step.weights.offset);
    if (learns_) {
      product.back =
          plan_product<T>({out, in, kernel, kernel - 1 - padding, PoolKind::none, false}, shared_bytes_);
      product.first_back = add_order(reversed_weight_order(*product.back, flattened), step.weights.offset);
    }
    if (product.back) zeros_ = std::max<std::size_t>(zeros_, product.back->padded_filters());
    std::vector<std::uint32_t> bias(product.forth.padded_filters(), kNoWeight);
    if (step.bias) {
      for (std::size_t i = 0; i < step.bias->size; ++i) bias[i] = static_cast<std::uint32_t>(step.bias->offset + i);
    }
    product.first_bias = add_floats(bias);
    plan_.most_channels = std::max(plan_.most_channels, out.stored());
    plan_.operations.emplace_back(std::move(product));
    layout_ = out;
    learns_ = true;
    after_relu_ = step.relu;
  }

  void add(const PointwiseStep& step) {
    if (step.norm) layout_ = normalised_layout(layout_, step.in);
    const auto size = static_cast<std::uint32_t>(step.pool ? step.pool->size : 1);
    const Layout out{layout_.height / size, layout_.width / size, layout_.channels};
    TrainedPass pass{step, layout_, out, step.relu || (!step.norm && after_relu_), step.norm && after_relu_, learns_,
                     plan_.norm_numbers};
    if (step.norm) {
      plan_.norm_numbers += 5 * std::size_t{layout_.stored()};
      plan_.most_channels = std::max(plan_.most_channels, layout_.stored());
    }
    learns_ = learns_ || step.norm.has_value();
    plan_.operations.emplace_back(std::move(pass));
    layout_ = out;
    after_relu_ = false;
  }

  void add_head() {
    const Head& head = plan_.head;
    plan_.features = layout_;
    plan_.head_masks = after_relu_;
    const std::uint32_t inputs = plan_.head_inputs();
    std::vector<std::uint32_t> order(head.outputs * (std::size_t{inputs} + 1), kNoWeight);
    plan_.head_positions.resize(head.weights.size + head.outputs);
    for (std::uint32_t output = 0; output < head.outputs; ++output) {
      for (std::uint32_t i = 0; i < inputs; ++i) {
        const std::uint32_t input = true_channel(i, layout_, flattened_head());
        if (input == kNoWeight) continue;
        const std::size_t weight = std::size_t{input} * head.outputs + output;
        order[std::size_t{output} * inputs + i] = static_cast<std::uint32_t>(head.weights.offset + weight);
        plan_.head_positions[weight] = output * (inputs + 2) + i;
      }
      plan_.head_positions[head.weights.size + output] = output * (inputs + 2) + inputs;
      if (head.bias) {
        order[head.outputs * std::size_t{inputs} + output] = static_cast<std::uint32_t>(head.bias->offset + output);
      }
    }
    plan_.first_head = add_floats(order);
    plan_.first_zeros = add_floats(std::vector<std::uint32_t>(zeros_, kNoWeight));
  }
  Layout flattened_head() const { return is_flattened(layout_) ? layout_ : Layout{}; }

  void add_roles(const Network& network) {
    plan_.roles.resize(network.parameters, ParameterRole::learns);
    plan_.momenta.resize(network.parameters);
    for (const PlacedLayer& layer : network.layers) {
      for (const ParameterRange& range : layer.parameters) {
        for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
          if (range.decays) plan_.roles[i] = ParameterRole::decays;
          if (range.trained) continue;
          plan_.roles[i] = ParameterRole::moves;
          plan_.momenta[i] = std::get<BatchNorm>(layer.layer).momentum;
        }
      }
    }
  }

  static std::size_t append(const std::vector<std::uint32_t>& order, std::size_t offset,
                            std::vector<std::uint32_t>& to) {
    to.resize((to.size() + kAlignment - 1) / kAlignment * kAlignment, kNoWeight);
    const std::size_t first = to.size();
    for (const std::uint32_t weight : order) {
      to.push_back(weight == kNoWeight ? kNoWeight : static_cast<std::uint32_t>(weight + offset));
    }
    return first;
  }
  std::size_t add_order(const std::vector<std::uint32_t>& order, std::size_t offset) {
    return append(order, offset, plan_.order) * sizeof(T) / 4;
  }
  std::size_t add_floats(const std::vector<std::uint32_t>& order) { return append(order, 0, plan_.float_order); }

  TrainingPlan<T> plan_{};
  std::size_t shared_bytes_;
  Layout layout_;            ///< of what the last operation gives
  bool learns_ = false;      ///< something so far has parameters
  bool after_relu_ = false;  ///< the last operation is a product with a ReLU
  std::size_t zeros_ = 0;    ///< biases of the products that go back
};

}  // namespace

template <class T>
const Layout& TrainingPlan<T>::output_of(std::size_t i) const noexcept {
  if (const auto* product = std::get_if<TrainedProduct<T>>(&operations[i])) return product->forth.shape.out;
  return std::get<TrainedPass>(operations[i]).out;
}

template <class T>
TrainingPlan<T> plan_training(const Network& network, std::size_t shared_bytes) {
  return Planner<T>(network, shared_bytes).result();
}

template struct TrainingPlan<float>;
template struct TrainingPlan<Bf16>;
template TrainingPlan<float> plan_training(const Network&, std::size_t);
template TrainingPlan<Bf16> plan_training(const Network&, std::size_t);

}  // namespace cnnc::gpu

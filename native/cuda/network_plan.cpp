#include "cuda/network_plan.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace cnnc::gpu {

Layout layout_of(const Shape& shape) {
  return {static_cast<std::uint32_t>(shape.height), static_cast<std::uint32_t>(shape.width),
          static_cast<std::uint32_t>(shape.channels)};
}

NetworkSteps plan_gpu_steps(const Network& network) {
  NetworkSteps steps = plan_steps(network);
  if (steps.head.outputs > kMostOutputs) throw Error("BAD_NETWORK", "the GPU runs networks of at most 16 outputs");
  return steps;
}

ProductInput product_input(const ProductStep& step, const Layout& layout) {
  if (!step.dense || !is_flattened(layout)) return {layout, {}};
  return {{1, 1, layout.size()}, layout};
}

Layout normalised_layout(const Layout& layout, const Shape& shape) {
  if (layout.height * layout.width == shape.pixels()) return layout;
  if (layout.channels % 2 != 0) {
    throw Error("BAD_NETWORK", "the GPU does not normalise a flattened image of an odd number of channels");
  }
  return {1, 1, layout.size()};
}

namespace {

template <class T>
class Planner {
 public:
  Planner(const Network& network, std::size_t shared_bytes) : shared_bytes_(shared_bytes) {
    const NetworkSteps steps = plan_gpu_steps(network);
    plan_.input = layout_of(network.input);
    plan_.head = steps.head;
    layout_ = plan_.input;
    plan_.largest = layout_.size();
    for (std::size_t i = 0; i < steps.steps.size(); ++i) {
      if (const auto* product = std::get_if<ProductStep>(&steps.steps[i])) {
        const auto* after = i + 1 < steps.steps.size() ? std::get_if<PointwiseStep>(&steps.steps[i + 1]) : nullptr;
        if (add_product(*product, after)) ++i;
      } else {
        add_pointwise(std::get<PointwiseStep>(steps.steps[i]));
      }
      plan_.largest = std::max(plan_.largest, std::size_t{layout_.size()});
    }
    plan_.features = layout_;
  }
  NetworkPlan<T> result() { return std::move(plan_); }

 private:
  /// Returns whether the product does what the step after it asks for, too.
  bool add_product(ProductStep step, const PointwiseStep* after) {
    // A flattened image may be normalised value by value.
    const bool fits = after != nullptr && after->in == step.out && (!after->norm || !step.relu) &&
                      (!after->pool || after->pool->size == 2);
    const auto [in, flattened] = product_input(step, layout_);
    ProductOperation<T> operation{step, std::nullopt, flattened, {}};
    ProductShape shape{in, layout_of(step.out), static_cast<std::uint32_t>(step.kernel),
                       static_cast<std::uint32_t>(step.padding), PoolKind::none, step.relu};
    if (fits) {
      operation.norm = after->norm;
      shape.relu = step.relu || after->relu;
      if (after->pool) shape.out = {shape.out.height / 2, shape.out.width / 2, shape.out.channels};
      shape.pool = pool_kind(after->pool);
    }
    operation.plan = plan_product<T>(shape, shared_bytes_);
    plan_.operations.emplace_back(std::move(operation));
    layout_ = shape.out;
    return fits;
  }

  void add_pointwise(const PointwiseStep& step) {
    if (!step.norm && !step.relu && !step.pool) return;  // dropout alone does nothing here
    if (step.norm) layout_ = normalised_layout(layout_, step.in);
    const PoolKind pool = pool_kind(step.pool);
    const auto size = static_cast<std::uint32_t>(step.pool ? step.pool->size : 1);
    const Layout out{layout_.height / size, layout_.width / size, layout_.channels};
    plan_.operations.emplace_back(PointwiseOperation{layout_, out, step.norm, step.relu, pool, size});
    layout_ = out;
  }

  NetworkPlan<T> plan_{};
  std::size_t shared_bytes_;
  Layout layout_;  ///< of what the last operation gives
};

}  // namespace

template <class T>
NetworkPlan<T> plan_network(const Network& network, std::size_t shared_bytes) {
  return Planner<T>(network, shared_bytes).result();
}

template <class T>
PackedProduct<T> pack_product(const ProductOperation<T>& operation, std::span<const float> parameters) {
  const FoldedProduct folded =
      fold_product(operation.step, operation.norm ? &*operation.norm : nullptr, parameters);
  return {pack_weights<T>(operation.plan, operation.flattened, folded.weights),
          pack_bias<T>(operation.plan, folded.bias)};
}

FoldedNorm pack_norm(const NormLayer& norm, std::span<const float> parameters) {
  FoldedNorm packed = fold_norm(norm, parameters);
  const std::size_t stored = packed.scale.size() + packed.scale.size() % 2;
  packed.scale.resize(stored);
  packed.shift.resize(stored);
  return packed;
}

template <class T>
PackedHead pack_head(const NetworkPlan<T>& plan, std::span<const float> parameters) {
  const Head& head = plan.head;
  PackedHead packed{std::vector<float>(head.outputs * plan.head_inputs()), std::vector<float>(head.outputs)};
  const std::uint32_t stored = plan.features.stored();
  for (std::uint32_t output = 0; output < head.outputs; ++output) {
    for (std::size_t i = 0; i < head.inputs; ++i) {
      const std::size_t at = i / plan.features.channels * stored + i % plan.features.channels;
      packed.weights[output * plan.head_inputs() + at] = parameters[head.weights.offset + i * head.outputs + output];
    }
    if (head.bias) packed.bias[output] = parameters[head.bias->offset + output];
  }
  return packed;
}

template NetworkPlan<float> plan_network(const Network&, std::size_t);
template NetworkPlan<Bf16> plan_network(const Network&, std::size_t);
template PackedProduct<float> pack_product(const ProductOperation<float>&, std::span<const float>);
template PackedProduct<Bf16> pack_product(const ProductOperation<Bf16>&, std::span<const float>);
template PackedHead pack_head(const NetworkPlan<float>&, std::span<const float>);
template PackedHead pack_head(const NetworkPlan<Bf16>&, std::span<const float>);

}  // namespace cnnc::gpu

#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "cnn/network.hpp"
#include "cnn/pool_kind.hpp"

namespace cnnc {

/// A convolution or dense layer, with the ReLU that follows it.
struct ProductStep {
  Shape in;
  Shape out;
  bool dense;
  std::size_t kernel;   ///< side of the kernel; 1 for dense
  std::size_t padding;  ///< on every side
  bool relu;
  ParameterRange weights;
  std::optional<ParameterRange> bias;
};

struct NormLayer {
  BatchNorm norm;
  std::vector<ParameterRange> parameters;  ///< gamma, beta, moving mean, moving variance
};
struct DropoutLayer {
  std::uint32_t index;  ///< among the network's layers; names its mask
  float rate;
};

/// What follows a product, done in one pass: each part in this order, and each optional.
struct PointwiseStep {
  Shape in;
  Shape out;
  std::optional<NormLayer> norm;
  bool relu = false;
  std::optional<Pool> pool;
  std::optional<DropoutLayer> dropout;
};

[[nodiscard]] constexpr PoolKind pool_kind(const std::optional<Pool>& pool) noexcept {
  return !pool ? PoolKind::none : pool->average ? PoolKind::average : PoolKind::maximum;
}

using Step = std::variant<ProductStep, PointwiseStep>;

/// The last dense layer with its sigmoid or softmax.
struct Head {
  std::size_t inputs;
  std::size_t outputs;
  ParameterRange weights;
  std::optional<ParameterRange> bias;
};

/// A network as the passes that an engine makes over its activations.
struct NetworkSteps {
  std::vector<Step> steps;
  Head head;
};

[[nodiscard]] NetworkSteps plan_steps(const Network& network);

[[nodiscard]] const Shape& input_of(const Step& step);
[[nodiscard]] const Shape& output_of(const Step& step);

}  // namespace cnnc

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "cnn/fold_norm.hpp"
#include "cnn/network_steps.hpp"
#include "cuda/pointwise_block.hpp"
#include "cuda/product_plan.hpp"

namespace cnnc::gpu {

[[nodiscard]] Layout layout_of(const Shape& shape);

/// plan_steps; throws Error BAD_NETWORK for a head of more than kMostOutputs.
[[nodiscard]] NetworkSteps plan_gpu_steps(const Network& network);

/// What a product reads, of which a dense layer sees an image as one pixel.
struct ProductInput {
  Layout in;
  Layout flattened;  ///< the image, where a dense layer reads one, see pack_weights
};
[[nodiscard]] ProductInput product_input(const ProductStep& step, const Layout& layout);
/// How an image that lies as `layout` says is normalised, which the network sees as `shape`: flattening moves nothing,
/// so that layers which do not care see the image as it was, but a normalisation does care. Throws Error BAD_NETWORK.
[[nodiscard]] Layout normalised_layout(const Layout& layout, const Shape& shape);

/// A convolution or dense layer with everything that its kernel takes along.
template <class T>
struct ProductOperation {
  ProductStep step;
  std::optional<NormLayer> norm;  ///< folded into the weights
  Layout flattened;               ///< of a dense layer's input, see pack_weights
  ProductPlan<T> plan;
};

struct PointwiseOperation {
  Layout in;
  Layout out;
  std::optional<NormLayer> norm;
  bool relu;
  PoolKind pool;
  std::uint32_t pool_size;
};

/// A network as the kernels that score with it, one after the other.
template <class T>
struct NetworkPlan {
  Layout input;
  std::vector<std::variant<ProductOperation<T>, PointwiseOperation>> operations;
  Layout features;  ///< what the head reads
  Head head;
  std::size_t largest;  ///< values of an image between two operations at most

  [[nodiscard]] std::uint32_t head_inputs() const noexcept { return features.size(); }
};

/// @param shared_bytes that a block may take; throws what plan_product throws, and Error BAD_NETWORK for a head of more
/// than kMostOutputs
template <class T>
[[nodiscard]] NetworkPlan<T> plan_network(const Network& network, std::size_t shared_bytes);

/// A product's weights and biases, with the normalisation folded in, for the device.
template <class T>
struct PackedProduct {
  std::vector<WeightWord<T>> weights;
  std::vector<float> bias;
};
template <class T>
[[nodiscard]] PackedProduct<T> pack_product(const ProductOperation<T>& operation, std::span<const float> parameters);

/// fold_norm by stored channel, zeros for padding.
[[nodiscard]] FoldedNorm pack_norm(const NormLayer& norm, std::span<const float> parameters);

/// Weights [output][stored input] and biases of the head.
struct PackedHead {
  std::vector<float> weights;
  std::vector<float> bias;
};
template <class T>
[[nodiscard]] PackedHead pack_head(const NetworkPlan<T>& plan, std::span<const float> parameters);

}  // namespace cnnc::gpu

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "cnn/network_steps.hpp"
#include "cuda/product_plan.hpp"
#include "cuda/training_block.hpp"
#include "cuda/weights_plan.hpp"

namespace cnnc::gpu {

/// A convolution or dense layer with its ReLU, forth and back.
template <class T>
struct TrainedProduct {
  ProductStep step;
  ProductPlan<T> forth;
  std::optional<ProductPlan<T>> back;  ///< none where nothing before it learns
  bool mask_input;                     ///< the input is what a ReLU gave, which the derivative goes back through, too
  WeightPlan<T> weights;
  std::size_t first_forth;  ///< word of TrainingPlan::order where its weights begin
  std::size_t first_back;
  std::size_t first_bias;  ///< likewise of TrainingPlan::float_order
};

/// What follows a product, see PointwiseStep.
struct TrainedPass {
  PointwiseStep step;
  Layout in;
  Layout out;
  bool relu;  ///< a ReLU that has been applied already changes nothing, but masks the derivative
  bool mask_input;
  bool back;               ///< something before it learns
  std::size_t first_norm;  ///< of TrainingPlan::norm_numbers, where its NormNumbers begin
};

/// A network as the kernels that train it. T: float or Bf16.
template <class T>
struct TrainingPlan {
  Layout input;
  std::vector<std::variant<TrainedProduct<T>, TrainedPass>> operations;
  Layout features;  ///< what the head reads
  Head head;
  bool head_masks;          ///< as of TrainedProduct::mask_input
  std::size_t first_head;   ///< of float_order: weights [output][stored input], then biases
  std::size_t first_zeros;  ///< of float_order: the biases of all products that go back
  /// Parameters in the order in which kernels read them, as PackWeights does: weights of products, and what stays in
  /// float32.
  std::vector<std::uint32_t> order;
  std::vector<std::uint32_t> float_order;
  std::vector<std::uint32_t> head_positions;  ///< in a part of HeadSums::sums, of each of the head's weights
  std::vector<ParameterRole> roles;           ///< of each parameter
  std::vector<float> momenta;                 ///< of each parameter that moves
  std::size_t norm_numbers = 0;
  std::uint32_t most_channels = 2;  ///< of a step that needs sums by channel, as stored
  std::size_t largest = 0;          ///< values of an image between two operations at most

  [[nodiscard]] std::uint32_t head_inputs() const noexcept { return features.size(); }
  /// What operation i gives, for an image.
  [[nodiscard]] const Layout& output_of(std::size_t i) const noexcept;
};

/// Throws what plan_network throws.
template <class T>
[[nodiscard]] TrainingPlan<T> plan_training(const Network& network, std::size_t shared_bytes);

}  // namespace cnnc::gpu

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cnn/network_steps.hpp"

namespace cnnc {

/// Numbers before the sigmoid or softmax of one image. `parameters` are those of the whole network.
void head_logits(const Head& head, std::span<const float> parameters, std::span<const float> input,
                 std::span<float> logits);

/// Turns logits into probabilities: a sigmoid for one, else a softmax.
void head_probabilities(std::span<float> logits);

/// Turns the logits of one image into the derivatives of its loss, weight * cross-entropy, by them.
/// @returns the loss
double loss_gradient(std::uint8_t label, float weight, std::span<float> logits);

/// From the derivatives by the logits of one image to those by the head's input; adds those by weights, then bias,
/// to `d_head`.
void head_backward(const Head& head, std::span<const float> parameters, std::span<const float> input,
                   std::span<const float> d_logits, std::span<float> d_input, std::span<float> d_head);

}  // namespace cnnc

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/host_device.hpp"

// Probabilities and loss of one image, shared by all devices.

namespace cnnc {

CNNC_HOST_DEVICE inline float largest_of(const float* numbers, std::size_t count) {
  float largest = numbers[0];
  for (std::size_t i = 1; i < count; ++i) largest = numbers[i] > largest ? numbers[i] : largest;
  return largest;
}

/// Turns logits into probabilities: a sigmoid for one, else a softmax.
CNNC_HOST_DEVICE inline void turn_into_probabilities(float* logits, std::size_t count) {
  if (count == 1) {
    logits[0] = 1 / (1 + std::exp(-logits[0]));
    return;
  }
  const float largest = largest_of(logits, count);
  float sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += logits[i] = std::exp(logits[i] - largest);
  for (std::size_t i = 0; i < count; ++i) logits[i] /= sum;
}

/// Turns the logits of one image into the derivatives of its loss, weight * cross-entropy, by them.
/// @returns the loss
CNNC_HOST_DEVICE inline double turn_into_loss_gradient(std::uint8_t label, float weight, float* logits,
                                                       std::size_t count) {
  if (count == 1) {
    const double logit = logits[0];
    // log(1 + exp(-|x|)) never overflows.
    const double loss = (logit > 0 ? logit : 0.0) - logit * label + std::log1p(std::exp(-std::abs(logit)));
    turn_into_probabilities(logits, 1);
    logits[0] = (logits[0] - static_cast<float>(label)) * weight;
    return loss * weight;
  }
  const double largest = largest_of(logits, count);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::exp(logits[i] - largest);
  const double loss = std::log(sum) + largest - logits[label];
  turn_into_probabilities(logits, count);
  for (std::size_t i = 0; i < count; ++i) logits[i] = (logits[i] - (i == label ? 1.0F : 0.0F)) * weight;
  return loss * weight;
}

}  // namespace cnnc

#include "cnn/head.hpp"

#include <algorithm>
#include <cmath>

namespace cnnc {

void head_logits(const Head& head, std::span<const float> parameters, std::span<const float> input,
                 std::span<float> logits) {
  const float* weights = parameters.data() + head.weights.offset;
  for (std::size_t o = 0; o < head.outputs; ++o) {
    double sum = head.bias ? parameters[head.bias->offset + o] : 0;
    for (std::size_t i = 0; i < head.inputs; ++i) sum += input[i] * weights[i * head.outputs + o];
    logits[o] = static_cast<float>(sum);
  }
}

void head_probabilities(std::span<float> logits) {
  if (logits.size() == 1) {
    logits[0] = 1 / (1 + std::exp(-logits[0]));
    return;
  }
  const float largest = *std::max_element(logits.begin(), logits.end());
  float sum = 0;
  for (float& value : logits) sum += value = std::exp(value - largest);
  for (float& value : logits) value /= sum;
}

double loss_gradient(std::uint8_t label, float weight, std::span<float> logits) {
  if (logits.size() == 1) {
    const double logit = logits[0];
    // log(1 + exp(-|x|)) never overflows.
    const double loss = std::max(logit, 0.0) - logit * label + std::log1p(std::exp(-std::abs(logit)));
    head_probabilities(logits);
    logits[0] = (logits[0] - static_cast<float>(label)) * weight;
    return loss * weight;
  }
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float value : logits) sum += std::exp(value - largest);
  const double loss = std::log(sum) + largest - logits[label];
  head_probabilities(logits);
  logits[label] -= 1;
  for (float& value : logits) value *= weight;
  return loss * weight;
}

void head_backward(const Head& head, std::span<const float> parameters, std::span<const float> input,
                   std::span<const float> d_logits, std::span<float> d_input, std::span<float> d_head) {
  const float* weights = parameters.data() + head.weights.offset;
  for (std::size_t i = 0; i < head.inputs; ++i) {
    float sum = 0;
    for (std::size_t o = 0; o < head.outputs; ++o) {
      sum += weights[i * head.outputs + o] * d_logits[o];
      d_head[i * head.outputs + o] += input[i] * d_logits[o];
    }
    d_input[i] = sum;
  }
  for (std::size_t o = 0; o < head.outputs; ++o) d_head[head.inputs * head.outputs + o] += d_logits[o];
}

}  // namespace cnnc

#include "cnn/head.hpp"

#include "cnn/loss.hpp"

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

void head_probabilities(std::span<float> logits) { turn_into_probabilities(logits.data(), logits.size()); }

double loss_gradient(std::uint8_t label, float weight, std::span<float> logits) {
  return turn_into_loss_gradient(label, weight, logits.data(), logits.size());
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

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "cnn/dropout.hpp"
#include "cnn/network.hpp"
#include "core/parallel.hpp"

namespace cnnc {

/// Images with what they show: n x height x width x channels values, n class numbers, n sample weights.
/// A weight of 0 takes an image out of the loss, not out of the statistics of batch normalisation.
struct LabelledImages {
  std::span<const float> images;
  std::span<const std::uint8_t> classes;
  std::span<const float> weights;

  [[nodiscard]] std::size_t size() const noexcept { return classes.size(); }
};

enum class Precision : std::uint8_t {
  f32,
  /// Activations and the factors of products in bfloat16 (on the CPU not those of the first convolution); sums, parameters
  /// and gradients in float32.
  bf16,
};

struct EngineOptions {
  Precision precision = Precision::f32;
  unsigned threads = 1;
  std::size_t batch = 128;  ///< images that a call usually has
};

/// Derivatives of the loss, which is sum(weight * cross-entropy) / sum(weight) over a batch. One call at a time.
class GradientEngine {
 public:
  GradientEngine() = default;
  GradientEngine(const GradientEngine&) = delete;
  GradientEngine& operator=(const GradientEngine&) = delete;
  virtual ~GradientEngine() = default;

  virtual void set_parameters(std::span<const float> parameters) = 0;

  /// Runs a batch in training mode and fills `gradients` (one per parameter); for moving mean and variance it
  /// holds the batch's own mean and variance instead. No dropout without a key.
  /// @returns the loss
  virtual double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                           std::span<float> gradients) = 0;
};

/// Writes images [first, first + count) of those to be looked at. Called from several threads.
using ImageSource = std::function<void(std::size_t first, std::size_t count, float* images)>;

/// Runs a network in prediction mode: no dropout, moving statistics. One call at a time.
class Predictor {
 public:
  Predictor() = default;
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;
  virtual ~Predictor() = default;

  virtual void set_parameters(std::span<const float> parameters) = 0;

  /// Fills count x outputs probabilities. A result depends on nothing but its image.
  /// Throws Cancelled; `control` advances by images.
  virtual void predict(std::size_t count, const ImageSource& source, std::span<float> probabilities,
                       const JobControl& control) = 0;

  void predict(std::span<const float> images, std::span<float> probabilities, std::size_t image_size) {
    const auto copy = [&](std::size_t first, std::size_t count, float* to) {
      std::copy_n(images.data() + first * image_size, count * image_size, to);
    };
    predict(images.size() / image_size, copy, probabilities, {});
  }

  /// Fills n x outputs numbers before the sigmoid or softmax, for n images: unlike probabilities, they tell apart what
  /// is nearly certain.
  virtual void logits(std::span<const float> images, std::span<float> logits) = 0;
};

/// Says what in an image moved the network: prediction mode, float32. One call at a time.
class InputGradients {
 public:
  InputGradients() = default;
  InputGradients(const InputGradients&) = delete;
  InputGradients& operator=(const InputGradients&) = delete;
  virtual ~InputGradients() = default;

  virtual void set_parameters(std::span<const float> parameters) = 0;

  /// Fills n x height x width x channels derivatives of output `output`, before its sigmoid or softmax, by the
  /// values of n images.
  virtual void input_gradients(std::span<const float> images, std::size_t output, std::span<float> gradients) = 0;
};

}  // namespace cnnc

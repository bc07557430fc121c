#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cnn/engine.hpp"
#include "cnn/optimizer.hpp"

namespace cnnc {

/// A network in training, with its optimiser. One call at a time.
class NetworkTrainer {
 public:
  NetworkTrainer() = default;
  NetworkTrainer(const NetworkTrainer&) = delete;
  NetworkTrainer& operator=(const NetworkTrainer&) = delete;
  virtual ~NetworkTrainer() = default;

  /// Zeros until they are set.
  virtual void set_parameters(std::span<const float> parameters) = 0;
  [[nodiscard]] virtual std::vector<float> parameters() const = 0;
  /// As initial_state until it is set; sizes must be those.
  virtual void set_state(const OptimizerState& state) = 0;
  [[nodiscard]] virtual OptimizerState state() const = 0;

  /// A step: derivatives with dropout masks named by the seed and the steps so far, then update_parameters.
  /// @returns the loss; NaN when it, a derivative or a new parameter is no number. In the first two cases nothing has
  /// changed.
  virtual double step(const LabelledImages& batch, float rate) = 0;

  /// As of GradientEngine, with the parameters of now.
  virtual double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                           std::span<float> gradients) = 0;
};

/// A training on the host with any engine.
[[nodiscard]] std::unique_ptr<NetworkTrainer> make_trainer(const Network& network,
                                                           std::unique_ptr<GradientEngine> engine,
                                                           const OptimizerOptions& options, std::uint64_t seed);

}  // namespace cnnc

#include "cnn/trainer.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace cnnc {
namespace {

class HostTrainer final : public NetworkTrainer {
 public:
  HostTrainer(const Network& network, std::unique_ptr<GradientEngine> engine, const OptimizerOptions& options,
              std::uint64_t seed)
      : network_(network),
        options_(options),
        seed_(seed),
        engine_(std::move(engine)),
        parameters_(network.parameters),
        gradients_(network.parameters),
        state_(initial_state(network, options)) {
    engine_->set_parameters(parameters_);
  }

  void set_parameters(std::span<const float> parameters) override {
    parameters_.assign(parameters.begin(), parameters.end());
    engine_->set_parameters(parameters_);
  }
  std::vector<float> parameters() const override { return parameters_; }
  void set_state(const OptimizerState& state) override { state_ = state; }
  OptimizerState state() const override { return state_; }

  double step(const LabelledImages& batch, float rate) override {
    const DropoutKey key{seed_, static_cast<std::uint32_t>(state_.steps)};
    const double loss = engine_->gradients(batch, key, gradients_);
    // A ReLU turns NaN into 0, so the loss alone may hide what has gone wrong.
    if (!std::isfinite(loss) || !all_finite(gradients_)) return std::numeric_limits<double>::quiet_NaN();
    update_parameters(network_, options_, rate, gradients_, state_, parameters_);
    engine_->set_parameters(parameters_);
    return all_finite(parameters_) ? loss : std::numeric_limits<double>::quiet_NaN();
  }

  double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                   std::span<float> gradients) override {
    return engine_->gradients(batch, dropout, gradients);
  }

 private:
  Network network_;
  OptimizerOptions options_;
  std::uint64_t seed_;
  std::unique_ptr<GradientEngine> engine_;
  std::vector<float> parameters_;
  std::vector<float> gradients_;
  OptimizerState state_;
};

}  // namespace

std::unique_ptr<NetworkTrainer> make_trainer(const Network& network, std::unique_ptr<GradientEngine> engine,
                                             const OptimizerOptions& options, std::uint64_t seed) {
  return std::make_unique<HostTrainer>(network, std::move(engine), options, seed);
}

}  // namespace cnnc

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cnn/optimizer.hpp"
#include "networks.hpp"
#include "test/errors.hpp"

namespace cnnc {
namespace {

/// The published formulas in float64, number by number.
struct Plain {
  OptimizerOptions options;
  std::vector<double> weights, first, second;

  void step(int count, const Network& network, const std::vector<float>& gradients, double rate) {
    for (const PlacedLayer& layer : network.layers) {
      for (const ParameterRange& range : layer.parameters) {
        for (std::size_t i = range.offset; i < range.offset + range.size; ++i) {
          const double g = gradients[i];
          if (!range.trained) {
            const double momentum = std::get<BatchNorm>(layer.layer).momentum;
            weights[i] = momentum * weights[i] + (1 - momentum) * g;
          } else if (options.kind == OptimizerKind::sgd) {
            first[i] = options.momentum * first[i] + g;
            weights[i] -= rate * (options.nesterov ? g + options.momentum * first[i] : first[i]);
          } else {
            if (options.kind == OptimizerKind::adamw && range.decays) weights[i] *= 1 - rate * options.weight_decay;
            first[i] = 0.9 * first[i] + 0.1 * g;
            second[i] = 0.999 * second[i] + 0.001 * g * g;
            const double mean = first[i] / (1 - std::pow(0.9, count));
            const double square = second[i] / (1 - std::pow(0.999, count));
            weights[i] -= rate * mean / (std::sqrt(square) + 1e-7);
          }
        }
      }
    }
  }
};

}  // namespace

TEST_CASE("optimisers follow their formulas over 25 steps") {
  const Network network = place_layers(test::compact(2, true, 4));
  const std::vector<OptimizerOptions> all{{OptimizerKind::sgd, 0.9F, true, 0},
                                          {OptimizerKind::sgd, 0.5F, false, 0},
                                          {OptimizerKind::sgd, 0, false, 0},
                                          {OptimizerKind::adam, 0, false, 0},
                                          {OptimizerKind::adamw, 0, false, 0.1F}};
  for (std::size_t which = 0; which < all.size(); ++which) {
    CAPTURE(which);
    const OptimizerOptions& options = all[which];
    auto weights = test::random_parameters(network, 1);
    OptimizerState state = initial_state(network, options);
    CHECK(state.second.size() == (options.kind == OptimizerKind::sgd ? 0 : network.parameters));
    Plain plain{options, {weights.begin(), weights.end()}, std::vector<double>(weights.size()),
                std::vector<double>(weights.size())};
    RandomSequence random(which, Purpose::kinetics);
    for (int step = 1; step <= 25; ++step) {
      std::vector<float> gradients(network.parameters);
      for (float& g : gradients) g = static_cast<float>(random.uniform(-0.1, 0.1));
      const float rate = 0.01F / static_cast<float>(step);
      update_parameters(network, options, rate, gradients, state, weights);
      plain.step(step, network, gradients, rate);
      CHECK(state.steps == static_cast<std::uint64_t>(step));
    }
    double worst = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      worst = test::larger_error(worst, std::abs(weights[i] - plain.weights[i]) / (std::abs(plain.weights[i]) + 0.1));
    }
    CHECK(worst < 3e-6);
  }
}

TEST_CASE("moving statistics come nearer to the batches' by 1 - momentum each step") {
  // By hand: 1 - 0.8^3 of the way from 1 to 3 is 1.976.
  const Network network = place_layers({{1, 1, 1}, {BatchNorm{0.8F, 1e-3F}, Dense{1, false}, Sigmoid{}}});
  std::vector<float> weights{1, 0, 1, 1, 5};
  OptimizerState state = initial_state(network, {});
  const std::vector<float> gradients{0, 0, 3, 3, 0};
  for (int step = 0; step < 3; ++step) update_parameters(network, {}, 0.1F, gradients, state, weights);
  CHECK(weights[0] == 1.0F);
  CHECK(weights[2] == doctest::Approx(1.976));
  CHECK(weights[3] == doctest::Approx(1.976));
  CHECK(weights[4] == 5.0F);
}

TEST_CASE("an infinity or NaN among many numbers is found") {
  using Limits = std::numeric_limits<float>;
  for (const float bad : {Limits::quiet_NaN(), -Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    for (const std::size_t at : {0UL, 17UL, 99UL}) {
      std::vector<float> numbers(100, Limits::max());
      numbers[50] = Limits::denorm_min();
      CHECK(all_finite(numbers));
      numbers[at] = bad;
      CHECK(!all_finite(numbers));
    }
  }
  CHECK(all_finite({}));
}

}  // namespace cnnc

#pragma once

#include <memory>

#include "cnn/engine.hpp"

namespace cnnc {

/// The network in plain loops and float64: slow and obvious, the judge of all other engines.
[[nodiscard]] std::unique_ptr<GradientEngine> make_reference_gradients(const Network& network);
[[nodiscard]] std::unique_ptr<Predictor> make_reference_predictor(const Network& network);
[[nodiscard]] std::unique_ptr<InputGradients> make_reference_input_gradients(const Network& network);

}  // namespace cnnc

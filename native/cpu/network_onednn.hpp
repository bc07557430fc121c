#pragma once

#include <memory>
#include <string>

#include "cnn/engine.hpp"

namespace cnnc {

/// Version of the oneDNN library that is linked, or empty where the build has none; then the makers throw Error
/// ONEDNN_MISSING.
[[nodiscard]] std::string onednn_version();

/// Whether this processor computes in bfloat16.
[[nodiscard]] bool has_bf16() noexcept;

/// The instruction set that oneDNN uses here, e.g. `avx512_core_bf16`: other ones may give other last bits. Empty in a
/// build without oneDNN.
[[nodiscard]] std::string onednn_isa();

/// @throws Error BF16_UNAVAILABLE
void require_precision(Precision precision);

/// Networks on oneDNN, on threads of their own. Throw what require_precision throws.
[[nodiscard]] std::unique_ptr<GradientEngine> make_onednn_gradients(const Network& network,
                                                                    const EngineOptions& options);
[[nodiscard]] std::unique_ptr<Predictor> make_onednn_predictor(const Network& network, const EngineOptions& options);
/// In float32, whatever the options say.
[[nodiscard]] std::unique_ptr<InputGradients> make_onednn_input_gradients(const Network& network,
                                                                          const EngineOptions& options);

}  // namespace cnnc

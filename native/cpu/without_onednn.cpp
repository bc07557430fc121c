#include "core/error.hpp"
#include "cpu/network_onednn.hpp"

namespace cnnc {
namespace {

[[noreturn]] void missing() {
  throw Error("ONEDNN_MISSING", "cnnc was built without oneDNN");
}

}  // namespace

std::string onednn_version() { return ""; }
std::string onednn_isa() { return ""; }
bool has_bf16() noexcept { return false; }
void require_precision(Precision /*precision*/) { missing(); }

std::unique_ptr<GradientEngine> make_onednn_gradients(const Network& /*network*/, const EngineOptions& /*options*/) {
  missing();
}
std::unique_ptr<Predictor> make_onednn_predictor(const Network& /*network*/, const EngineOptions& /*options*/) {
  missing();
}
std::unique_ptr<InputGradients> make_onednn_input_gradients(const Network& /*network*/,
                                                            const EngineOptions& /*options*/) {
  missing();
}

}  // namespace cnnc

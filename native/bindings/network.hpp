#pragma once

#include <memory>

#include "bindings/tagged.hpp"
#include "cnn/engine.hpp"
#include "cnn/trainer.hpp"
#include "cuda/gradients_cuda.hpp"
#include "cuda/network_cuda.hpp"

namespace cnnc::bindings {

/// JavaScript's handle of a network in training: engine, parameters and optimiser. While a call runs, any other one
/// is refused with Error BUSY.
class Trainer : public Napi::ObjectWrap<Trainer> {
 public:
  static constexpr const char* kName = "Trainer";
  static constexpr napi_type_tag kTag{0x5d0b7c1e93a2486f, 0xa7e41f60c8d92b35};
  static Napi::Function define(Napi::Env env);
  explicit Trainer(const Napi::CallbackInfo& info);

  struct State {
    Network network;
    std::unique_ptr<NetworkTrainer> trainer;
    CudaTrainer* cuda = nullptr;  ///< the trainer, if it is on a GPU
    bool busy = false;
  };

 private:
  Napi::Value hold(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value step_rows(const Napi::CallbackInfo& info);
  Napi::Value gradients(const Napi::CallbackInfo& info);
  Napi::Value parameters(const Napi::CallbackInfo& info);
  Napi::Value set_parameters(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value set_state(const Napi::CallbackInfo& info);

  std::shared_ptr<State> state_;
  Napi::ObjectReference held_;  ///< histograms that steps may name by row
};

/// JavaScript's handle of a network that gives probabilities. While a call runs, any other one is refused with Error
/// BUSY.
class NativePredictor : public Napi::ObjectWrap<NativePredictor> {
 public:
  static constexpr const char* kName = "Predictor";
  static constexpr napi_type_tag kTag{0x27c6e8a10f5b4d93, 0x8e5a3d71b64c02f8};
  static Napi::Function define(Napi::Env env);
  explicit NativePredictor(const Napi::CallbackInfo& info);

  struct State {
    Network network;
    EngineOptions options;
    std::unique_ptr<Predictor> engine;
    CudaPredictor* cuda = nullptr;  ///< the engine, if it is on a GPU
    std::vector<float> parameters;
    bool busy = false;
  };

 private:
  Napi::Value set_parameters(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value logits(const Napi::CallbackInfo& info);
  /// What `fill` makes of images: `outputs` numbers for each.
  Napi::Value answers(const Napi::CallbackInfo& info,
                      void (*fill)(State& state, std::span<const float> images, std::span<float> answers));
  Napi::Value predict_counts(const Napi::CallbackInfo& info);
  Napi::Value score_pairs(const Napi::CallbackInfo& info);
  Napi::Value input_gradients(const Napi::CallbackInfo& info);

  std::shared_ptr<State> state_;
};

/// buildImages(counts, cells, kinds, rows, swapped, out)
Napi::Value build_images(const Napi::CallbackInfo& info);

}  // namespace cnnc::bindings

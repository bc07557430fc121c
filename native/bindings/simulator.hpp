#pragma once

#include <memory>

#include "bindings/napi_setup.hpp"
#include "simulation/simulate.hpp"

namespace cnnc::bindings {

/// JavaScript's handle of a simulated regulatory network and its cells.
class Simulator : public Napi::ObjectWrap<Simulator> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Simulator(const Napi::CallbackInfo& info);

 private:
  struct State {
    GeneNetwork network;
    Simulation simulation;
  };

  Napi::Value network(const Napi::CallbackInfo& info);
  Napi::Value simulate(const Napi::CallbackInfo& info);

  std::shared_ptr<const State> state_;
};

}  // namespace cnnc::bindings

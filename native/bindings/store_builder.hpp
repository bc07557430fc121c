#pragma once

#include <memory>

#include "bindings/napi_setup.hpp"
#include "core/store_builder.hpp"

namespace cnnc::bindings {

/// JavaScript's handle of a store under construction. One call at a time: a second one while a
/// promise is pending throws BUSY.
class Builder : public Napi::ObjectWrap<Builder> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Builder(const Napi::CallbackInfo& info);

 private:
  /// Shared with the running job, which may outlive this object.
  struct State {
    explicit State(StoreOptions options) : builder(std::move(options)) {}
    StoreBuilder builder;
    bool busy = false;  ///< only touched on the JavaScript thread
  };

  Napi::Value needs_totals(const Napi::CallbackInfo& info);
  template <void (StoreBuilder::*Pass)(const Block&)>
  Napi::Value pass(const Napi::CallbackInfo& info);
  Napi::Value end_scan(const Napi::CallbackInfo& info);
  Napi::Value begin_fill(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info, const std::vector<Napi::Value>& keep, std::function<void(State&)> work,
                  std::function<Napi::Value(Napi::Env, State&)> resolve);

  void require_idle(Napi::Env env) const;

  std::shared_ptr<State> state_;
};

}  // namespace cnnc::bindings

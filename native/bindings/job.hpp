#pragma once

#include <atomic>
#include <memory>

#include "bindings/napi_setup.hpp"
#include "bindings/tagged.hpp"
#include "core/parallel.hpp"

namespace cnnc::bindings {

/// What JavaScript and a running native job share: a flag to stop it, and how far it is.
class Job : public Napi::ObjectWrap<Job> {
 public:
  static constexpr const char* kName = "Job";
  static constexpr napi_type_tag kTag{0x8f4c1d6b2a9e4f07, 0xb1d35c7e60824a9f};
  struct State {
    std::atomic<bool> cancel{false};
    std::atomic<std::uint64_t> done{0};
    [[nodiscard]] JobControl control() noexcept { return {&cancel, &done}; }
  };

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Job", {InstanceMethod<&Job::cancel>("cancel"), InstanceAccessor<&Job::done>("done")});
  }
  explicit Job(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Job>(info), state_(std::make_shared<State>()) {
    tag_as<Job>(info);
  }

  [[nodiscard]] const std::shared_ptr<State>& shared() const noexcept { return state_; }

 private:
  Napi::Value cancel(const Napi::CallbackInfo& info) {
    state_->cancel = true;
    return info.Env().Undefined();
  }
  Napi::Value done(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(state_->done.load()));
  }

  std::shared_ptr<State> state_;
};

}  // namespace cnnc::bindings

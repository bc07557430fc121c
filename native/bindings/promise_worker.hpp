#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "bindings/napi_setup.hpp"
#include "core/error.hpp"

namespace cnnc::bindings {

/// A JavaScript Error with `code`, and `cell` and `gene` where the native error has them.
inline Napi::Error to_js_error(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, error.what());
  js.Set("code", error.code());
  if (error.cell() >= 0) js.Set("cell", static_cast<double>(error.cell()));
  if (error.gene() >= 0) js.Set("gene", static_cast<double>(error.gene()));
  return js;
}

/// Calls a function, turning whatever it throws into a cnnc::Error; JavaScript's own errors pass.
template <class Function>
void translate_exceptions(Function&& function) {
  try {
    function();
  } catch (const Error&) {
    throw;
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error("OUT_OF_MEMORY", "there is not enough memory");
  } catch (const std::exception& error) {
    throw Error("INTERNAL", error.what());
  }
}

/// Runs `execute` on a worker thread (no V8 there), then, on the JavaScript thread, `settled` and, unless
/// there was an error, `resolve(env)`.
/// `keep` are the JavaScript values whose memory `execute` reads or writes: they stay alive until it ends.
class PromiseWorker : public Napi::AsyncWorker {
 public:
  using Resolve = std::function<Napi::Value(Napi::Env)>;

  static Napi::Promise run(Napi::Env env, const std::vector<Napi::Value>& keep, std::function<void()> execute,
                           Resolve resolve, std::function<void()> settled = [] {}) {
    // Napi::AsyncWorker deletes itself when it is done.
    auto worker = std::unique_ptr<PromiseWorker>(
        new PromiseWorker(env, std::move(execute), std::move(resolve), std::move(settled)));
    for (const Napi::Value& value : keep) {
      if (value.IsObject()) worker->keep_.push_back(Napi::Persistent(value.As<Napi::Object>()));
    }
    const Napi::Promise promise = worker->deferred_.Promise();
    worker.release()->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    try {
      translate_exceptions(execute_);
    } catch (const Error& error) {
      failure_ = std::make_unique<Error>(error);
    }
  }

  void OnOK() override {
    try {
      settle();
    } catch (const Napi::Error&) {
      // The thread or process is being ended: nobody is left to be told, and throwing would abort it.
    }
  }

 private:
  void settle() {
    const Napi::HandleScope scope(Env());
    settled_();
    if (failure_) {
      deferred_.Reject(to_js_error(Env(), *failure_).Value());
      return;
    }
    try {
      deferred_.Resolve(resolve_(Env()));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

  PromiseWorker(Napi::Env env, std::function<void()> execute, Resolve resolve, std::function<void()> settled)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        execute_(std::move(execute)),
        resolve_(std::move(resolve)),
        settled_(std::move(settled)) {}

  Napi::Promise::Deferred deferred_;
  std::function<void()> execute_;
  Resolve resolve_;
  std::function<void()> settled_;
  std::vector<Napi::ObjectReference> keep_;
  std::unique_ptr<Error> failure_;
};

inline Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

}  // namespace cnnc::bindings

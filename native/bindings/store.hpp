#pragma once

#include <memory>

#include "bindings/napi_setup.hpp"
#include "core/expression_store.hpp"

namespace cnnc::bindings {

/// JavaScript's handle of a finished store.
class Store : public Napi::ObjectWrap<Store> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object create(Napi::Env env, std::shared_ptr<const ExpressionStore> store);
  explicit Store(const Napi::CallbackInfo& info);

  [[nodiscard]] const std::shared_ptr<const ExpressionStore>& shared() const noexcept { return store_; }

 private:
  Napi::Value cells(const Napi::CallbackInfo& info);
  Napi::Value genes(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value entries(const Napi::CallbackInfo& info);
  Napi::Value gene_arrays(const Napi::CallbackInfo& info);

  std::shared_ptr<const ExpressionStore> store_;
};

}  // namespace cnnc::bindings

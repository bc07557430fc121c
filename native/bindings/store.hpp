#pragma once

#include <memory>

#include "bindings/tagged.hpp"
#include "core/association.hpp"
#include "core/expression_store.hpp"

namespace cnnc::bindings {

/// JavaScript's handle of a finished store.
class Store : public Napi::ObjectWrap<Store> {
 public:
  static constexpr const char* kName = "Store";
  static constexpr napi_type_tag kTag{0x3b7e92d45c1f4a68, 0x94e06fa1d82b4c53};
  static Napi::Function define(Napi::Env env);
  static Napi::Object create(Napi::Env env, std::shared_ptr<const ExpressionStore> store);
  explicit Store(const Napi::CallbackInfo& info);

  [[nodiscard]] const std::shared_ptr<const ExpressionStore>& shared() const noexcept { return store_; }
  /// The store's association measures; made on the first call, so that what they keep is made once.
  [[nodiscard]] const std::shared_ptr<Associations>& associations();

 private:
  Napi::Value cells(const Napi::CallbackInfo& info);
  Napi::Value genes(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value entries(const Napi::CallbackInfo& info);
  Napi::Value gene_arrays(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);

  std::shared_ptr<const ExpressionStore> store_;
  std::shared_ptr<Associations> associations_;
};

}  // namespace cnnc::bindings

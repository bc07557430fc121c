#include "bindings/store.hpp"

#include <numeric>
#include <utility>

#include "bindings/typed_arrays.hpp"

namespace cnnc::bindings {
namespace {

struct Constructor {
  Napi::FunctionReference store;
};

template <class Row>
std::span<const typename Row::value_type> flat(const std::vector<Row>& rows) {
  return {rows.empty() ? nullptr : rows.front().data(), rows.size() * std::tuple_size_v<Row>};
}

}  // namespace

Napi::Function Store::define(Napi::Env env) {
  const Napi::Function store = DefineClass(env, "Store",
                                           {InstanceAccessor<&Store::cells>("cells"),
                                            InstanceAccessor<&Store::genes>("genes"),
                                            InstanceAccessor<&Store::bytes>("bytes"),
                                            InstanceAccessor<&Store::entries>("entries"),
                                            InstanceMethod<&Store::gene_arrays>("geneArrays"),
                                            InstanceMethod<&Store::release>("release")});
  auto data = std::make_unique<Constructor>();
  data->store = Napi::Persistent(store);
  env.SetInstanceData(data.release());
  return store;
}

Napi::Object Store::create(Napi::Env env, std::shared_ptr<const ExpressionStore> store) {
  const Napi::Object object = env.GetInstanceData<Constructor>()->store.New({});
  Unwrap(object)->store_ = std::move(store);
  return object;
}

Store::Store(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Store>(info), store_(std::make_shared<const ExpressionStore>()) {
  tag_as<Store>(info);
}

const std::shared_ptr<Associations>& Store::associations() {
  if (!associations_) associations_ = std::make_shared<Associations>(store_);
  return associations_;
}

Napi::Value Store::cells(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), store_->cells); }

Napi::Value Store::genes(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), store_->genes); }

Napi::Value Store::bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(store_->bytes()));
}

Napi::Value Store::entries(const Napi::CallbackInfo& info) {
  const auto total = std::accumulate(store_->stored.begin(), store_->stored.end(), std::uint64_t{0});
  return Napi::Number::New(info.Env(), static_cast<double>(total));
}

/// Jobs that are running keep what they work on.
Napi::Value Store::release(const Napi::CallbackInfo& info) {
  associations_.reset();
  store_ = std::make_shared<const ExpressionStore>();
  return info.Env().Undefined();
}

Napi::Value Store::gene_arrays(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object arrays = Napi::Object::New(env);
  arrays.Set("edges", copy_to_js<Napi::Float64Array>(env, flat(store_->edges)));
  arrays.Set("marginal", copy_to_js<Napi::Uint32Array>(env, flat(store_->marginal)));
  arrays.Set("expressing", copy_to_js<Napi::Uint32Array>(env, std::span<const std::uint32_t>(store_->expressing)));
  arrays.Set("constant", copy_to_js<Napi::Uint8Array>(env, std::span<const std::uint8_t>(store_->constant)));
  arrays.Set("stored", copy_to_js<Napi::Uint32Array>(env, std::span<const std::uint32_t>(store_->stored)));
  arrays.Set("zeroBin", copy_to_js<Napi::Uint8Array>(env, std::span<const std::uint8_t>(store_->zero_bin)));
  return arrays;
}

}  // namespace cnnc::bindings

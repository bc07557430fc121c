#pragma once

#include "bindings/napi_setup.hpp"

namespace cnnc::bindings {

/// The object behind a JavaScript argument. Each wrapped class T has a random `T::kTag`, given to its
/// objects by tag_as: an object of another class is a TypeError, not foreign memory.
template <class T>
T* unwrap(const Napi::Value& value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&T::kTag)) {
    throw Napi::TypeError::New(value.Env(), std::string("a ") + T::kName + " is expected");
  }
  return T::Unwrap(value.As<Napi::Object>());
}

template <class T>
void tag_as(const Napi::CallbackInfo& info) {
  info.This().As<Napi::Object>().TypeTag(&T::kTag);
}

}  // namespace cnnc::bindings

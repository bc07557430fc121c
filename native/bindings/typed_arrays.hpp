#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

#include "bindings/napi_setup.hpp"
#include "core/store_builder.hpp"

namespace cnnc::bindings {

/// The typed array whose elements are T.
template <class T>
inline constexpr napi_typedarray_type kArrayType = std::is_same_v<T, float>    ? napi_float32_array
                                                   : std::is_same_v<T, double> ? napi_float64_array
                                                   : sizeof(T) == 1 ? (std::is_signed_v<T> ? napi_int8_array : napi_uint8_array)
                                                   : sizeof(T) == 2 ? (std::is_signed_v<T> ? napi_int16_array : napi_uint16_array)
                                                   : sizeof(T) == 4 ? (std::is_signed_v<T> ? napi_int32_array : napi_uint32_array)
                                                   : (std::is_signed_v<T> ? napi_bigint64_array : napi_biguint64_array);

/// View of a typed array with elements T. Throws a JavaScript TypeError for any other.
template <class T>
std::span<T> view_of(const Napi::Value& value) {
  using Plain = std::remove_const_t<T>;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != kArrayType<Plain>) {
    throw Napi::TypeError::New(value.Env(), "a typed array of another element type is expected");
  }
  auto array = value.As<Napi::TypedArrayOf<Plain>>();
  return {array.Data(), array.ElementLength()};
}

/// View of any numeric typed array.
inline Numbers numbers_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Napi::TypeError::New(value.Env(), "a typed array is expected");
  switch (value.As<Napi::TypedArray>().TypedArrayType()) {
    case napi_int8_array:
      return view_of<const std::int8_t>(value);
    case napi_uint8_array:
      return view_of<const std::uint8_t>(value);
    case napi_int16_array:
      return view_of<const std::int16_t>(value);
    case napi_uint16_array:
      return view_of<const std::uint16_t>(value);
    case napi_int32_array:
      return view_of<const std::int32_t>(value);
    case napi_uint32_array:
      return view_of<const std::uint32_t>(value);
    case napi_bigint64_array:
      return view_of<const std::int64_t>(value);
    case napi_biguint64_array:
      return view_of<const std::uint64_t>(value);
    case napi_float32_array:
      return view_of<const float>(value);
    case napi_float64_array:
      return view_of<const double>(value);
    default:
      throw Napi::TypeError::New(value.Env(), "a numeric typed array is expected");
  }
}

/// A new typed array holding a copy.
template <class Array, class T>
Array copy_to_js(Napi::Env env, std::span<const T> source) {
  Array array = Array::New(env, source.size());
  std::copy(source.begin(), source.end(), array.Data());
  return array;
}

}  // namespace cnnc::bindings

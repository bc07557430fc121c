#include "bindings/histograms.hpp"

#include "bindings/job.hpp"
#include "bindings/promise_worker.hpp"
#include "bindings/store.hpp"
#include "bindings/typed_arrays.hpp"
#include "core/devices.hpp"

namespace cnnc::bindings {
namespace {

HistogramOutput output_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Napi::TypeError::New(value.Env(), "a typed array is expected");
  switch (value.As<Napi::TypedArray>().TypedArrayType()) {
    case napi_uint8_array:
      return view_of<std::uint8_t>(value);
    case napi_uint16_array:
      return view_of<std::uint16_t>(value);
    case napi_float32_array:
      return view_of<float>(value);
    default:
      return view_of<std::uint32_t>(value);
  }
}

}  // namespace

Napi::Value build_histograms(const Napi::CallbackInfo& info) {
  const auto store = unwrap<Store>(info[0])->shared();
  const Pairs pairs{view_of<const std::uint32_t>(info[1]), view_of<const std::uint32_t>(info[2])};
  const HistogramOutput out = output_of(info[3]);
  const bool on_gpu = info[4].ToString().Utf8Value() == "cuda";
  const unsigned threads = info[5].ToNumber().Uint32Value();
  const auto job = unwrap<Job>(info[6])->shared();
  return PromiseWorker::run(
      info.Env(), {info[1], info[2], info[3]},
      [=] {
        if (on_gpu) {
          histograms_cuda(*store, pairs, out, job->control());
        } else {
          histograms_cpu(*store, pairs, out, threads, job->control());
        }
      },
      undefined);
}

}  // namespace cnnc::bindings

#pragma once

#include "bindings/napi_setup.hpp"

namespace cnnc::bindings {

/// buildHistograms(store, a, b, out, device, threads, job): Promise<void>
Napi::Value build_histograms(const Napi::CallbackInfo& info);

}  // namespace cnnc::bindings

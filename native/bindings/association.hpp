#pragma once

#include "bindings/napi_setup.hpp"

namespace cnnc::bindings {

/// associations(store, measure, a, b, out, threads, job): Promise<void>
Napi::Value associations(const Napi::CallbackInfo& info);

/// partialCorrelations(store, genes, a, b, out, threads, job): Promise<number>, lambda
Napi::Value partial_correlations(const Napi::CallbackInfo& info);

}  // namespace cnnc::bindings

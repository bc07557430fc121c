#pragma once

#include "bindings/napi_setup.hpp"

namespace cnnc::bindings {

/// writeEntries(store, places, job): Promise<{ cells, values? }>
Napi::Value write_entries(const Napi::CallbackInfo& info);
/// readEntries(prepared, places, genes, threads, job): Promise<Store>
Napi::Value read_entries(const Napi::CallbackInfo& info);

}  // namespace cnnc::bindings

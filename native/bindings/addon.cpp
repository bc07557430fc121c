#include "bindings/association.hpp"
#include "bindings/boosting.hpp"
#include "bindings/histograms.hpp"
#include "bindings/job.hpp"
#include "bindings/network.hpp"
#include "bindings/prepared_store.hpp"
#include "bindings/simulator.hpp"
#include "bindings/store.hpp"
#include "bindings/store_builder.hpp"
#include "boosting/boosting.hpp"
#include "core/devices.hpp"
#include "cpu/network_onednn.hpp"

namespace cnnc::bindings {
namespace {

/// systemInfo(): what this machine offers to the native code.
Napi::Value system_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const GpuStatus status = gpu_status();
  Napi::Array gpus = Napi::Array::New(env);
  for (const Gpu& gpu : status.gpus) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("index", gpu.index);
    object.Set("name", gpu.name);
    object.Set("memoryBytes", static_cast<double>(gpu.memory_bytes));
    gpus.Set(gpus.Length(), object);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("threads", granted_cpus());
  result.Set("cpuKernel", cpu_kernel_name());
  result.Set("onednn", onednn_version());
  result.Set("onednnIsa", onednn_isa());
  result.Set("xgboost", xgboost_version());
  result.Set("bf16", has_bf16());
  result.Set("gpuBuilt", status.built);
  result.Set("gpuProblem", status.problem);
  result.Set("gpus", gpus);
  return result;
}

}  // namespace

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("Store", Store::define(env));
  exports.Set("StoreBuilder", Builder::define(env));
  exports.Set("Job", Job::define(env));
  exports.Set("Simulator", Simulator::define(env));
  exports.Set("associations", Napi::Function::New<associations>(env, "associations"));
  exports.Set("partialCorrelations", Napi::Function::New<partial_correlations>(env, "partialCorrelations"));
  exports.Set("geneFeatures", Napi::Function::New<gene_features>(env, "geneFeatures"));
  exports.Set("boostClasses", Napi::Function::New<boost_classes>(env, "boostClasses"));
  exports.Set("treeImportances", Napi::Function::New<tree_importances>(env, "treeImportances"));
  exports.Set("Trainer", Trainer::define(env));
  exports.Set("Predictor", NativePredictor::define(env));
  exports.Set("buildImages", Napi::Function::New<build_images>(env, "buildImages"));
  exports.Set("buildHistograms", Napi::Function::New<build_histograms>(env, "buildHistograms"));
  exports.Set("writeEntries", Napi::Function::New<write_entries>(env, "writeEntries"));
  exports.Set("readEntries", Napi::Function::New<read_entries>(env, "readEntries"));
  exports.Set("systemInfo", Napi::Function::New<system_info>(env, "systemInfo"));
  return exports;
}

static Napi::Object init(Napi::Env env, Napi::Object exports) { return initialise(env, exports); }

NODE_API_MODULE(cnnc, init)

}  // namespace cnnc::bindings

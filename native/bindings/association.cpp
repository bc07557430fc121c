#include "bindings/association.hpp"

#include "bindings/job.hpp"
#include "bindings/promise_worker.hpp"
#include "bindings/store.hpp"
#include "bindings/typed_arrays.hpp"
#include "core/association.hpp"

namespace cnnc::bindings {
namespace {

Measure measure_of(const Napi::Value& value) {
  const std::string name = value.ToString();
  if (name == "pearson") return Measure::pearson;
  if (name == "spearman") return Measure::spearman;
  if (name == "mutual-information") return Measure::mutual_information;
  throw Napi::TypeError::New(value.Env(), "there is no association measure " + name);
}

}  // namespace

Napi::Value associations(const Napi::CallbackInfo& info) {
  const auto calculator = unwrap<Store>(info[0])->associations();
  const Measure measure = measure_of(info[1]);
  const Pairs pairs{view_of<const std::uint32_t>(info[2]), view_of<const std::uint32_t>(info[3])};
  const auto out = view_of<float>(info[4]);
  const unsigned threads = info[5].ToNumber().Uint32Value();
  const auto job = unwrap<Job>(info[6])->shared();
  return PromiseWorker::run(
      info.Env(), {info[2], info[3], info[4]},
      [=] { calculator->compute(measure, pairs, out, threads, job->control()); }, undefined);
}

}  // namespace cnnc::bindings

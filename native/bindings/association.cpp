#include "bindings/association.hpp"

#include <memory>

#include "bindings/job.hpp"
#include "bindings/promise_worker.hpp"
#include "bindings/store.hpp"
#include "bindings/typed_arrays.hpp"
#include "core/association.hpp"
#include "core/partial_correlation.hpp"

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

Napi::Value partial_correlations(const Napi::CallbackInfo& info) {
  const auto store = unwrap<Store>(info[0])->shared();
  const auto calculator = unwrap<Store>(info[0])->associations();
  const auto genes = view_of<const std::uint32_t>(info[1]);
  const Pairs pairs{view_of<const std::uint32_t>(info[2]), view_of<const std::uint32_t>(info[3])};
  const auto out = view_of<float>(info[4]);
  const unsigned threads = info[5].ToNumber().Uint32Value();
  const auto job = unwrap<Job>(info[6])->shared();
  const auto lambda = std::make_shared<double>();
  return PromiseWorker::run(
      info.Env(), {info[1], info[2], info[3], info[4]},
      [=] {
        const PartialCorrelations partial(store, *calculator, genes, threads, job->control());
        partial.scores(pairs, out);
        *lambda = partial.lambda();
      },
      [lambda](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *lambda); });
}

}  // namespace cnnc::bindings

#include "bindings/boosting.hpp"

#include "bindings/job.hpp"
#include "bindings/promise_worker.hpp"
#include "bindings/store.hpp"
#include "bindings/typed_arrays.hpp"
#include "boosting/boosting.hpp"
#include "core/gene_features.hpp"

namespace cnnc::bindings {
namespace {

TreeGrowth growth_of(const Napi::Value& value) {
  const Napi::Object object = value.ToObject();
  const auto number = [&](const char* name) { return object.Get(name).ToNumber().DoubleValue(); };
  TreeGrowth growth;
  growth.rounds = object.Get("rounds").ToNumber().Uint32Value();
  growth.depth = object.Get("depth").ToNumber().Uint32Value();
  growth.rate = number("rate");
  growth.row_share = number("rowShare");
  growth.column_share = number("columnShare");
  growth.min_child_weight = number("minChildWeight");
  // TypeScript checks seeds; any other number must only not be converted, which is undefined.
  const double seed = number("seed");
  growth.seed = seed >= 0 && seed < 0x1p64 ? static_cast<std::uint64_t>(seed) : 0;
  return growth;
}

unsigned whole(const Napi::Value& value) { return value.ToNumber().Uint32Value(); }

}  // namespace

Napi::Value gene_features(const Napi::CallbackInfo& info) {
  const auto store = unwrap<Store>(info[0])->shared();
  const auto genes = view_of<const std::uint32_t>(info[1]);
  const auto out = view_of<float>(info[2]);
  const unsigned threads = whole(info[3]);
  const auto job = unwrap<Job>(info[4])->shared();
  return PromiseWorker::run(
      info.Env(), {info[1], info[2]}, [=] { cnnc::gene_features(*store, genes, out, threads, job->control()); },
      undefined);
}

Napi::Value boost_classes(const Napi::CallbackInfo& info) {
  const std::size_t columns = whole(info[4]);
  const Table training{view_of<const float>(info[0]), columns};
  const auto labels = view_of<const std::uint8_t>(info[1]);
  const unsigned classes = whole(info[2]);
  const Table test{view_of<const float>(info[3]), columns};
  const unsigned bags = whole(info[5]);
  const TreeGrowth growth = growth_of(info[6]);
  const auto out = view_of<float>(info[7]);
  const unsigned threads = whole(info[8]);
  const auto job = unwrap<Job>(info[9])->shared();
  return PromiseWorker::run(
      info.Env(), {info[0], info[1], info[3], info[7]},
      [=] { cnnc::boost_classes(training, labels, classes, test, bags, growth, out, threads, job->control()); },
      undefined);
}

Napi::Value tree_importances(const Napi::CallbackInfo& info) {
  const auto store = unwrap<Store>(info[0])->shared();
  const auto regulators = view_of<const std::uint32_t>(info[1]);
  const auto targets = view_of<const std::uint32_t>(info[2]);
  const TreeGrowth growth = growth_of(info[3]);
  const unsigned patience = whole(info[4]);
  const auto out = view_of<float>(info[5]);
  const unsigned threads = whole(info[6]);
  const auto job = unwrap<Job>(info[7])->shared();
  return PromiseWorker::run(
      info.Env(), {info[1], info[2], info[5]},
      [=] { cnnc::tree_importances(*store, regulators, targets, growth, patience, out, threads, job->control()); },
      undefined);
}

}  // namespace cnnc::bindings

#include "bindings/prepared_store.hpp"

#include <utility>

#include "bindings/job.hpp"
#include "bindings/promise_worker.hpp"
#include "bindings/store.hpp"
#include "bindings/typed_arrays.hpp"
#include "core/prepared_store.hpp"

namespace cnnc::bindings {
namespace {

EntryPlaces places_of(const Napi::Object& object) {
  const auto position = [&](const char* name) {
    return static_cast<std::uint64_t>(object.Get(name).ToNumber().DoubleValue());
  };
  return {object.Get("file").ToNumber().Int32Value(), position("cellIds"), position("bins"), position("values")};
}

/// Views of the object's typed arrays, and the arrays themselves, which must outlive the views.
std::pair<PreparedGenes, std::vector<Napi::Value>> genes_of(const Napi::Object& object) {
  std::vector<Napi::Value> arrays;
  const auto array = [&](const char* name) { return arrays.emplace_back(object.Get(name)); };
  PreparedGenes genes;
  genes.cells = object.Get("cells").ToNumber().Uint32Value();
  genes.first = view_of<const std::uint64_t>(array("first"));
  genes.zero_bin = view_of<const std::uint8_t>(array("zeroBin"));
  genes.marginal = view_of<const std::uint32_t>(array("marginal"));
  genes.edges = view_of<const double>(array("edges"));
  genes.expressing = view_of<const std::uint32_t>(array("expressing"));
  genes.constant = view_of<const std::uint8_t>(array("constant"));
  genes.cell_checks = view_of<const std::uint64_t>(array("cellChecks"));
  if (!object.Get("valueChecks").IsUndefined()) {
    genes.value_checks = view_of<const std::uint64_t>(array("valueChecks"));
  }
  return {genes, arrays};
}

}  // namespace

Napi::Value write_entries(const Napi::CallbackInfo& info) {
  const auto store = unwrap<Store>(info[0])->shared();
  const EntryPlaces places = places_of(info[1].ToObject());
  const auto job = unwrap<Job>(info[2])->shared();
  const auto checks = std::make_shared<EntryChecks>();
  return PromiseWorker::run(
      info.Env(), {}, [=] { *checks = cnnc::write_entries(*store, places, job->control()); },
      [checks](Napi::Env env) -> Napi::Value {
        const auto copy = [&](const std::vector<std::uint64_t>& sums) {
          return copy_to_js<Napi::BigUint64Array>(env, std::span<const std::uint64_t>(sums));
        };
        Napi::Object result = Napi::Object::New(env);
        result.Set("cells", copy(checks->cells));
        if (!checks->values.empty()) result.Set("values", copy(checks->values));
        return result;
      });
}

Napi::Value read_entries(const Napi::CallbackInfo& info) {
  auto [prepared, keep] = genes_of(info[0].ToObject());
  const EntryPlaces places = places_of(info[1].ToObject());
  const auto genes = view_of<const std::uint32_t>(info[2]);
  const unsigned threads = info[3].ToNumber().Uint32Value();
  const auto job = unwrap<Job>(info[4])->shared();
  keep.push_back(info[2]);
  const auto store = std::make_shared<std::shared_ptr<const ExpressionStore>>();
  return PromiseWorker::run(
      info.Env(), keep,
      [=, prepared = prepared] {
        *store = std::make_shared<const ExpressionStore>(
            cnnc::read_entries(prepared, places, genes, threads, job->control()));
      },
      [store](Napi::Env env) -> Napi::Value { return Store::create(env, std::move(*store)); });
}

}  // namespace cnnc::bindings

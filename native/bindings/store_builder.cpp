#include "bindings/store_builder.hpp"

#include <utility>

#include "bindings/promise_worker.hpp"
#include "bindings/store.hpp"
#include "bindings/typed_arrays.hpp"

namespace cnnc::bindings {
namespace {

std::vector<std::int32_t> copy_of(const Napi::Value& value) {
  const auto view = view_of<const std::int32_t>(value);
  return {view.begin(), view.end()};
}

StoreOptions options_of(const Napi::Object& object) {
  const auto number = [&](const char* name) { return object.Get(name).ToNumber().DoubleValue(); };
  StoreOptions options;
  options.file_cells = static_cast<std::uint64_t>(number("fileCells"));
  options.file_genes = static_cast<std::uint64_t>(number("fileGenes"));
  options.cell_of = copy_of(object.Get("cellOf"));
  options.gene_of = copy_of(object.Get("geneOf"));
  options.cells = object.Get("cells").ToNumber().Uint32Value();
  options.genes = object.Get("genes").ToNumber().Uint32Value();
  options.major = object.Get("majorAxis").ToString().Utf8Value() == "gene" ? MajorAxis::gene : MajorAxis::cell;
  const std::string scale = object.Get("scale").ToString();
  options.scale = scale == "counts" ? Scale::counts : scale == "log1p" ? Scale::log1p : Scale::linear;
  options.log_base = number("logBase");
  const std::string transform = object.Get("transform").ToString();
  options.transform =
      transform == "log10" ? Transform::log10 : transform == "log1p" ? Transform::log1p : Transform::none;
  options.keep_values = object.Get("keepValues").ToBoolean();
  options.threads = object.Get("threads").ToNumber().Uint32Value();
  return options;
}

/// The typed arrays of a block; they must outlive it.
Block block_of(const Napi::Object& object) {
  Block block{static_cast<std::uint64_t>(object.Get("first").ToNumber().DoubleValue()),
              static_cast<std::uint64_t>(object.Get("count").ToNumber().DoubleValue()),
              {},
              std::nullopt,
              numbers_of(object.Get("values"))};
  if (object.Get("kind").ToString().Utf8Value() == "sparse") {
    block.offsets = view_of<const std::uint32_t>(object.Get("indptr"));
    block.indices = numbers_of(object.Get("indices"));
  }
  return block;
}

}  // namespace

Napi::Function Builder::define(Napi::Env env) {
  return DefineClass(env, "StoreBuilder",
                     {InstanceAccessor<&Builder::needs_totals>("needsTotals"),
                      InstanceMethod<&Builder::pass<&StoreBuilder::totals>>("totals"),
                      InstanceMethod<&Builder::pass<&StoreBuilder::scan>>("scan"),
                      InstanceMethod<&Builder::end_scan>("endScan"),
                      InstanceMethod<&Builder::begin_fill>("beginFill"),
                      InstanceMethod<&Builder::pass<&StoreBuilder::fill>>("fill"),
                      InstanceMethod<&Builder::finish>("finish")});
}

Builder::Builder(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Builder>(info) {
  StoreOptions options = options_of(info[0].ToObject());
  try {
    translate_exceptions([&] { state_ = std::make_shared<State>(std::move(options)); });
  } catch (const Error& error) {
    throw to_js_error(info.Env(), error);
  }
}

void Builder::require_idle(Napi::Env env) const {
  if (!state_->busy) return;
  throw to_js_error(env, Error("BUSY", "the store builder is still at work on an earlier call"));
}

Napi::Value Builder::run(const Napi::CallbackInfo& info, const std::vector<Napi::Value>& keep,
                         std::function<void(State&)> work, std::function<Napi::Value(Napi::Env, State&)> resolve) {
  require_idle(info.Env());
  state_->busy = true;
  return PromiseWorker::run(
      info.Env(), keep, [state = state_, work = std::move(work)] { work(*state); },
      [state = state_, resolve = std::move(resolve)](Napi::Env env) { return resolve(env, *state); },
      [state = state_] { state->busy = false; });
}

Napi::Value Builder::needs_totals(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), state_->builder.needs_totals());
}

template <void (StoreBuilder::*Pass)(const Block&)>
Napi::Value Builder::pass(const Napi::CallbackInfo& info) {
  const Napi::Object object = info[0].ToObject();
  return run(
      info, {object.Get("values"), object.Get("indices"), object.Get("indptr")},
      [block = block_of(object)](State& state) { (state.builder.*Pass)(block); },
      [](Napi::Env env, State&) { return env.Undefined(); });
}

Napi::Value Builder::end_scan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require_idle(env);
  try {
    const std::vector<GeneStats>& stats = state_->builder.end_scan();
    Napi::Uint32Array expressing = Napi::Uint32Array::New(env, stats.size());
    for (std::size_t gene = 0; gene < stats.size(); ++gene) expressing[gene] = stats[gene].expressing;
    Napi::Object result = Napi::Object::New(env);
    result.Set("expressing", expressing);
    result.Set("hasFractions", state_->builder.has_fractions());
    return result;
  } catch (const Error& error) {
    throw to_js_error(env, error);
  }
}

Napi::Value Builder::begin_fill(const Napi::CallbackInfo& info) {
  std::vector<std::uint8_t> keep;
  if (!info[0].IsUndefined()) {
    const auto view = view_of<const std::uint8_t>(info[0]);
    keep.assign(view.begin(), view.end());
  }
  return run(
      info, {}, [keep = std::move(keep)](State& state) { state.builder.begin_fill(keep); },
      [](Napi::Env env, State&) { return env.Undefined(); });
}

Napi::Value Builder::finish(const Napi::CallbackInfo& info) {
  auto store = std::make_shared<std::shared_ptr<const ExpressionStore>>();
  return run(
      info, {},
      [store](State& state) { *store = std::make_shared<const ExpressionStore>(state.builder.finish()); },
      [store](Napi::Env env, State&) -> Napi::Value { return Store::create(env, std::move(*store)); });
}

}  // namespace cnnc::bindings

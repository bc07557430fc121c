#include "bindings/network.hpp"

#include <cmath>
#include <numeric>

#include "bindings/job.hpp"
#include "bindings/promise_worker.hpp"
#include "bindings/store.hpp"
#include "bindings/typed_arrays.hpp"
#include "cnn/image.hpp"
#include "cnn/scorer.hpp"
#include "cpu/network_onednn.hpp"
#include "cuda/network_cuda.hpp"

namespace cnnc::bindings {
namespace {

/// A whole number from 0 to `most`; conversions of anything else would wrap round.
double whole_of(const Napi::Object& object, const char* name, double most) {
  const double value = object.Get(name).ToNumber().DoubleValue();
  if (value >= 0 && value <= most && value == std::floor(value)) return value;
  throw Error("BAD_OPTION", "`" + std::string(name) + "` must be a whole number of at most " +
                                std::to_string(static_cast<std::uint64_t>(most)));
}

constexpr double kMostSize = 1 << 28;
constexpr double kMostThreads = 1024;
constexpr double kMostSafe = 9007199254740991;  // Number.MAX_SAFE_INTEGER

std::size_t size_of(const Napi::Object& object, const char* name) {
  return static_cast<std::size_t>(whole_of(object, name, kMostSize));
}
float float_of(const Napi::Object& object, const char* name) {
  const float value = object.Get(name).ToNumber().FloatValue();
  if (!std::isfinite(value)) throw Error("BAD_OPTION", "`" + std::string(name) + "` must be a number");
  return value;
}
bool flag_of(const Napi::Object& object, const char* name) { return object.Get(name).ToBoolean().Value(); }

Layer layer_of(const Napi::Object& layer) {
  const std::string kind = layer.Get("kind").ToString().Utf8Value();
  if (kind == "conv") {
    const bool same = layer.Get("padding").ToString().Utf8Value() == "same";
    return Conv{size_of(layer, "filters"), size_of(layer, "kernel"), same, flag_of(layer, "bias")};
  }
  if (kind == "batch_norm") return BatchNorm{float_of(layer, "momentum"), float_of(layer, "epsilon")};
  if (kind == "relu") return Relu{};
  if (kind == "max_pool" || kind == "average_pool") return Pool{size_of(layer, "size"), kind == "average_pool"};
  if (kind == "dropout") return Dropout{float_of(layer, "rate")};
  if (kind == "flatten") return Flatten{};
  if (kind == "dense") return Dense{size_of(layer, "units"), flag_of(layer, "bias")};
  if (kind == "sigmoid") return Sigmoid{};
  if (kind == "softmax") return Softmax{};
  throw Error("BAD_NETWORK", "there is no layer `" + kind + "`");
}

Network network_of(const Napi::Object& spec) {
  const Napi::Object input = spec.Get("input").ToObject();
  const auto layers = spec.Get("layers").As<Napi::Array>();
  NetworkSpec result{{size_of(input, "height"), size_of(input, "width"), size_of(input, "channels")}, {}};
  for (std::uint32_t i = 0; i < layers.Length(); ++i) result.layers.push_back(layer_of(layers.Get(i).ToObject()));
  return place_layers(result);
}

EngineOptions engine_options(const Napi::Object& options) {
  const std::string precision = options.Get("precision").ToString().Utf8Value();
  if (precision != "f32" && precision != "bf16") throw Error("BAD_OPTION", "there is no precision `" + precision + "`");
  return {precision == "bf16" ? Precision::bf16 : Precision::f32,
          std::max(1U, static_cast<unsigned>(whole_of(options, "threads", kMostThreads))),
          std::max<std::size_t>(1, size_of(options, "batch"))};
}

bool on_gpu(const Napi::Object& options) {
  if (options.Get("device").IsUndefined()) return false;
  const std::string device = options.Get("device").ToString().Utf8Value();
  if (device != "cpu" && device != "cuda") throw Error("BAD_OPTION", "there is no device `" + device + "`");
  return device == "cuda";
}

OptimizerOptions optimizer_options(const Napi::Object& optimizer) {
  const std::string kind = optimizer.Get("kind").ToString().Utf8Value();
  if (kind == "sgd") return {OptimizerKind::sgd, float_of(optimizer, "momentum"), flag_of(optimizer, "nesterov"), 0};
  if (kind == "adam") return {OptimizerKind::adam, 0, false, 0};
  if (kind == "adamw") return {OptimizerKind::adamw, 0, false, float_of(optimizer, "weightDecay")};
  throw Error("BAD_OPTION", "there is no optimiser `" + kind + "`");
}

ImageKind kind_of(const std::string& name) {
  if (name == "nepdf") return ImageKind::nepdf;
  if (name == "residual") return ImageKind::residual;
  if (name == "margins") return ImageKind::margins;
  throw Error("BAD_IMAGE", "there is no kind of image `" + name + "`");
}

std::vector<ImageKind> kinds_of(const Napi::Value& value) {
  const auto names = value.As<Napi::Array>();
  std::vector<ImageKind> kinds;
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    kinds.push_back(kind_of(names.Get(i).ToString().Utf8Value()));
  }
  return kinds;
}

Counts counts_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Napi::TypeError::New(value.Env(), "a typed array is expected");
  switch (value.As<Napi::TypedArray>().TypedArrayType()) {
    case napi_uint8_array:
      return view_of<const std::uint8_t>(value);
    case napi_uint16_array:
      return view_of<const std::uint16_t>(value);
    default:
      return view_of<const std::uint32_t>(value);
  }
}

std::size_t count_of(const Counts& counts) {
  return std::visit([](auto all) { return all.size() / kImage; }, counts);
}

void require(bool condition, const char* problem) {
  if (!condition) throw Error("BAD_ARRAY", problem);
}

/// Native failures while an object is made or a synchronous call runs, as JavaScript errors.
template <class Work>
void guarded(Napi::Env env, Work&& work) {
  try {
    translate_exceptions(work);
  } catch (const Error& error) {
    throw to_js_error(env, error);
  }
}

std::vector<ImageKind> checked_kinds(Napi::Env env, const Napi::Value& value) {
  std::vector<ImageKind> kinds;
  guarded(env, [&] { kinds = kinds_of(value); });
  return kinds;
}

template <class T>
Napi::Float32Array floats(Napi::Env env, const std::vector<T>& values) {
  return copy_to_js<Napi::Float32Array>(env, std::span<const T>(values));
}

/// Runs a call that uses all of `state`, and refuses others until it settles. On the JavaScript thread.
template <class State>
Napi::Promise run_alone(Napi::Env env, const std::shared_ptr<State>& state, const std::vector<Napi::Value>& keep,
                        std::function<void()> execute, PromiseWorker::Resolve resolve) {
  const Napi::Promise promise = PromiseWorker::run(env, keep, std::move(execute), std::move(resolve),
                                                   [state] { state->busy = false; });
  state->busy = true;
  return promise;
}

template <class State>
void require_idle(Napi::Env env, const State& state) {
  guarded(env, [&] {
    if (state.busy) throw Error("BUSY", "the network is still busy with an earlier call");
  });
}

float rate_of(const Napi::CallbackInfo& info, std::size_t index) {
  const float rate = info[index].ToNumber().FloatValue();
  guarded(info.Env(), [&] { require(std::isfinite(rate), "the learning rate is not a number"); });
  return rate;
}

void check_labels(std::span<const std::uint8_t> classes, std::span<const float> weights, const Network& network) {
  require(!classes.empty(), "the batch is empty");
  require(classes.size() == weights.size(), "classes and weights differ in number");
  for (const std::uint8_t label : classes) require(label < network.classes(), "a class is out of range");
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  require(total > 0 && std::isfinite(total), "the weights have no positive sum");
}

LabelledImages batch_of(const Napi::CallbackInfo& info, const Network& network) {
  const LabelledImages batch{view_of<const float>(info[0]), view_of<const std::uint8_t>(info[1]),
                             view_of<const float>(info[2])};
  guarded(info.Env(), [&] {
    check_labels(batch.classes, batch.weights, network);
    require(batch.images.size() == batch.size() * network.input.size(), "images and classes differ in number");
  });
  return batch;
}

void check_parameters(std::span<const float> parameters, const Network& network) {
  require(parameters.size() == network.parameters, "the parameters do not fit the network");
}

OptimizerState state_of(const Napi::Object& state) {
  const auto first = view_of<const float>(state.Get("first"));
  const auto second = view_of<const float>(state.Get("second"));
  return {static_cast<std::uint64_t>(whole_of(state, "steps", kMostSafe)),
          {first.begin(), first.end()},
          {second.begin(), second.end()}};
}

}  // namespace

// ---- Trainer ----

Napi::Function Trainer::define(Napi::Env env) {
  return DefineClass(env, "Trainer",
                     {InstanceMethod<&Trainer::hold>("hold"), InstanceMethod<&Trainer::step>("step"),
                      InstanceMethod<&Trainer::step_rows>("stepRows"),
                      InstanceMethod<&Trainer::gradients>("gradients"),
                      InstanceMethod<&Trainer::parameters>("parameters"),
                      InstanceMethod<&Trainer::set_parameters>("setParameters"),
                      InstanceMethod<&Trainer::state>("state"), InstanceMethod<&Trainer::set_state>("setState")});
}

Trainer::Trainer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Trainer>(info), state_(std::make_shared<State>()) {
  tag_as<Trainer>(info);
  const Napi::Object options = info[1].ToObject();
  guarded(info.Env(), [&] {
    state_->network = network_of(info[0].ToObject());
    const OptimizerOptions optimizer = optimizer_options(options.Get("optimizer").ToObject());
    const auto seed = static_cast<std::uint64_t>(whole_of(options, "seed", kMostSafe));
    if (on_gpu(options)) {
      auto trainer = make_cuda_trainer(state_->network, engine_options(options), optimizer, seed);
      state_->cuda = trainer.get();
      state_->trainer = std::move(trainer);
    } else {
      state_->trainer = make_trainer(state_->network, make_onednn_gradients(state_->network, engine_options(options)),
                                     optimizer, seed);
    }
  });
}

Napi::Value Trainer::hold(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const Counts counts = counts_of(info[0]);
  const std::uint32_t cells = info[1].ToNumber().Uint32Value();
  const auto kinds = checked_kinds(info.Env(), info[2]);
  guarded(info.Env(), [&] {
    require(state_->cuda != nullptr, "histograms are held on a GPU only");
    state_->cuda->set_counts(counts, cells, kinds);
  });
  held_ = Napi::Persistent(info[0].As<Napi::Object>());  // where they do not fit, they are copied step by step
  return info.Env().Undefined();
}

Napi::Value Trainer::step(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const LabelledImages batch = batch_of(info, state_->network);
  const float rate = rate_of(info, 3);
  const auto loss = std::make_shared<double>();
  return run_alone(
      info.Env(), state_, {info[0], info[1], info[2], info.This()},
      [=, state = state_] { *loss = state->trainer->step(batch, rate); },
      [loss](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *loss); });
}

Napi::Value Trainer::step_rows(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const LabelledRows batch{view_of<const std::uint32_t>(info[0]), view_of<const std::uint8_t>(info[1]),
                           view_of<const std::uint8_t>(info[2]), view_of<const float>(info[3])};
  const float rate = rate_of(info, 4);
  guarded(info.Env(), [&] {
    require(!held_.IsEmpty(), "no histograms are held");
    require(batch.rows.size() == batch.size() && batch.swapped.size() == batch.size(),
            "rows, swaps and classes differ in number");
    check_labels(batch.classes, batch.weights, state_->network);
  });
  const auto loss = std::make_shared<double>();
  return run_alone(
      info.Env(), state_, {info[0], info[1], info[2], info[3], info.This()},
      [=, state = state_] { *loss = state->cuda->step(batch, rate); },
      [loss](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *loss); });
}

Napi::Value Trainer::gradients(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const LabelledImages batch = batch_of(info, state_->network);
  const auto loss = std::make_shared<double>();
  const auto gradients = std::make_shared<std::vector<float>>();
  return run_alone(
      info.Env(), state_, {info[0], info[1], info[2], info.This()},
      [=, state = state_] {
        gradients->resize(state->network.parameters);
        *loss = state->trainer->gradients(batch, std::nullopt, *gradients);
        for (const PlacedLayer& layer : state->network.layers) {
          for (const ParameterRange& range : layer.parameters) {
            if (!range.trained) std::fill_n(gradients->begin() + range.offset, range.size, 0.0F);
          }
        }
      },
      [=](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("loss", *loss);
        result.Set("gradients", floats(env, *gradients));
        return result;
      });
}

Napi::Value Trainer::parameters(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  std::vector<float> parameters;
  guarded(info.Env(), [&] { parameters = state_->trainer->parameters(); });
  return floats(info.Env(), parameters);
}

Napi::Value Trainer::set_parameters(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const auto parameters = view_of<const float>(info[0]);
  guarded(info.Env(), [&] {
    check_parameters(parameters, state_->network);
    state_->trainer->set_parameters(parameters);
  });
  return info.Env().Undefined();
}

Napi::Value Trainer::state(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  OptimizerState optimizer;
  guarded(info.Env(), [&] { optimizer = state_->trainer->state(); });
  Napi::Object state = Napi::Object::New(info.Env());
  state.Set("steps", static_cast<double>(optimizer.steps));
  state.Set("first", floats(info.Env(), optimizer.first));
  state.Set("second", floats(info.Env(), optimizer.second));
  return state;
}

Napi::Value Trainer::set_state(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  guarded(info.Env(), [&] {
    const OptimizerState state = state_of(info[0].ToObject());
    const OptimizerState now = state_->trainer->state();
    require(state.first.size() == now.first.size() && state.second.size() == now.second.size(),
            "the optimiser's state does not fit the network");
    state_->trainer->set_state(state);
  });
  return info.Env().Undefined();
}

// ---- Predictor ----

Napi::Function NativePredictor::define(Napi::Env env) {
  return DefineClass(env, "Predictor",
                     {InstanceMethod<&NativePredictor::set_parameters>("setParameters"),
                      InstanceMethod<&NativePredictor::predict>("predict"),
                      InstanceMethod<&NativePredictor::logits>("logits"),
                      InstanceMethod<&NativePredictor::predict_counts>("predictCounts"),
                      InstanceMethod<&NativePredictor::score_pairs>("scorePairs"),
                      InstanceMethod<&NativePredictor::input_gradients>("inputGradients")});
}

NativePredictor::NativePredictor(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<NativePredictor>(info), state_(std::make_shared<State>()) {
  tag_as<NativePredictor>(info);
  guarded(info.Env(), [&] {
    const Napi::Object options = info[1].ToObject();
    state_->network = network_of(info[0].ToObject());
    state_->options = engine_options(options);
    if (on_gpu(options)) {
      auto engine = make_cuda_predictor(state_->network, state_->options.precision);
      state_->cuda = engine.get();
      state_->engine = std::move(engine);
    } else {
      state_->engine = make_onednn_predictor(state_->network, state_->options);
    }
    state_->parameters.resize(state_->network.parameters);
    state_->engine->set_parameters(state_->parameters);
  });
}

Napi::Value NativePredictor::set_parameters(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const auto parameters = view_of<const float>(info[0]);
  guarded(info.Env(), [&] {
    check_parameters(parameters, state_->network);
    state_->parameters.assign(parameters.begin(), parameters.end());
    state_->engine->set_parameters(parameters);
  });
  return info.Env().Undefined();
}

Napi::Value NativePredictor::predict(const Napi::CallbackInfo& info) {
  return answers(info, [](State& state, std::span<const float> images, std::span<float> probabilities) {
    state.engine->predict(images, probabilities, state.network.input.size());
  });
}

Napi::Value NativePredictor::logits(const Napi::CallbackInfo& info) {
  return answers(info, [](State& state, std::span<const float> images, std::span<float> logits) {
    state.engine->logits(images, logits);
  });
}

Napi::Value NativePredictor::answers(
    const Napi::CallbackInfo& info,
    void (*fill)(State& state, std::span<const float> images, std::span<float> answers)) {
  require_idle(info.Env(), *state_);
  const auto images = view_of<const float>(info[0]);
  const std::size_t size = state_->network.input.size();
  guarded(info.Env(), [&] { require(images.size() % size == 0, "the images do not fit the network"); });
  const auto out = std::make_shared<std::vector<float>>();
  return run_alone(
      info.Env(), state_, {info[0], info.This()},
      [=, state = state_] {
        out->resize(images.size() / size * state->network.outputs);
        fill(*state, images, *out);
      },
      [out](Napi::Env env) -> Napi::Value { return floats(env, *out); });
}

Napi::Value NativePredictor::predict_counts(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const Counts counts = counts_of(info[0]);
  const std::uint32_t cells = info[1].ToNumber().Uint32Value();
  const auto kinds = checked_kinds(info.Env(), info[2]);
  const bool both = info[3].ToBoolean().Value();
  const auto out = view_of<float>(info[4]);
  const auto job = unwrap<Job>(info[5])->shared();
  const std::size_t per_pair = both ? 2 : 1;
  const std::size_t images = count_of(counts) * per_pair;
  guarded(info.Env(), [&] {
    require(out.size() == images * state_->network.outputs, "the output does not fit the histograms");
    require(state_->network.input == Shape{kBins, kBins, kinds.size()}, "the images do not fit the network");
  });
  return run_alone(
      info.Env(), state_, {info[0], info[4], info.This()},
      [=, state = state_] {
        const ImageMaker maker(kinds, cells);
        const std::size_t size = state->network.input.size();
        const auto source = [&](std::size_t first, std::size_t count, float* to) {
          for (std::size_t i = 0; i < count; ++i) {
            const std::size_t image = first + i;
            maker.make(counts, image / per_pair, image % per_pair == 1, to + i * size);
          }
        };
        state->engine->predict(images, source, out, job->control());
      },
      undefined);
}

Napi::Value NativePredictor::score_pairs(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const auto store = unwrap<Store>(info[0])->shared();
  const Pairs pairs{view_of<const std::uint32_t>(info[1]), view_of<const std::uint32_t>(info[2])};
  const auto kinds = checked_kinds(info.Env(), info[3]);
  const Orders orders = info[4].ToBoolean().Value() ? Orders::both : Orders::given;
  const auto out = view_of<float>(info[5]);
  const auto job = unwrap<Job>(info[6])->shared();
  guarded(info.Env(), [&] {
    const std::size_t images = pairs.a.size() * (orders == Orders::both ? 2 : 1);
    require(pairs.a.size() == pairs.b.size() && out.size() == images * state_->network.outputs,
            "the output does not fit the pairs");
    require(state_->network.input == Shape{kBins, kBins, kinds.size()}, "the images do not fit the network");
  });
  return run_alone(
      info.Env(), state_, {info[1], info[2], info[5], info.This()},
      [=, state = state_] {
        const ImageMaker images(kinds, store->cells);
        if (state->cuda != nullptr) {
          state->cuda->score_pairs(*store, pairs, orders, kinds, out, job->control());
          return;
        }
        cnnc::score_pairs(*store, pairs, orders, images, *state->engine, state->network.outputs,
                          state->options.threads, out, job->control());
      },
      undefined);
}

Napi::Value NativePredictor::input_gradients(const Napi::CallbackInfo& info) {
  require_idle(info.Env(), *state_);
  const auto images = view_of<const float>(info[0]);
  const std::size_t output = info[1].ToNumber().Uint32Value();
  guarded(info.Env(), [&] {
    require(images.size() % state_->network.input.size() == 0, "the images do not fit the network");
    require(output < state_->network.outputs, "there is no such output");
  });
  const auto out = std::make_shared<std::vector<float>>();
  return run_alone(
      info.Env(), state_, {info[0], info.This()},
      [=, state = state_] {
        out->resize(images.size());
        const auto engine = make_onednn_input_gradients(state->network, state->options);
        engine->set_parameters(state->parameters);
        engine->input_gradients(images, output, *out);
      },
      [out](Napi::Env env) -> Napi::Value { return floats(env, *out); });
}

// ---- images ----

Napi::Value build_images(const Napi::CallbackInfo& info) {
  const Counts counts = counts_of(info[0]);
  const std::uint32_t cells = info[1].ToNumber().Uint32Value();
  const auto rows = view_of<const std::uint32_t>(info[3]);
  const auto swapped = view_of<const std::uint8_t>(info[4]);
  const auto out = view_of<float>(info[5]);
  guarded(info.Env(), [&] {
    const ImageMaker maker(kinds_of(info[2]), cells);
    const std::size_t size = kImage * maker.channels();
    require(swapped.size() == rows.size() && out.size() == rows.size() * size, "the output does not fit the rows");
    const std::size_t available = count_of(counts);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      require(rows[i] < available, "a row is out of range");
      maker.make(counts, rows[i], swapped[i] != 0, out.data() + i * size);
    }
  });
  return info.Env().Undefined();
}

}  // namespace cnnc::bindings

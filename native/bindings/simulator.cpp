#include "bindings/simulator.hpp"

#include "bindings/job.hpp"
#include "bindings/promise_worker.hpp"
#include "bindings/typed_arrays.hpp"

namespace cnnc::bindings {
namespace {

double number(const Napi::Object& object, const char* name) { return object.Get(name).ToNumber().DoubleValue(); }

GeneNetworkOptions network_options(const Napi::Object& object) {
  GeneNetworkOptions options;
  options.genes = object.Get("genes").ToNumber().Uint32Value();
  options.regulators = object.Get("regulators").ToNumber().Uint32Value();
  options.seed = static_cast<std::uint64_t>(number(object, "seed"));
  return options;
}

SimulationOptions simulation_options(const Napi::Object& object) {
  SimulationOptions options;
  options.cells = static_cast<std::uint64_t>(number(object, "cells"));
  options.cell_types = object.Get("cellTypes").ToNumber().Uint32Value();
  options.mean_umis_per_cell = number(object, "umisPerCell");
  options.seed = static_cast<std::uint64_t>(number(object, "seed"));
  return options;
}

template <class Array, class T>
Array copied(Napi::Env env, const std::vector<T>& source) {
  return copy_to_js<Array>(env, std::span<const T>(source));
}

}  // namespace

Napi::Function Simulator::define(Napi::Env env) {
  return DefineClass(env, "Simulator",
                     {InstanceMethod<&Simulator::network>("network"), InstanceMethod<&Simulator::simulate>("simulate")});
}

Simulator::Simulator(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Simulator>(info) {
  const Napi::Object options = info[0].ToObject();
  try {
    translate_exceptions([&] {
      const GeneNetwork network = make_network(network_options(options));
      state_ = std::make_shared<const State>(network, prepare_simulation(network, simulation_options(options)));
    });
  } catch (const Error& error) {
    throw to_js_error(info.Env(), error);
  }
}

Napi::Value Simulator::network(const Napi::CallbackInfo& info) {
  const std::vector<Edge>& edges = state_->network.edges;
  Napi::Uint32Array regulator = Napi::Uint32Array::New(info.Env(), edges.size());
  Napi::Uint32Array target = Napi::Uint32Array::New(info.Env(), edges.size());
  Napi::Float32Array strength = Napi::Float32Array::New(info.Env(), edges.size());
  for (std::size_t i = 0; i < edges.size(); ++i) {
    regulator[i] = edges[i].regulator;
    target[i] = edges[i].target;
    strength[i] = edges[i].strength;
  }
  Napi::Object network = Napi::Object::New(info.Env());
  network.Set("regulator", regulator);
  network.Set("target", target);
  network.Set("strength", strength);
  return network;
}

Napi::Value Simulator::simulate(const Napi::CallbackInfo& info) {
  const auto first = static_cast<std::uint64_t>(info[0].ToNumber().DoubleValue());
  const std::uint32_t count = info[1].ToNumber().Uint32Value();
  const unsigned threads = info[2].ToNumber().Uint32Value();
  const auto job = unwrap<Job>(info[3])->shared();
  auto block = std::make_shared<CountBlock>();
  return PromiseWorker::run(
      info.Env(), {},
      [=, state = state_] { simulate_cells(state->simulation, first, count, threads, *block, job->control()); },
      [block](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        const std::vector<double> indptr(block->indptr.begin(), block->indptr.end());
        result.Set("indptr", copied<Napi::Float64Array>(env, indptr));
        result.Set("indices", copied<Napi::Int32Array>(env, block->indices));
        result.Set("counts", copied<Napi::Int32Array>(env, block->counts));
        result.Set("cellType", copied<Napi::Uint8Array>(env, block->cell_type));
        return result;
      });
}

}  // namespace cnnc::bindings

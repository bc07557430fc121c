#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <type_traits>
#include <variant>
#include <vector>

#include "cnn/fold_norm.hpp"
#include "cnn/head.hpp"
#include "cnn/network_steps.hpp"
#include "core/error.hpp"
#include "core/thread_team.hpp"
#include "cpu/network_onednn.hpp"
#include "cpu/onednn_product.hpp"
#include "cpu/pointwise.hpp"
#include "cpu/pointwise_shape.hpp"

namespace cnnc {
namespace {

using onednn::Buffer;
using onednn::Product;

/// Images that go through the network together, always filled up to this number: oneDNN's sums differ in the last bits
/// between sizes. Measured on AVX-512: float32 gains from staying in the cache, bfloat16 from fewer calls.
template <class T>
constexpr std::size_t kImages = std::is_same_v<T, float> ? 16 : 32;

struct ProductOperation {
  ProductStep step;
  std::optional<NormLayer> norm;  ///< folded into the weights
  Product product;
  onednn::Primitive forward;
  onednn::ProductWeights weights;
};

struct PointwiseOperation {
  std::optional<NormLayer> norm;
  PointwiseShape shape;
  FoldedNorm folded;
};

/// The first layer, from float32 images, often with the pool behind it.
template <class T>
struct ImageOperation {
  ProductStep step;
  std::optional<NormLayer> norm;  ///< folded into the weights
  ImageConvolution<T> convolution;
};

/// What a thread has of its own.
template <class T>
struct ThreadState {
  dnnl::stream stream{onednn::cpu_engine()};
  AlignedVector<std::byte> scratchpad;
  std::array<AlignedVector<T>, 2> activations;  ///< input of operation i in i % 2
  AlignedVector<float> images;
  AlignedVector<float> head_input;
};

template <class T>
class OnednnPredictor final : public Predictor {
 public:
  OnednnPredictor(const Network& network, const EngineOptions& options)
      : network_(network), kernels_(pointwise_kernels<T>()), team_(options.threads) {
    const onednn::SingleThreaded guard;
    const NetworkSteps plan = plan_steps(network);
    head_ = plan.head;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      const auto* product = std::get_if<ProductStep>(&plan.steps[i]);
      const auto* next = i + 1 < plan.steps.size() ? std::get_if<PointwiseStep>(&plan.steps[i + 1]) : nullptr;
      if (product == nullptr) {
        add_pointwise(std::get<PointwiseStep>(plan.steps[i]));
        continue;
      }
      PointwiseStep rest = next == nullptr ? PointwiseStep{} : *next;
      add_product(*product, rest, options.precision);
      add_pointwise(rest);
      if (next != nullptr) ++i;
    }
    make_threads(plan);
  }

  void set_parameters(std::span<const float> parameters) override {
    const onednn::SingleThreaded guard;
    parameters_.assign(parameters.begin(), parameters.end());
    for (Operation& operation : operations_) {
      if (auto* product = std::get_if<ProductOperation>(&operation)) {
        const FoldedProduct folded = fold(*product);
        onednn::load_weights(product->product, folded.weights, folded.bias, product->weights, threads_[0].stream);
        threads_[0].stream.wait();
      } else if (auto* first = std::get_if<ImageOperation<T>>(&operation)) {
        const FoldedProduct folded = fold(*first);
        first->convolution.load(folded.weights, folded.bias);
      } else {
        auto& pointwise = std::get<PointwiseOperation>(operation);
        if (pointwise.norm) pointwise.folded = fold_norm(*pointwise.norm, parameters);
      }
    }
  }

  using Predictor::predict;
  void predict(std::size_t count, const ImageSource& source, std::span<float> probabilities,
               const JobControl& control) override {
    ask<true>(count, source, probabilities, control);
  }

  void logits(std::span<const float> images, std::span<float> logits) override {
    const std::size_t size = network_.input.size();
    const auto copy = [&](std::size_t first, std::size_t count, float* to) {
      std::copy_n(images.data() + first * size, count * size, to);
    };
    ask<false>(images.size() / size, copy, logits, {});
  }

 private:
  using Operation = std::variant<ImageOperation<T>, ProductOperation, PointwiseOperation>;

  /// Fills probabilities, or else logits.
  template <bool kProbabilities>
  void ask(std::size_t count, const ImageSource& source, std::span<float> answers, const JobControl& control) {
    const std::size_t size = network_.input.size();
    std::atomic<std::size_t> next{0};
    team_.run([&](unsigned thread) {
      const onednn::SingleThreaded guard;
      ThreadState<T>& state = threads_[thread];
      for (std::size_t first = next.fetch_add(kImages<T>); first < count; first = next.fetch_add(kImages<T>)) {
        control.check();
        const std::size_t here = std::min(kImages<T>, count - first);
        source(first, here, state.images.data());
        std::fill_n(state.images.data() + here * size, (kImages<T> - here) * size, 0.0F);
        run<kProbabilities>(state, here, answers.subspan(first * network_.outputs, here * network_.outputs));
        control.advance(here);
      }
    });
  }

  /// Takes from `rest`, which follows, what the product can do itself.
  void add_product(ProductStep step, PointwiseStep& rest, Precision precision) {
    std::optional<NormLayer> norm;
    if (rest.norm && !step.relu && rest.in == step.out) {  // not where a flattened image is normalised
      norm = std::exchange(rest.norm, std::nullopt);
      step.relu = std::exchange(rest.relu, false);
    }
    if (operations_.empty() && is_image_convolution(step)) {
      const bool pools = !rest.norm && !rest.relu && rest.pool && rest.pool->size == 2;
      const PoolKind pool = pools ? pool_kind(std::exchange(rest.pool, std::nullopt)) : PoolKind::none;
      operations_.emplace_back(ImageOperation<T>{step, norm, onednn::image_convolution<T>(step, pool)});
      return;
    }
    const Product product{kImages<T>, step.in, step.out, step.dense, step.kernel, step.padding, precision};
    ProductOperation operation{step, norm, product, onednn::forward(product, step.relu, false), {}};
    operation.weights.forward = Buffer(operation.forward.weights);
    operation.weights.bias = Buffer(onednn::bias(product));
    operations_.emplace_back(std::move(operation));
  }

  void add_pointwise(const PointwiseStep& step) {
    if (!step.norm && !step.relu && !step.pool) return;  // dropout alone does nothing here
    operations_.emplace_back(PointwiseOperation{step.norm, pointwise_shape(step, step.relu), {}});
  }

  void make_threads(const NetworkSteps& plan) {
    std::size_t largest = std::max(network_.input.size(), head_.inputs);
    for (const Step& step : plan.steps) largest = std::max({largest, input_of(step).size(), output_of(step).size()});
    std::size_t scratchpad = 0;
    for (const Operation& operation : operations_) {
      const auto* product = std::get_if<ProductOperation>(&operation);
      if (product != nullptr) scratchpad = std::max(scratchpad, product->forward.scratchpad.get_size());
    }
    for (unsigned thread = 0; thread < team_.size(); ++thread) {
      ThreadState<T> state;
      state.scratchpad.resize(scratchpad);
      for (auto& activations : state.activations) activations.resize(kImages<T> * largest);
      state.images.resize(kImages<T> * network_.input.size());
      state.head_input.resize(head_.inputs);
      threads_.push_back(std::move(state));
    }
  }

  template <class Layer>
  FoldedProduct fold(const Layer& layer) const {
    return fold_product(layer.step, layer.norm ? &*layer.norm : nullptr, parameters_);
  }

  /// From state.images.
  template <bool kProbabilities>
  void run(ThreadState<T>& state, std::size_t count, std::span<float> answers) const {
    if (operations_.empty() || !std::holds_alternative<ImageOperation<T>>(operations_[0])) {
      kernels_.from_float(state.images.size(), state.images.data(), state.activations[0].data());
    }
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      T* const in = state.activations[i % 2].data();
      T* const out = state.activations[(i + 1) % 2].data();
      if (const auto* product = std::get_if<ProductOperation>(&operations_[i])) {
        const auto memory = [](const dnnl::memory::desc& desc, void* data) {
          return dnnl::memory(desc, onednn::cpu_engine(), data);
        };
        product->forward.run.execute(
            state.stream, {{DNNL_ARG_SRC, memory(onednn::source(product->product), in)},
                           {DNNL_ARG_WEIGHTS, product->weights.forward.memory()},
                           {DNNL_ARG_BIAS, product->weights.bias.memory()},
                           {DNNL_ARG_DST, memory(onednn::destination(product->product), out)},
                           {DNNL_ARG_SCRATCHPAD, memory(product->forward.scratchpad, state.scratchpad.data())}});
      } else if (const auto* first = std::get_if<ImageOperation<T>>(&operations_[i])) {
        first->convolution.forward(kImages<T>, state.images.data(), out);
      } else {
        const auto& pointwise = std::get<PointwiseOperation>(operations_[i]);
        const NormScale norm{pointwise.folded.scale.data(), pointwise.folded.shift.data()};
        kernels_.forward(pointwise.shape, kImages<T>, pointwise.norm ? &norm : nullptr, in, out);
      }
    }
    const T* const features = state.activations[operations_.size() % 2].data();
    for (std::size_t n = 0; n < count; ++n) {
      const auto answer = answers.subspan(n * head_.outputs, head_.outputs);
      kernels_.to_float(head_.inputs, features + n * head_.inputs, state.head_input.data());
      head_logits(head_, parameters_, state.head_input, answer);
      if constexpr (kProbabilities) head_probabilities(answer);
    }
  }

  Network network_;
  Head head_{};
  const PointwiseKernels<T>& kernels_;
  std::vector<float> parameters_;
  std::vector<Operation> operations_;
  ThreadTeam team_;
  std::vector<ThreadState<T>> threads_;
};

}  // namespace

std::string onednn_version() {
  const dnnl_version_t* version = dnnl::version();
  return std::to_string(version->major) + "." + std::to_string(version->minor);
}

std::string onednn_isa() {
  struct Named {
    dnnl_cpu_isa_t isa;
    const char* name;
  };
  // Those that oneDNN 2 and 3 both have.
  static constexpr std::array kNames = {
      Named{dnnl_cpu_isa_sse41, "sse41"},
      Named{dnnl_cpu_isa_avx, "avx"},
      Named{dnnl_cpu_isa_avx2, "avx2"},
      Named{dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
      Named{dnnl_cpu_isa_avx512_core, "avx512_core"},
      Named{dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
      Named{dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
      Named{dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
  };
  const dnnl_cpu_isa_t used = dnnl_get_effective_cpu_isa();
  for (const Named& known : kNames) {
    if (known.isa == used) return known.name;
  }
  return "isa " + std::to_string(static_cast<unsigned>(used));
}

bool has_bf16() noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
  // oneDNN may have been told, by ONEDNN_MAX_CPU_ISA, to use less than there is. Instruction sets are sets of bits.
  constexpr auto kNeeded = static_cast<unsigned>(dnnl_cpu_isa_avx512_core_bf16);
  const auto used = static_cast<unsigned>(dnnl_get_effective_cpu_isa());
  return __builtin_cpu_supports("avx512bf16") != 0 && (used & kNeeded) == kNeeded;
#else
  return false;
#endif
}

void require_precision(Precision precision) {
  if (precision == Precision::bf16 && !has_bf16()) {
    throw Error("BF16_UNAVAILABLE", "this processor does not compute in bfloat16");
  }
}

std::unique_ptr<Predictor> make_onednn_predictor(const Network& network, const EngineOptions& options) {
  require_precision(options.precision);
  return onednn::translated([&]() -> std::unique_ptr<Predictor> {
    if (options.precision == Precision::bf16) return std::make_unique<OnednnPredictor<Bf16>>(network, options);
    return std::make_unique<OnednnPredictor<float>>(network, options);
  });
}

}  // namespace cnnc

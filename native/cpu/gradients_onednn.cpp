#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <numeric>
#include <type_traits>
#include <vector>

#include "cnn/head.hpp"
#include "cnn/network_steps.hpp"
#include "core/aligned.hpp"
#include "core/thread_team.hpp"
#include "cpu/network_onednn.hpp"
#include "cpu/onednn_product.hpp"
#include "cpu/pointwise.hpp"
#include "cpu/pointwise_shape.hpp"

namespace cnnc {
namespace {

using onednn::Buffer;
using onednn::Product;

/// Images that one thread takes through the network together, at most: few, so that the activations of a layer stay
/// in the cache, but a product in bfloat16 has so little work with each that starting it counts. Measured on AVX-512.
template <class T>
constexpr std::size_t kMostImages = std::is_same_v<T, float> ? 16 : 64;

template <class T>
constexpr Precision kPrecision = std::is_same_v<T, float> ? Precision::f32 : Precision::bf16;

template <class T>
std::size_t images_per_part(const EngineOptions& options) {
  const std::size_t threads = std::max(1U, options.threads);
  const std::size_t share = (options.batch + threads - 1) / threads;
  const std::size_t parts = (share + kMostImages<T> - 1) / kMostImages<T>;
  return std::max<std::size_t>(1, (share + parts - 1) / parts);
}

/// A product with its primitives and, for all threads, its weights.
template <class T>
struct ProductOperation {
  ProductStep step;
  Product product;
  std::optional<ImageConvolution<T>> first;  ///< does the first layer, instead of primitives
  onednn::Primitive forward;
  onednn::Primitive backward_data;
  onednn::Primitive backward_weights;
  onednn::ProductWeights weights;
  bool mask_after = false;  ///< the derivative by its output still needs the ReLU's mask
};

/// Numbers of a batch normalisation between its passes.
struct NormNumbers {
  std::vector<float> mean, variance, scale, shift;  ///< of the batch, or as learned
  std::vector<float> a, b, c;                       ///< NormGradient
};

struct PointwiseOperation {
  PointwiseStep step;
  PointwiseShape shape;
  PointwiseShape backward_shape;  ///< also masks the ReLU of the product before
  NormNumbers norm;
};

/// Sums of one thread over its images, by channel.
struct NormSums {
  double count = 0;
  std::vector<double> mean, squares;     ///< of the values; squares of distances from the mean
  std::vector<double> sum_dy, sum_dy_x;  ///< of the derivatives

  /// Adds the mean and squared distances of `pixels` values per channel (Chan, Golub & LeVeque 1979).
  template <class Number>
  void add_moments(double pixels, const Number* means, const Number* squared) {
    const double total = count + pixels;
    for (std::size_t c = 0; c < mean.size(); ++c) {
      const double distance = means[c] - mean[c];
      mean[c] += distance * pixels / total;
      squares[c] += squared[c] + distance * distance * count * pixels / total;
    }
    count = total;
  }
};

/// Activations and derivatives of up to `images` images.
template <class T>
struct Workspace {
  std::vector<AlignedVector<T>> activations;  ///< input of each step, then of the head
  AlignedVector<T> derivatives[2];            ///< by the input of step i in i % 2
  std::vector<AlignedVector<std::uint8_t>> keep;  ///< by step, where there is dropout
};

/// What a thread has of its own.
struct ThreadState {
  dnnl::stream stream{onednn::cpu_engine()};
  AlignedVector<std::byte> scratchpad;
  std::vector<Buffer> weight_gradients, bias_gradients;  ///< by step; sums over the thread's parts
  std::vector<Buffer> part_weights, part_bias;           ///< of one part
  std::vector<NormSums> norms;                           ///< by step
  std::vector<float> head_gradient;                      ///< weights, then bias
  AlignedVector<float> head_input;
  std::vector<float> mean, squares;  ///< of one image
  double loss = 0;
  bool first_part = true;
};

/// Consecutive images of a batch that go through the network together.
struct Part {
  std::size_t first;
  std::size_t count;
};

/// A call: what all parts share.
struct Call {
  std::span<const float> images;
  const LabelledImages* labels = nullptr;  ///< none for input gradients
  std::size_t output = 0;                  ///< for input gradients
  std::span<float> input_gradients;
  std::optional<DropoutKey> dropout;
  double total_weight = 1;
  std::vector<Part> parts;
};

template <class T>
class OnednnGradients final : public GradientEngine {
 public:
  /// `frozen`: batch normalisation with moving statistics, and derivatives by the images instead of the parameters.
  OnednnGradients(const Network& network, const EngineOptions& options, bool frozen)
      : network_(network),
        plan_(plan_steps(network)),
        frozen_(frozen),
        images_(images_per_part<T>(options)),
        team_(options.threads),
        kernels_(pointwise_kernels<T>()),
        parameters_(network.parameters) {
    const onednn::SingleThreaded guard;
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) add_operation(i);
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      if (synchronises(i)) boundaries_.push_back(i);
    }
    for (unsigned thread = 0; thread < team_.size(); ++thread) threads_.push_back(make_thread());
  }

  void set_parameters(std::span<const float> parameters) override {
    parameters_.assign(parameters.begin(), parameters.end());
    each_operation([&](ThreadState& state, std::size_t i) {
      auto* product = std::get_if<ProductOperation<T>>(&operations_[i]);
      if (product == nullptr) return;
      const ProductStep& step = product->step;
      const auto bias = step.bias ? values(*step.bias) : std::span<const float>();
      if (product->first) {
        product->first->load(values(step.weights), bias);
      } else {
        onednn::load_weights(product->product, values(step.weights), bias, product->weights, state.stream);
      }
    });
    if (frozen_) freeze_norms();
  }

  double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                   std::span<float> gradients) override {
    Call call;
    call.images = batch.images;
    call.labels = &batch;
    call.dropout = dropout;
    call.total_weight = std::accumulate(batch.weights.begin(), batch.weights.end(), 0.0);
    run(call, batch.size());
    collect(gradients);
    double loss = 0;
    for (const ThreadState& state : threads_) loss += state.loss;
    return loss;
  }

  void input_gradients(std::span<const float> images, std::size_t output, std::span<float> gradients) {
    Call call;
    call.images = images;
    call.output = output;
    call.input_gradients = gradients;
    run(call, images.size() / network_.input.size());
  }

 private:
  using Operation = std::variant<ProductOperation<T>, PointwiseOperation>;

  std::span<const float> values(const ParameterRange& range) const {
    return std::span(parameters_).subspan(range.offset, range.size);
  }

  const float* images_of(const Call& call, const Part& part) const {
    return call.images.data() + part.first * network_.input.size();
  }
  static std::span<float> floats(Buffer& buffer) {
    return {reinterpret_cast<float*>(buffer.bytes().data()), buffer.bytes().size() / sizeof(float)};
  }
  bool starts_with_images() const {
    if (operations_.empty()) return false;
    const auto* product = std::get_if<ProductOperation<T>>(&operations_[0]);
    return product != nullptr && product->first;
  }

  bool synchronises(std::size_t step) const {
    const auto* pointwise = std::get_if<PointwiseStep>(&plan_.steps[step]);
    return !frozen_ && pointwise != nullptr && pointwise->norm.has_value();
  }

  void add_operation(std::size_t i) {
    if (const auto* step = std::get_if<ProductStep>(&plan_.steps[i])) {
      add_product(i, *step);
    } else {
      add_pointwise(i, std::get<PointwiseStep>(plan_.steps[i]));
    }
  }

  void add_product(std::size_t i, const ProductStep& step) {
    const Product product{images_, step.in, step.out, step.dense, step.kernel, step.padding, kPrecision<T>};
    ProductOperation<T> operation{step, product, {}, {}, {}, {}, {}, false};
    if (i == 0 && !frozen_ && is_image_convolution(step)) {
      operation.first = onednn::image_convolution<T>(step, PoolKind::none);
    } else {
      operation.forward = onednn::forward(product, step.relu, true);
      operation.weights.forward = Buffer(operation.forward.weights);
      if (i > 0 || frozen_) operation.backward_data = onednn::backward_data(product);
      if (operation.backward_data.run) operation.weights.backward = Buffer(operation.backward_data.weights);
      if (!frozen_) operation.backward_weights = onednn::backward_weights(product);
    }
    operation.weights.bias = Buffer(onednn::bias(product));
    const auto* next = i + 1 < plan_.steps.size() ? std::get_if<PointwiseStep>(&plan_.steps[i + 1]) : nullptr;
    operation.mask_after = step.relu && (next == nullptr || next->norm);
    operations_.emplace_back(std::move(operation));
  }

  void add_pointwise(std::size_t i, const PointwiseStep& step) {
    const PointwiseShape shape = pointwise_shape(step, step.relu);
    PointwiseShape backward = shape;
    const auto* before = i > 0 ? std::get_if<ProductStep>(&plan_.steps[i - 1]) : nullptr;
    // A ReLU that has been applied changes nothing when it is applied again, but masks the derivative.
    backward.relu = shape.relu || (!step.norm && before != nullptr && before->relu);
    PointwiseOperation operation{step, shape, backward, {}};
    if (step.norm) {
      NormNumbers& norm = operation.norm;
      for (auto* numbers : {&norm.mean, &norm.variance, &norm.scale, &norm.shift, &norm.a, &norm.b, &norm.c}) {
        numbers->resize(step.in.channels);
      }
    }
    operations_.emplace_back(std::move(operation));
  }

  ThreadState make_thread() const {
    ThreadState state;
    std::size_t scratchpad = 0;
    std::size_t channels = 0;
    for (const Operation& operation : operations_) {
      state.norms.emplace_back();
      state.weight_gradients.emplace_back();
      state.bias_gradients.emplace_back();
      state.part_weights.emplace_back();
      state.part_bias.emplace_back();
      if (const auto* product = std::get_if<ProductOperation<T>>(&operation)) {
        for (const auto* primitive : {&product->forward, &product->backward_data, &product->backward_weights}) {
          if (primitive->run) scratchpad = std::max(scratchpad, primitive->scratchpad.get_size());
        }
        if (frozen_) continue;
        for (auto* buffers : {&state.weight_gradients, &state.part_weights}) {
          buffers->back() =
              Buffer(product->first ? onednn::kernel(product->product) : product->backward_weights.weights);
        }
        for (auto* buffers : {&state.bias_gradients, &state.part_bias}) {
          buffers->back() = Buffer(onednn::bias(product->product));
        }
      } else {
        channels = std::max(channels, std::get<PointwiseOperation>(operation).shape.channels);
      }
    }
    state.scratchpad.resize(scratchpad);
    state.mean.resize(channels);
    state.squares.resize(channels);
    state.head_gradient.resize(plan_.head.inputs * plan_.head.outputs + plan_.head.outputs);
    state.head_input.resize(plan_.head.inputs);
    return state;
  }

  Workspace<T> make_workspace() const {
    Workspace<T> workspace;
    std::size_t largest = plan_.head.inputs;
    for (const Step& step : plan_.steps) {
      workspace.activations.emplace_back(images_ * input_of(step).size());
      workspace.keep.emplace_back();
      largest = std::max(largest, input_of(step).size());
      const auto* pointwise = std::get_if<PointwiseStep>(&step);
      if (pointwise != nullptr && pointwise->dropout) workspace.keep.back().resize(images_ * pointwise->out.size());
    }
    workspace.activations.emplace_back(images_ * plan_.head.inputs);
    for (auto& derivatives : workspace.derivatives) derivatives.resize(images_ * largest);
    return workspace;
  }

  // ---- one batch ----

  void run(Call& call, std::size_t images) {
    for (std::size_t first = 0; first < images; first += images_) {
      call.parts.push_back({first, std::min(images_, images - first)});
    }
    // Without batch normalisation a part goes forth and back at once, so a thread needs one workspace.
    const std::size_t workspaces = boundaries_.empty() ? team_.size() : call.parts.size();
    while (workspaces_.size() < workspaces) workspaces_.push_back(make_workspace());
    for (ThreadState& state : threads_) begin(state);

    const std::size_t last = boundaries_.size();
    for (std::size_t phase = 0; phase < last; ++phase) {
      each_part(call, [&](ThreadState& state, const Part& part, Workspace<T>& workspace) {
        forward(call, state, part, workspace, phase == 0 ? 0 : boundaries_[phase - 1], boundaries_[phase]);
        add_moments(state, part, workspace, boundaries_[phase]);
      });
      finish_moments(boundaries_[phase]);
    }
    each_part(call, [&](ThreadState& state, const Part& part, Workspace<T>& workspace) {
      const std::size_t from = last == 0 ? 0 : boundaries_[last - 1];
      forward(call, state, part, workspace, from, operations_.size());
      run_head(call, state, part, workspace);
      const std::size_t down_to = last == 0 ? 0 : from + 1;
      backward(call, state, part, workspace, operations_.size(), down_to);
      if (last > 0) add_norm_sums(call, state, part, workspace, from);
    });
    for (std::size_t phase = last; phase-- > 0;) {
      const std::size_t norm = boundaries_[phase];
      finish_norm_sums(norm);
      each_part(call, [&](ThreadState& state, const Part& part, Workspace<T>& workspace) {
        const std::size_t down_to = phase == 0 ? 0 : boundaries_[phase - 1] + 1;
        backward(call, state, part, workspace, norm + 1, down_to);
        if (phase > 0) add_norm_sums(call, state, part, workspace, boundaries_[phase - 1]);
      });
    }
  }

  /// Each thread takes consecutive parts, always the same, so that sums do not depend on timing.
  template <class Work>
  void each_part(const Call& call, Work&& work) {
    const std::size_t per_thread = (call.parts.size() + team_.size() - 1) / team_.size();
    team_.run([&](unsigned thread) {
      const onednn::SingleThreaded guard;
      ThreadState& state = threads_[thread];
      state.first_part = true;
      const std::size_t end = std::min(call.parts.size(), (thread + 1) * per_thread);
      for (std::size_t i = thread * per_thread; i < end; ++i) {
        work(state, call.parts[i], workspaces_[boundaries_.empty() ? thread : i]);
        state.first_part = false;
      }
    });
  }

  /// Calls work(state of some thread, i) for all operations i, from the last, which mostly has the most parameters.
  template <class Work>
  void each_operation(Work&& work) {
    std::atomic<std::ptrdiff_t> left{std::ssize(operations_)};
    team_.run([&](unsigned thread) {
      const onednn::SingleThreaded guard;
      ThreadState& state = threads_[thread];
      for (std::ptrdiff_t i = --left; i >= 0; i = --left) work(state, static_cast<std::size_t>(i));
      state.stream.wait();
    });
  }

  void begin(ThreadState& state) const {
    state.loss = 0;
    std::fill(state.head_gradient.begin(), state.head_gradient.end(), 0.0F);
    for (auto* buffers : {&state.weight_gradients, &state.bias_gradients}) {
      for (Buffer& buffer : *buffers) std::fill(buffer.bytes().begin(), buffer.bytes().end(), std::byte{0});
    }
    for (const std::size_t i : boundaries_) {
      const std::size_t channels = std::get<PointwiseOperation>(operations_[i]).shape.channels;
      NormSums& sums = state.norms[i];
      sums.count = 0;
      for (auto* numbers : {&sums.mean, &sums.squares, &sums.sum_dy, &sums.sum_dy_x}) numbers->assign(channels, 0);
    }
  }

  /// Steps [from, to), from the input of step `from`.
  void forward(const Call& call, ThreadState& state, const Part& part, Workspace<T>& workspace, std::size_t from,
               std::size_t to) {
    if (from == 0 && !starts_with_images()) {
      const std::size_t size = network_.input.size();
      T* const input = workspace.activations[0].data();
      kernels_.from_float(part.count * size, images_of(call, part), input);
      std::fill_n(input + part.count * size, (images_ - part.count) * size, T{});
    }
    for (std::size_t i = from; i < to; ++i) {
      T* const in = workspace.activations[i].data();
      T* const out = workspace.activations[i + 1].data();
      auto* product = std::get_if<ProductOperation<T>>(&operations_[i]);
      if (product != nullptr && product->first) {
        const std::size_t size = product->step.out.size();
        product->first->forward(part.count, images_of(call, part), out);
        std::fill_n(out + part.count * size, (images_ - part.count) * size, T{});
      } else if (product != nullptr) {
        execute(state, product->forward,
                {{DNNL_ARG_SRC, memory(onednn::source(product->product), in)},
                 {DNNL_ARG_WEIGHTS, product->weights.forward.memory()},
                 {DNNL_ARG_BIAS, product->weights.bias.memory()},
                 {DNNL_ARG_DST, memory(onednn::destination(product->product), out)}});
      } else {
        forward(call, part, std::get<PointwiseOperation>(operations_[i]), workspace.keep[i], in, out);
      }
    }
  }

  void forward(const Call& call, const Part& part, const PointwiseOperation& operation,
               AlignedVector<std::uint8_t>& keep, const T* in, T* out) const {
    const NormScale norm{operation.norm.scale.data(), operation.norm.shift.data()};
    kernels_.forward(operation.shape, images_, operation.step.norm ? &norm : nullptr, in, out);
    if (!operation.step.dropout || !call.dropout) return;
    const DropoutMask mask(*call.dropout, operation.step.dropout->index, operation.step.dropout->rate);
    const std::size_t size = operation.shape.out_size();
    for (std::size_t n = 0; n < part.count; ++n) {
      kernels_.fill_mask(mask, static_cast<std::uint32_t>(part.first + n), size, keep.data() + n * size);
    }
    kernels_.apply_mask(part.count * size, keep.data(), mask.kept_factor(), out);
  }

  /// Steps [to, from), from the derivative by the output of step `from - 1`.
  void backward(const Call& call, ThreadState& state, const Part& part, Workspace<T>& workspace, std::size_t from,
                std::size_t to) {
    for (std::size_t i = from; i-- > to;) {
      T* const in = workspace.activations[i].data();
      T* const out = workspace.activations[i + 1].data();
      T* const d_out = workspace.derivatives[(i + 1) % 2].data();
      T* const d_in = workspace.derivatives[i % 2].data();
      auto* product = std::get_if<ProductOperation<T>>(&operations_[i]);
      if (product != nullptr && product->first) {
        product->first->gradients(part.count, images_of(call, part), out, d_out, !product->mask_after,
                                  floats(state.weight_gradients[i]), floats(state.bias_gradients[i]));
      } else if (product != nullptr) {
        backward(state, *product, i, in, out, d_out, d_in);
      } else {
        const auto& operation = std::get<PointwiseOperation>(operations_[i]);
        if (!synchronises(i)) mask_dropout(call, part, operation, workspace.keep[i], d_out);
        backward(part, operation, in, d_out, d_in);
      }
    }
    if (to == 0 && !call.input_gradients.empty()) {
      const std::size_t size = network_.input.size();
      kernels_.to_float(part.count * size, workspace.derivatives[0].data(),
                        call.input_gradients.data() + part.first * size);
    }
  }

  void backward(ThreadState& state, ProductOperation<T>& operation, std::size_t i, T* in, T* out, T* d_out, T* d_in) {
    const Product& product = operation.product;
    if (operation.mask_after) kernels_.mask_negative(images_ * operation.step.out.size(), out, d_out);
    const auto d_destination = memory(onednn::destination(product), d_out);
    if (operation.backward_weights.run) {
      auto& weights = state.first_part ? state.weight_gradients[i] : state.part_weights[i];
      auto& bias = state.first_part ? state.bias_gradients[i] : state.part_bias[i];
      execute(state, operation.backward_weights,
              {{DNNL_ARG_SRC, memory(onednn::source(product), in)},
               {DNNL_ARG_DIFF_DST, d_destination},
               {DNNL_ARG_DIFF_WEIGHTS, weights.memory()},
               {DNNL_ARG_DIFF_BIAS, bias.memory()}});
      if (!state.first_part) {
        add(state.part_weights[i].bytes(), state.weight_gradients[i].bytes());
        add(state.part_bias[i].bytes(), state.bias_gradients[i].bytes());
      }
    }
    if (operation.backward_data.run) {
      execute(state, operation.backward_data,
              {{DNNL_ARG_DST, memory(onednn::source(product), d_in)},
               {DNNL_ARG_WEIGHTS, operation.weights.backward.memory()},
               {DNNL_ARG_SRC, d_destination}});
    }
  }

  void backward(const Part& part, const PointwiseOperation& operation, const T* in, const T* d_out, T* d_in) const {
    if (operation.step.norm) {
      const NormNumbers& numbers = operation.norm;
      kernels_.norm_backward(operation.backward_shape, part.count, {numbers.scale.data(), numbers.shift.data()},
                             {numbers.a.data(), numbers.b.data(), numbers.c.data()}, in, d_out, d_in);
    } else {
      kernels_.backward(operation.backward_shape, part.count, in, d_out, d_in);
    }
    // Images that only fill up the part must not reach the weights' gradients.
    const std::size_t size = operation.shape.in_size();
    std::fill_n(d_in + part.count * size, (images_ - part.count) * size, T{});
  }

  void mask_dropout(const Call& call, const Part& part, const PointwiseOperation& operation,
                    const AlignedVector<std::uint8_t>& keep, T* d_out) const {
    if (!operation.step.dropout || !call.dropout) return;
    const DropoutMask mask(*call.dropout, operation.step.dropout->index, operation.step.dropout->rate);
    kernels_.apply_mask(part.count * operation.shape.out_size(), keep.data(), mask.kept_factor(), d_out);
  }

  void run_head(const Call& call, ThreadState& state, const Part& part, Workspace<T>& workspace) const {
    const Head& head = plan_.head;
    const T* const in = workspace.activations.back().data();
    T* const d_in = workspace.derivatives[operations_.size() % 2].data();
    std::vector<float> logits(head.outputs);
    std::vector<float> d_input(head.inputs);
    for (std::size_t n = 0; n < part.count; ++n) {
      kernels_.to_float(head.inputs, in + n * head.inputs, state.head_input.data());
      head_logits(head, parameters_, state.head_input, logits);
      if (call.labels != nullptr) {
        const std::size_t image = part.first + n;
        const float weight = static_cast<float>(call.labels->weights[image] / call.total_weight);
        state.loss += loss_gradient(call.labels->classes[image], weight, logits);
      } else {
        for (std::size_t o = 0; o < head.outputs; ++o) logits[o] = o == call.output ? 1.0F : 0.0F;
      }
      head_backward(head, parameters_, state.head_input, logits, d_input, state.head_gradient);
      kernels_.from_float(head.inputs, d_input.data(), d_in + n * head.inputs);
    }
    std::fill_n(d_in + part.count * head.inputs, (images_ - part.count) * head.inputs, T{});
  }

  // ---- batch normalisation ----

  void add_moments(ThreadState& state, const Part& part, const Workspace<T>& workspace, std::size_t i) const {
    const PointwiseShape& shape = std::get<PointwiseOperation>(operations_[i]).shape;
    const std::size_t pixels = shape.height * shape.width;
    for (std::size_t n = 0; n < part.count; ++n) {
      kernels_.moments(pixels, shape.channels, workspace.activations[i].data() + n * shape.in_size(),
                       state.mean.data(), state.squares.data());
      state.norms[i].add_moments(static_cast<double>(pixels), state.mean.data(), state.squares.data());
    }
  }

  void finish_moments(std::size_t i) {
    auto& operation = std::get<PointwiseOperation>(operations_[i]);
    NormSums& all = threads_[0].norms[i];
    for (unsigned thread = 1; thread < team_.size(); ++thread) {
      const NormSums& more = threads_[thread].norms[i];
      if (more.count > 0) all.add_moments(more.count, more.mean.data(), more.squares.data());
    }
    for (std::size_t c = 0; c < operation.shape.channels; ++c) {
      operation.norm.mean[c] = static_cast<float>(all.mean[c]);
      operation.norm.variance[c] = static_cast<float>(all.squares[c] / all.count);
    }
    set_scale(operation);
  }

  void set_scale(PointwiseOperation& operation) const {
    const NormLayer& layer = *operation.step.norm;
    NormNumbers& numbers = operation.norm;
    const auto gamma = values(layer.parameters[0]);
    const auto beta = values(layer.parameters[1]);
    for (std::size_t c = 0; c < operation.shape.channels; ++c) {
      const double scale = gamma[c] / std::sqrt(double{numbers.variance[c]} + layer.norm.epsilon);
      numbers.scale[c] = static_cast<float>(scale);
      numbers.shift[c] = static_cast<float>(beta[c] - scale * numbers.mean[c]);
    }
  }

  void freeze_norms() {
    for (Operation& any : operations_) {
      auto* operation = std::get_if<PointwiseOperation>(&any);
      if (operation == nullptr || !operation->step.norm) continue;
      const auto mean = values(operation->step.norm->parameters[2]);
      const auto variance = values(operation->step.norm->parameters[3]);
      operation->norm.mean.assign(mean.begin(), mean.end());
      operation->norm.variance.assign(variance.begin(), variance.end());
      set_scale(*operation);
      operation->norm.a = operation->norm.scale;
    }
  }

  /// Masks the derivative by the normalisation's step for dropout, and adds up what finish_norm_sums needs.
  void add_norm_sums(const Call& call, ThreadState& state, const Part& part, Workspace<T>& workspace,
                     std::size_t i) const {
    const auto& operation = std::get<PointwiseOperation>(operations_[i]);
    T* const d_out = workspace.derivatives[(i + 1) % 2].data();
    mask_dropout(call, part, operation, workspace.keep[i], d_out);
    const NormNumbers& numbers = operation.norm;
    for (std::size_t n = 0; n < part.count; ++n) {
      kernels_.norm_sums(operation.backward_shape, {numbers.scale.data(), numbers.shift.data()}, numbers.mean.data(),
                         workspace.activations[i].data() + n * operation.shape.in_size(),
                         d_out + n * operation.shape.out_size(), state.mean.data(), state.squares.data());
      for (std::size_t c = 0; c < operation.shape.channels; ++c) {
        state.norms[i].sum_dy[c] += state.mean[c];
        state.norms[i].sum_dy_x[c] += state.squares[c];
      }
    }
  }

  /// With x' = (x - mean) / deviation over N values: dx = gamma / deviation (dy - mean(dy) - x' mean(dy x')).
  void finish_norm_sums(std::size_t i) {
    auto& operation = std::get<PointwiseOperation>(operations_[i]);
    NormNumbers& numbers = operation.norm;
    NormSums& all = threads_[0].norms[i];
    for (std::size_t c = 0; c < operation.shape.channels; ++c) {
      for (unsigned thread = 1; thread < team_.size(); ++thread) {
        all.sum_dy[c] += threads_[thread].norms[i].sum_dy[c];
        all.sum_dy_x[c] += threads_[thread].norms[i].sum_dy_x[c];
      }
      const double inverse = 1 / std::sqrt(double{numbers.variance[c]} + operation.step.norm->norm.epsilon);
      const double b = -numbers.scale[c] * inverse * inverse * all.sum_dy_x[c] / all.count;
      numbers.a[c] = numbers.scale[c];
      numbers.b[c] = static_cast<float>(b);
      numbers.c[c] = static_cast<float>(-numbers.scale[c] * all.sum_dy[c] / all.count - b * numbers.mean[c]);
      all.sum_dy_x[c] *= inverse;
    }
  }

  // ---- results ----

  void collect(std::span<float> gradients) {
    each_operation([&](ThreadState& state, std::size_t i) {
      if (const auto* product = std::get_if<ProductOperation<T>>(&operations_[i])) {
        collect(*product, i, state.stream, gradients);
      } else {
        collect(std::get<PointwiseOperation>(operations_[i]), i, gradients);
      }
    });
    const Head& head = plan_.head;
    for (unsigned thread = 1; thread < team_.size(); ++thread) {
      add(std::as_bytes(std::span(threads_[thread].head_gradient)),
          std::as_writable_bytes(std::span(threads_[0].head_gradient)));
    }
    const float* from = threads_[0].head_gradient.data();
    std::copy_n(from, head.weights.size, gradients.data() + head.weights.offset);
    if (head.bias) std::copy_n(from + head.weights.size, head.bias->size, gradients.data() + head.bias->offset);
  }

  void collect(const ProductOperation<T>& operation, std::size_t i, const dnnl::stream& stream,
               std::span<float> gradients) {
    ThreadState& first = threads_[0];
    for (unsigned other = 1; other < team_.size(); ++other) {
      add(threads_[other].weight_gradients[i].bytes(), first.weight_gradients[i].bytes());
      add(threads_[other].bias_gradients[i].bytes(), first.bias_gradients[i].bytes());
    }
    dnnl::memory from = first.weight_gradients[i].memory();
    dnnl::memory to(onednn::kernel(operation.product), onednn::cpu_engine(),
                          gradients.data() + operation.step.weights.offset);
    dnnl::reorder(from, to).execute(stream, from, to);
    if (!operation.step.bias) return;
    const auto bias = first.bias_gradients[i].bytes();
    const auto range = gradients.subspan(operation.step.bias->offset, operation.step.bias->size);
    std::copy(bias.begin(), bias.end(), std::as_writable_bytes(range).begin());
  }

  void collect(const PointwiseOperation& operation, std::size_t i, std::span<float> gradients) const {
    if (!operation.step.norm) return;
    const auto& ranges = operation.step.norm->parameters;
    const NormSums& all = threads_[0].norms[i];
    for (std::size_t c = 0; c < operation.shape.channels; ++c) {
      gradients[ranges[0].offset + c] = static_cast<float>(all.sum_dy_x[c]);
      gradients[ranges[1].offset + c] = static_cast<float>(all.sum_dy[c]);
      gradients[ranges[2].offset + c] = operation.norm.mean[c];
      gradients[ranges[3].offset + c] = operation.norm.variance[c];
    }
  }

  static void add(std::span<const std::byte> from, std::span<std::byte> to) {
    const auto* values = reinterpret_cast<const float*>(from.data());
    auto* sums = reinterpret_cast<float*>(to.data());
    for (std::size_t i = 0; i < to.size() / sizeof(float); ++i) sums[i] += values[i];
  }

  static dnnl::memory memory(const dnnl::memory::desc& desc, T* data) { return {desc, onednn::cpu_engine(), data}; }

  static void execute(ThreadState& state, const onednn::Primitive& primitive,
                      std::unordered_map<int, dnnl::memory> arguments) {
    arguments.emplace(DNNL_ARG_SCRATCHPAD,
                      dnnl::memory(primitive.scratchpad, onednn::cpu_engine(), state.scratchpad.data()));
    primitive.run.execute(state.stream, arguments);
  }

  Network network_;
  NetworkSteps plan_;
  bool frozen_;
  std::size_t images_;  ///< per part
  ThreadTeam team_;
  const PointwiseKernels<T>& kernels_;
  std::vector<float> parameters_;
  std::vector<Operation> operations_;
  std::vector<std::size_t> boundaries_;  ///< steps that need a sum over the whole batch first
  std::vector<ThreadState> threads_;
  std::vector<Workspace<T>> workspaces_;
};

class OnednnInputGradients final : public InputGradients {
 public:
  OnednnInputGradients(const Network& network, const EngineOptions& options) : engine_(network, options, true) {}

  void set_parameters(std::span<const float> parameters) override { engine_.set_parameters(parameters); }
  void input_gradients(std::span<const float> images, std::size_t output, std::span<float> gradients) override {
    engine_.input_gradients(images, output, gradients);
  }

 private:
  OnednnGradients<float> engine_;
};

}  // namespace

std::unique_ptr<GradientEngine> make_onednn_gradients(const Network& network, const EngineOptions& options) {
  require_precision(options.precision);
  return onednn::translated([&]() -> std::unique_ptr<GradientEngine> {
    if (options.precision == Precision::bf16) return std::make_unique<OnednnGradients<Bf16>>(network, options, false);
    return std::make_unique<OnednnGradients<float>>(network, options, false);
  });
}

std::unique_ptr<InputGradients> make_onednn_input_gradients(const Network& network, const EngineOptions& options) {
  return onednn::translated([&] { return std::make_unique<OnednnInputGradients>(network, options); });
}

}  // namespace cnnc

#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "cnn/engine.hpp"
#include "cuda/sums_block.hpp"
#include "cuda/training_plan.hpp"

namespace cnnc::gpu {

/// A network in training: its parameters, and what a step needs besides, in the memory of a Backend, and the sequence
/// of kernels that a step is. A GPU runs it, and tests do on the host. A Backend offers
///
/// - Array<Value>(size), memory with data(), and upload(values), an Array<Value> of a vector's values;
/// - items(pass), warps(pass) and blocks(sum), which run what training_block.hpp and sums_block.hpp define;
/// - product(plan, batch) and weights(plan, batch), which run run_product and run_weights.
///
/// All of them only queue work, in order.
template <class T, class Backend>
class TrainingRun {
 public:
  template <class Value>
  using Array = typename Backend::template Array<Value>;

  /// Throws what plan_training throws.
  TrainingRun(const Network& network, std::size_t shared_bytes, Backend& backend)
      : plan_(plan_training<T>(network, shared_bytes)),
        backend_(backend),
        parameters_(network.parameters),
        gradients_(network.parameters),
        result_(1),
        order_(backend.upload(plan_.order)),
        float_order_(backend.upload(plan_.float_order)),
        packed_(plan_.order.size() * sizeof(T) / 4),
        packed_floats_(plan_.float_order.size()),
        head_positions_(backend.upload(plan_.head_positions)),
        roles_(backend.upload(plan_.roles)),
        momenta_(backend.upload(plan_.momenta)),
        norms_(plan_.norm_numbers),
        totals_(std::size_t{kMostSumParts} * plan_.most_channels) {
    for (const auto& operation : plan_.operations) {
      ProductTables tables;
      if (const auto* product = std::get_if<TrainedProduct<T>>(&operation)) tables = upload_tables(*product);
      tables_.push_back(std::move(tables));
    }
  }

  [[nodiscard]] const TrainingPlan<T>& plan() const noexcept { return plan_; }
  [[nodiscard]] float* parameters() const noexcept { return parameters_.data(); }
  [[nodiscard]] float* gradients() const noexcept { return gradients_.data(); }
  [[nodiscard]] StepResult* result() const noexcept { return result_.data(); }
  /// Where the images of a step belong, padded as plan().input says.
  [[nodiscard]] T* images() const noexcept { return activations_.front().data(); }
  /// What the images of a step show; their rows are read by nobody here.
  [[nodiscard]] ChosenImage* chosen() const noexcept { return chosen_.data(); }

  /// Bytes that a step takes for each of its images, about.
  [[nodiscard]] std::size_t image_bytes() const noexcept {
    std::size_t values = plan_.input.size() + 2 * plan_.largest;
    for (std::size_t i = 0; i < plan_.operations.size(); ++i) values += plan_.output_of(i).size();
    return values * sizeof(T);
  }

  /// Images that there is room for.
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }

  /// Makes room for a step of so many images; what was there before is lost when there was too little.
  void reserve(std::uint32_t images) {
    if (images <= capacity_) return;
    capacity_ = 0;
    activations_.clear();
    for (auto& derivative : derivatives_) derivative = {};
    activations_.emplace_back(std::size_t{images} * plan_.input.size());
    for (std::size_t i = 0; i < plan_.operations.size(); ++i) {
      activations_.emplace_back(std::size_t{images} * plan_.output_of(i).size());
    }
    for (auto& derivative : derivatives_) derivative = Array<T>(images * plan_.largest);
    chosen_ = Array<ChosenImage>(images);
    losses_ = Array<double>(images);
    d_logits_ = Array<float>(std::size_t{images} * plan_.head.outputs);
    std::size_t sums = std::size_t{head_sums(images).parts()} * head_part_size();
    for (const auto& operation : plan_.operations) {
      const auto* product = std::get_if<TrainedProduct<T>>(&operation);
      if (product == nullptr) continue;
      // Fewer images never make more parts.
      sums = std::max(sums, std::size_t{product->weights.parts(images)} * product->weights.part_size());
    }
    sums_ = Array<float>(sums);
    capacity_ = images;
  }

  /// From the images in images(), which chosen() describes, to gradients() and the loss and first flag of result().
  /// For moving mean and variance, gradients() has the batch's own.
  void find_gradients(std::uint32_t images, const std::optional<DropoutKey>& dropout) {
    pack();
    for (std::size_t i = 0; i < plan_.operations.size(); ++i) {
      std::visit([&](const auto& one) { forth(i, one, images, dropout); }, plan_.operations[i]);
    }
    run_head(images);
    for (std::size_t i = plan_.operations.size(); i-- > 0;) {
      std::visit([&](const auto& one) { back(i, one, images, dropout); }, plan_.operations[i]);
    }
    backend_.items(CheckGradients{gradients(), count(), result()});
  }

  /// A step of the optimiser with gradients(), unless one is no number; sets the second flag of result().
  /// @param steps with this one
  /// @param first, second moments as of OptimizerState, in the Backend's memory
  void update(const OptimizerOptions& options, float rate, std::uint64_t steps, float* first, float* second) {
    const float decay = options.kind == OptimizerKind::adamw ? options.weight_decay : 0;
    const AdamStep adam = options.kind == OptimizerKind::sgd ? AdamStep{} : adam_step_of(rate, steps);
    backend_.items(UpdateParameters{options.kind, options.momentum, options.nesterov, rate, 1 - rate * decay, adam,
                                    count(), roles_.data(), momenta_.data(), gradients(), first, second, parameters(),
                                    result()});
  }

 private:
  struct ProductTables {
    Array<std::uint32_t> forth_offsets, back_offsets, windows, offsets, positions;
  };

  ProductTables upload_tables(const TrainedProduct<T>& product) {
    ProductTables tables{backend_.upload(product.forth.offsets),
                         {},
                         backend_.upload(product.weights.windows),
                         backend_.upload(product.weights.offsets),
                         backend_.upload(product.weights.positions)};
    if (product.back) tables.back_offsets = backend_.upload(product.back->offsets);
    return tables;
  }

  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(plan_.roles.size()); }
  [[nodiscard]] std::uint32_t outputs() const noexcept { return static_cast<std::uint32_t>(plan_.head.outputs); }
  [[nodiscard]] T* input_of(std::size_t i) const noexcept { return activations_[i].data(); }
  [[nodiscard]] T* output_of(std::size_t i) const noexcept { return activations_[i + 1].data(); }
  /// By the output of operation i, which is the input of the next one.
  [[nodiscard]] T* d_output_of(std::size_t i) const noexcept { return derivatives_[(i + 1) % 2].data(); }
  [[nodiscard]] T* d_input_of(std::size_t i) const noexcept { return derivatives_[i % 2].data(); }
  [[nodiscard]] std::uint32_t head_part_size() const noexcept { return outputs() * (plan_.head_inputs() + 2); }

  void pack() {
    backend_.items(PackWeights<T>{parameters(), order_.data(), packed_.data(), packed_.size()});
    backend_.items(PackWeights<float>{parameters(), float_order_.data(), packed_floats_.data(), packed_floats_.size()});
  }

  void run_product(const ProductPlan<T>& plan, std::uint32_t images, const T* in, T* out,
                   const Array<std::uint32_t>& offsets, std::size_t first_weight, std::size_t first_bias,
                   const T* mask) {
    ProductBatch<T> batch = plan.batch(images);
    batch.in = in;
    batch.out = out;
    batch.offsets = offsets.data();
    batch.weights = packed_.data() + first_weight;
    batch.bias = packed_floats_.data() + first_bias;
    batch.mask = mask;
    backend_.product(plan, batch);
  }

  void forth(std::size_t i, const TrainedProduct<T>& product, std::uint32_t images, const std::optional<DropoutKey>&) {
    run_product(product.forth, images, input_of(i), output_of(i), tables_[i].forth_offsets, product.first_forth,
                product.first_bias, nullptr);
  }

  void back(std::size_t i, const TrainedProduct<T>& product, std::uint32_t images, const std::optional<DropoutKey>&) {
    WeightBatch<T> batch = product.weights.batch(images);
    batch.in = input_of(i);
    batch.d_out = d_output_of(i);
    batch.windows = tables_[i].windows.data();
    batch.offsets = tables_[i].offsets.data();
    batch.sums = sums_.data();
    backend_.weights(product.weights, batch);
    collect(product.weights.part_size(), batch.parts, tables_[i].positions.data(), product.step.weights);
    const Layout& out = product.forth.shape.out;
    if (product.step.bias) {
      sum_channels(DerivativeSum<T>{d_output_of(i), out.stored()}, images * out.height * out.width, out.stored(),
                   FinishBias{out.channels, gradients() + product.step.bias->offset});
    }
    if (product.back) {
      run_product(*product.back, images, d_output_of(i), d_input_of(i), tables_[i].back_offsets, product.first_back,
                  plan_.first_zeros, product.mask_input ? input_of(i) : nullptr);
    }
  }

  TrainedPointwise<T> pass_of(std::size_t i, const TrainedPass& pass, std::uint32_t images,
                              const std::optional<DropoutKey>& dropout) const {
    const PointwiseStep& step = pass.step;
    const bool drops = step.dropout && dropout;
    const DropoutMask mask = drops ? DropoutMask(*dropout, step.dropout->index, step.dropout->rate)
                                   : DropoutMask(DropoutKey{}, 0, 0);
    const auto size = static_cast<std::uint32_t>(step.pool ? step.pool->size : 1);
    const PoolKind pool = pool_kind(step.pool);
    const float share = pool == PoolKind::average ? 1.0F / static_cast<float>(size * size) : 1.0F;
    NormNumbers norm;
    if (step.norm) {
      float* const numbers = norms_.data() + pass.first_norm;
      const std::size_t stored = pass.in.stored();
      norm = {numbers, numbers + stored, numbers + 2 * stored, numbers + 3 * stored, numbers + 4 * stored};
    }
    return {pass.in, pass.out, pool, size, share, pass.relu, pass.mask_input, images, norm, drops, mask, input_of(i),
            output_of(i), d_output_of(i), d_input_of(i)};
  }

  void forth(std::size_t i, const TrainedPass& pass, std::uint32_t images, const std::optional<DropoutKey>& dropout) {
    const TrainedPointwise<T> batch = pass_of(i, pass, images, dropout);
    if (pass.step.norm) {
      const auto& ranges = pass.step.norm->parameters;
      sum_channels(Moments<T>{batch.from, pass.in.stored()}, images * pass.in.height * pass.in.width, pass.in.stored(),
                   FinishMoments{pass.in.channels, pass.step.norm->norm.epsilon, parameters() + ranges[0].offset,
                                 parameters() + ranges[1].offset, gradients() + ranges[2].offset,
                                 gradients() + ranges[3].offset, batch.norm});
    }
    backend_.items(PointwiseForth<T>{batch});
  }

  void back(std::size_t i, const TrainedPass& pass, std::uint32_t images, const std::optional<DropoutKey>& dropout) {
    const TrainedPointwise<T> batch = pass_of(i, pass, images, dropout);
    if (pass.step.norm) {
      const auto& ranges = pass.step.norm->parameters;
      const auto values = static_cast<float>(std::size_t{images} * pass.in.height * pass.in.width);
      sum_channels(NormSum<T>{batch}, batch.windows(), pass.in.stored(),
                   FinishNorm{pass.in.channels, pass.step.norm->norm.epsilon, values, gradients() + ranges[3].offset,
                              gradients() + ranges[0].offset, gradients() + ranges[1].offset, batch.norm});
    }
    if (pass.back) backend_.items(PointwiseBack<T>{batch});
  }

  HeadSums<T> head_sums(std::uint32_t images) const {
    return {plan_.head_inputs(), outputs(), images, activations_.back().data(), d_logits_.data(), sums_.data()};
  }

  void run_head(std::uint32_t images) {
    const Head& head = plan_.head;
    const std::uint32_t inputs = plan_.head_inputs();
    const float* const weights = packed_floats_.data() + plan_.first_head;
    backend_.warps(HeadTraining<T>{inputs, outputs(), images, plan_.head_masks, activations_.back().data(), weights,
                                   weights + std::size_t{outputs()} * inputs, chosen(), losses_.data(),
                                   d_logits_.data(), d_output_of(plan_.operations.size() - 1)});
    backend_.blocks(TotalLoss{losses_.data(), images, result()});
    const HeadSums<T> sums = head_sums(images);
    backend_.items(sums);
    collect(head_part_size(), sums.parts(), head_positions_.data(), head.weights);
    if (head.bias) collect(head_part_size(), sums.parts(), head_positions_.data() + head.weights.size, *head.bias);
  }

  void collect(std::uint32_t part_size, std::uint32_t parts, const std::uint32_t* positions,
               const ParameterRange& range) {
    backend_.blocks(CollectSums(sums_.data(), part_size, parts, positions, static_cast<std::uint32_t>(range.size),
                                gradients() + range.offset));
  }

  template <class Source, class Use>
  void sum_channels(const Source& source, std::uint32_t items, std::uint32_t stored, const Use& use) {
    const ChannelSums<Source> sums(source, items, stored, totals_.data());
    backend_.blocks(sums);
    backend_.blocks(ChannelFinish<Use>{totals_.data(), sums.parts, stored, use});
  }

  TrainingPlan<T> plan_;
  Backend& backend_;
  Array<float> parameters_;
  Array<float> gradients_;
  Array<StepResult> result_;
  Array<std::uint32_t> order_, float_order_;
  Array<WeightWord<T>> packed_;
  Array<float> packed_floats_;
  Array<std::uint32_t> head_positions_;
  Array<ParameterRole> roles_;
  Array<float> momenta_;
  Array<float> norms_;
  Array<ChannelTotal> totals_;
  std::vector<ProductTables> tables_;  ///< by operation
  // Room for `capacity_` images.
  std::uint32_t capacity_ = 0;
  std::vector<Array<T>> activations_;  ///< input of each operation, then of the head
  Array<T> derivatives_[2];            ///< by the input of operation i in i % 2
  Array<ChosenImage> chosen_;
  Array<double> losses_;
  Array<float> d_logits_;
  Array<float> sums_;  ///< of parts, of one layer's weights at a time
};

}  // namespace cnnc::gpu

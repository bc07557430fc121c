#include "cuda/gradients_cuda.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "cuda/device_cuda.hpp"
#include "cuda/network_kernels.hpp"
#include "cuda/training_kernels.hpp"
#include "cuda/training_run.hpp"

namespace cnnc {
namespace {

using namespace gpu;

/// A Backend of TrainingRun that queues kernels in a stream.
class CudaBackend {
 public:
  template <class Value>
  using Array = DeviceArray<Value>;

  template <class Value>
  Array<Value> upload(const std::vector<Value>& values) {
    return Array<Value>(std::span<const Value>(values));
  }
  template <class Pass>
  void items(const Pass& pass) {
    launch_items(pass, stream_.get());
  }
  template <class Pass>
  void warps(const Pass& pass) {
    launch_warps(pass, stream_.get());
  }
  template <class Sum>
  void blocks(const Sum& sum) {
    launch_blocks(sum, stream_.get());
  }
  template <class T>
  void product(const ProductPlan<T>& plan, const ProductBatch<T>& batch) {
    launch_product(plan, batch, stream_.get());
  }
  template <class T>
  void weights(const WeightPlan<T>& plan, const WeightBatch<T>& batch) {
    launch_weights(plan, batch, stream_.get());
  }
  [[nodiscard]] const Stream& stream() const noexcept { return stream_; }

 private:
  Stream stream_;
};

template <class Value>
void copy_in(Value* to, std::span<const Value> from, const Stream& stream) {
  if (from.empty()) return;
  check(cudaMemcpyAsync(to, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, stream.get()), "cudaMemcpyAsync");
}

/// Waits until the numbers are there.
template <class Value>
void copy_out(const Value* from, std::span<Value> to, const Stream& stream) {
  if (to.empty()) return;
  check(cudaMemcpyAsync(to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost, stream.get()), "cudaMemcpyAsync");
  stream.wait();
}

/// A batch as the device knows it.
template <class Row, class Swapped>
std::vector<ChosenImage> chosen_images(std::span<const std::uint8_t> classes, std::span<const float> weights, Row row,
                                       Swapped swapped) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<ChosenImage> chosen;
  chosen.reserve(classes.size());
  for (std::size_t i = 0; i < classes.size(); ++i) {
    chosen.push_back({row(i), static_cast<float>(weights[i] / total), classes[i], swapped(i)});
  }
  return chosen;
}

/// A network in training on the device. Its calls are made by who holds the device.
template <class T>
class Session {
 public:
  Session(const Network& network, std::size_t batch, const Device& device)
      : network_(network), run_(network_, device.shared.per_block, backend_) {
    reserve(batch);
  }

  [[nodiscard]] const Network& network() const noexcept { return network_; }
  [[nodiscard]] const Stream& stream() const noexcept { return backend_.stream(); }
  [[nodiscard]] TrainingRun<T, CudaBackend>& run() noexcept { return run_; }
  [[nodiscard]] const TrainingRun<T, CudaBackend>& run() const noexcept { return run_; }

  void reserve(std::size_t images) {
    if (images <= run_.capacity()) return;
    const std::string what = "A training step of " + std::to_string(images) + " images";
    require_memory(what.c_str(), images * run_.image_bytes());
    run_.reserve(static_cast<std::uint32_t>(images));
  }

  /// Queues the way from images of the host to their derivatives.
  void find_gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout) {
    const std::vector<ChosenImage> chosen = chosen_images(
        batch.classes, batch.weights, [](std::size_t) { return 0U; }, [](std::size_t) { return false; });
    reserve(chosen.size());
    copy_in(run_.chosen(), std::span<const ChosenImage>(chosen), stream());
    if (host_images_.size() < batch.images.size()) host_images_ = DeviceArray<float>(batch.images.size());
    copy_in(host_images_.data(), batch.images, stream());
    const auto images = static_cast<std::uint32_t>(batch.size());
    backend_.items(StoreImages<T>{run_.plan().input, images, host_images_.data(), run_.images()});
    run_.find_gradients(images, dropout);
  }

  /// As of GradientEngine.
  double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout, std::span<float> gradients) {
    find_gradients(batch, dropout);
    copy_out(static_cast<const float*>(run_.gradients()), gradients, stream());
    return result().loss;
  }

  void set_parameters(std::span<const float> parameters) {
    copy_in(run_.parameters(), parameters, stream());
    stream().wait();
  }

  [[nodiscard]] StepResult result() const {
    StepResult result{};
    copy_out(run_.result(), std::span(&result, 1), stream());
    return result;
  }

 private:
  Network network_;
  CudaBackend backend_;
  TrainingRun<T, CudaBackend> run_;
  DeviceArray<float> host_images_;  ///< as the host has them
};

/// Histograms that steps name by row, on the device where they fit.
class TrainingCounts {
 public:
  TrainingCounts(const Counts& counts, std::uint32_t cells, const std::vector<ImageKind>& kinds)
      : host_(counts), cells_(cells), kinds_(kinds) {
    if (wide()) {
      load(wide_);
    } else {
      load(narrow_);
    }
  }

  [[nodiscard]] bool kept() const noexcept { return kept_; }
  [[nodiscard]] std::size_t rows() const {
    return std::visit([](const auto& all) { return all.size() / kImage; }, host_);
  }

  /// Queues making the images that `chosen` names, which the device then has at `on_device`. Where histograms do not
  /// stay there, rows become the places of those that are copied.
  template <class T>
  void make_images(std::vector<ChosenImage>& chosen, ChosenImage* on_device, T* images, Device& device,
                   const Stream& stream) {
    if (wide()) {
      make(wide_, chosen, on_device, images, device, stream);
    } else {
      make(narrow_, chosen, on_device, images, device, stream);
    }
  }

 private:
  /// Share of the free memory that histograms may take: networks that predict need some, too.
  static constexpr std::size_t kMemoryShare = 2;
  /// Histograms that are widened at a time on their way to the device.
  static constexpr std::size_t kRowsAtOnce = 4096;

  [[nodiscard]] bool wide() const noexcept { return std::holds_alternative<std::span<const std::uint32_t>>(host_); }

  template <class Count>
  void load(DeviceArray<Count>& to) {
    kept_ = rows() * kImage * sizeof(Count) <= free_memory() / kMemoryShare;
    if (!kept_) return;
    to = DeviceArray<Count>(rows() * kImage);
    std::vector<Count> some;
    for (std::size_t first = 0; first < rows(); first += kRowsAtOnce) {
      const std::size_t last = std::min(rows(), first + kRowsAtOnce);
      some.resize((last - first) * kImage);
      for (std::size_t row = first; row < last; ++row) copy_row(row, some.data() + (row - first) * kImage);
      check(cudaMemcpy(to.data() + first * kImage, some.data(), some.size() * sizeof(Count), cudaMemcpyHostToDevice),
            "cudaMemcpy");
    }
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  }

  template <class Count>
  void copy_row(std::size_t row, Count* to) const {
    std::visit(
        [&](const auto& all) {
          std::transform(all.begin() + static_cast<std::ptrdiff_t>(row * kImage),
                         all.begin() + static_cast<std::ptrdiff_t>((row + 1) * kImage), to,
                         [](auto count) { return static_cast<Count>(count); });
        },
        host_);
  }

  template <class Count, class T>
  void make(DeviceArray<Count>& counts, std::vector<ChosenImage>& chosen, ChosenImage* on_device, T* images,
            Device& device, const Stream& stream) {
    if (!kept_) {
      std::vector<Count> some(chosen.size() * kImage);
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        copy_row(chosen[i].row, some.data() + i * kImage);
        chosen[i].row = static_cast<std::uint32_t>(i);
      }
      if (counts.size() < some.size()) counts = DeviceArray<Count>(some.size());
      copy_in(counts.data(), std::span<const Count>(some), stream);
    }
    copy_in(on_device, std::span<const ChosenImage>(chosen), stream);
    ImageBatch<T, Count> batch{};
    batch.counts = counts.data();
    batch.one_cell = 1.0F / static_cast<float>(cells_);
    if (std::find(kinds_.begin(), kinds_.end(), ImageKind::nepdf) != kinds_.end()) {
      batch.nepdf = upload_nepdf(device, cells_);
    }
    std::copy(kinds_.begin(), kinds_.end(), batch.kinds);
    batch.channels = static_cast<std::uint32_t>(kinds_.size());
    batch.images = images;
    batch.chosen = on_device;
    launch_images(batch, static_cast<std::uint32_t>(chosen.size()), stream.get());
  }

  Counts host_;
  std::uint32_t cells_;
  std::vector<ImageKind> kinds_;
  bool kept_ = false;
  DeviceArray<std::uint16_t> narrow_;  ///< all rows where they are kept, else those of a step
  DeviceArray<std::uint32_t> wide_;
};

template <class T>
class GpuTrainer final : public CudaTrainer {
 public:
  GpuTrainer(const Network& network, const EngineOptions& options, const OptimizerOptions& optimizer,
             std::uint64_t seed, const Device& device)
      : session_(network, options.batch, device),
        optimizer_(optimizer),
        seed_(seed),
        first_(network.parameters),
        second_(optimizer.kind == OptimizerKind::sgd ? 0 : network.parameters) {
    const std::vector<float> zeros(network.parameters);
    session_.set_parameters(zeros);
    copy_in(first_.data(), std::span(zeros).first(first_.size()), session_.stream());
    copy_in(second_.data(), std::span(zeros).first(second_.size()), session_.stream());
    session_.stream().wait();
  }

  void set_parameters(std::span<const float> parameters) override {
    const DeviceUse device({});
    session_.set_parameters(parameters);
  }
  std::vector<float> parameters() const override {
    const DeviceUse device({});
    return copied(session_.run().parameters(), session_.network().parameters);
  }
  void set_state(const OptimizerState& state) override {
    const DeviceUse device({});
    copy_in(first_.data(), std::span<const float>(state.first), session_.stream());
    copy_in(second_.data(), std::span<const float>(state.second), session_.stream());
    session_.stream().wait();
    steps_ = state.steps;
  }
  OptimizerState state() const override {
    const DeviceUse device({});
    return {steps_, copied(first_.data(), first_.size()), copied(second_.data(), second_.size())};
  }

  bool set_counts(const Counts& counts, std::uint32_t cells, const std::vector<ImageKind>& kinds) override {
    if (kinds.empty() || cells == 0) throw Error("BAD_IMAGE", "an image needs a kind and cells");
    if (kinds.size() > kMostKinds || session_.network().input != Shape{kBins, kBins, kinds.size()}) {
      throw Error("BAD_IMAGE", "the images do not fit the network");
    }
    const DeviceUse device({});
    counts_.reset();
    counts_.emplace(counts, cells, kinds);
    return counts_->kept();
  }

  double step(const LabelledImages& batch, float rate) override {
    const DeviceUse device({});
    session_.find_gradients(batch, key());
    return update(rate);
  }

  double step(const LabelledRows& batch, float rate) override {
    const std::size_t rows = counts_ ? counts_->rows() : 0;
    if (std::any_of(batch.rows.begin(), batch.rows.end(), [&](std::uint32_t row) { return row >= rows; })) {
      throw Error("BAD_ARRAY", "a step names a histogram that is not there");
    }
    const DeviceUse device({});
    std::vector<ChosenImage> chosen =
        chosen_images(batch.classes, batch.weights, [&](std::size_t i) { return batch.rows[i]; },
                      [&](std::size_t i) { return batch.swapped[i] != 0; });
    session_.reserve(chosen.size());
    counts_->make_images(chosen, session_.run().chosen(), session_.run().images(), *device, session_.stream());
    session_.run().find_gradients(static_cast<std::uint32_t>(chosen.size()), key());
    return update(rate);
  }

  double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                   std::span<float> gradients) override {
    const DeviceUse device({});
    return session_.gradients(batch, dropout, gradients);
  }

 private:
  [[nodiscard]] DropoutKey key() const noexcept { return {seed_, static_cast<std::uint32_t>(steps_)}; }

  /// Queues the optimiser's step and waits for the whole.
  double update(float rate) {
    session_.run().update(optimizer_, rate, steps_ + 1, first_.data(), second_.data());
    const StepResult result = session_.result();
    if (result.bad_gradients == 0) ++steps_;
    const bool bad = result.bad_gradients != 0 || result.bad_parameters != 0;
    return bad ? std::numeric_limits<double>::quiet_NaN() : result.loss;
  }

  std::vector<float> copied(const float* from, std::size_t size) const {
    std::vector<float> numbers(size);
    copy_out(from, std::span(numbers), session_.stream());
    return numbers;
  }

  Session<T> session_;
  OptimizerOptions optimizer_;
  std::uint64_t seed_;
  std::uint64_t steps_ = 0;
  DeviceArray<float> first_, second_;  ///< moments, as of OptimizerState
  std::optional<TrainingCounts> counts_;
};

template <class T>
class GpuGradients final : public GradientEngine {
 public:
  GpuGradients(const Network& network, const EngineOptions& options, const Device& device)
      : session_(network, options.batch, device) {}

  void set_parameters(std::span<const float> parameters) override {
    const DeviceUse device({});
    session_.set_parameters(parameters);
  }

  double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                   std::span<float> gradients) override {
    const DeviceUse device({});
    return session_.gradients(batch, dropout, gradients);
  }

 private:
  Session<T> session_;
};

}  // namespace

std::unique_ptr<CudaTrainer> make_cuda_trainer(const Network& network, const EngineOptions& options,
                                               const OptimizerOptions& optimizer, std::uint64_t seed) {
  const DeviceUse device({});
  if (options.precision == Precision::bf16) {
    return std::make_unique<GpuTrainer<Bf16>>(network, options, optimizer, seed, *device);
  }
  return std::make_unique<GpuTrainer<float>>(network, options, optimizer, seed, *device);
}

std::unique_ptr<GradientEngine> make_cuda_gradients(const Network& network, const EngineOptions& options) {
  const DeviceUse device({});
  if (options.precision == Precision::bf16) return std::make_unique<GpuGradients<Bf16>>(network, options, *device);
  return std::make_unique<GpuGradients<float>>(network, options, *device);
}

}  // namespace cnnc

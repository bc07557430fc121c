#include "cuda/network_cuda.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "cuda/device_cuda.hpp"
#include "cuda/histogram_kernel.hpp"
#include "cuda/network_kernels.hpp"

namespace cnnc {
namespace {

using namespace gpu;

/// Pairs of one launch, and images that pass through the network together at most: enough blocks to fill a GPU, with
/// those of the other workers.
constexpr std::size_t kPairsPerLaunch = 4096;
constexpr std::size_t kMostImages = 4096;
/// The part of the free memory that activations may take.
constexpr std::size_t kMemoryShare = 4;
/// Images that a thread of the host makes at a time.
constexpr std::size_t kImagesOfThread = 64;

/// Page-locked numbers, which the device can copy to and from while it computes.
class PinnedFloats {
 public:
  explicit PinnedFloats(std::size_t size) : bytes_(size * sizeof(float)) {}
  [[nodiscard]] float* data() const noexcept { return reinterpret_cast<float*>(bytes_.data()); }

 private:
  PinnedBytes bytes_;
};

template <class T>
struct LoadedProduct {
  const ProductOperation<T>* operation;
  DeviceArray<std::uint32_t> offsets;
  DeviceArray<WeightWord<T>> weights;
  DeviceArray<float> bias;
};

struct LoadedPointwise {
  const PointwiseOperation* operation;
  DeviceArray<float> scale;
  DeviceArray<float> shift;
};

/// What goes from operation to operation: the input of operation i lies in i % 2.
template <class T>
using Activations = std::array<DeviceArray<T>, 2>;

/// A network with its weights on the device.
template <class T>
class LoadedNetwork {
 public:
  LoadedNetwork(const NetworkPlan<T>& plan, std::span<const float> parameters) : plan_(plan) {
    for (const auto& operation : plan.operations) {
      std::visit([&](const auto& one) { load(one, parameters); }, operation);
    }
    const PackedHead head = pack_head(plan, parameters);
    head_weights_ = on_device(head.weights);
    head_bias_ = on_device(head.bias);
  }

  /// Queues the way of the images in the first activations to their answers on the device, images x outputs.
  void run(const Activations<T>& activations, std::uint32_t images, bool probabilities, float* answers,
           cudaStream_t stream) const {
    std::size_t at = 0;
    for (const auto& operation : operations_) {
      const T* const in = activations[at % 2].data();
      T* const out = activations[(at + 1) % 2].data();
      std::visit([&](const auto& one) { launch(one, images, in, out, stream); }, operation);
      ++at;
    }
    launch_head(HeadBatch<T>{plan_.head_inputs(), static_cast<std::uint32_t>(plan_.head.outputs), images, probabilities,
                             activations[at % 2].data(), head_weights_.data(), head_bias_.data(), answers},
                stream);
  }

 private:
  template <class Value>
  static DeviceArray<Value> on_device(const std::vector<Value>& values) {
    return DeviceArray<Value>(std::span<const Value>(values));
  }

  void load(const ProductOperation<T>& operation, std::span<const float> parameters) {
    const PackedProduct<T> packed = pack_product(operation, parameters);
    operations_.emplace_back(LoadedProduct<T>{&operation, on_device(operation.plan.offsets), on_device(packed.weights),
                                              on_device(packed.bias)});
  }
  void load(const PointwiseOperation& operation, std::span<const float> parameters) {
    LoadedPointwise loaded{&operation, {}, {}};
    if (operation.norm) {
      const FoldedNorm packed = pack_norm(*operation.norm, parameters);
      loaded.scale = on_device(packed.scale);
      loaded.shift = on_device(packed.shift);
    }
    operations_.emplace_back(std::move(loaded));
  }

  void launch(const LoadedProduct<T>& one, std::uint32_t images, const T* in, T* out, cudaStream_t stream) const {
    const ProductPlan<T>& plan = one.operation->plan;
    ProductBatch<T> batch = plan.batch(images);
    batch.in = in;
    batch.out = out;
    batch.offsets = one.offsets.data();
    batch.weights = one.weights.data();
    batch.bias = one.bias.data();
    launch_product(plan, batch, stream);
  }
  void launch(const LoadedPointwise& one, std::uint32_t images, const T* in, T* out, cudaStream_t stream) const {
    const PointwiseOperation& operation = *one.operation;
    launch_pointwise(PointwiseBatch<T>{operation.in, operation.out, operation.pool, operation.pool_size, operation.relu,
                                       images, in, out, one.scale.data(), one.shift.data()},
                     stream);
  }

  const NetworkPlan<T>& plan_;
  std::vector<std::variant<LoadedProduct<T>, LoadedPointwise>> operations_;
  DeviceArray<float> head_weights_;
  DeviceArray<float> head_bias_;
};

/// Buffers of pairs on their way, with room for both images of each.
struct Launch {
  explicit Launch(std::size_t outputs)
      : answers(kPairsPerLaunch * 2 * outputs), host_answers(kPairsPerLaunch * 2 * outputs) {}

  Stream stream;
  PlanBuffers plan{kPairsPerLaunch};
  DeviceArray<std::uint32_t> counts{kPairsPerLaunch * kImage};  ///< or as many uint16_t
  DeviceArray<float> answers;
  PinnedFloats host_answers;
};

template <class T>
class GpuNetwork final : public CudaPredictor {
 public:
  explicit GpuNetwork(const Network& network) : network_(network) {
    const DeviceUse device({});
    plan_.emplace(plan_network<T>(network_, device->shared.per_block));
  }

  void set_parameters(std::span<const float> parameters) override {
    const DeviceUse device({});
    loaded_.emplace(*plan_, parameters);
    if (images_ > 0) return;
    const std::size_t per_image = 2 * plan_->largest * sizeof(T) * kWorkers;
    images_ = std::min(kMostImages, free_memory() / kMemoryShare / per_image);
    if (images_ == 0) require_memory("The network, with one image for each worker,", per_image * kMemoryShare);
    for (auto& activations : activations_) {
      activations = {DeviceArray<T>(images_ * plan_->largest), DeviceArray<T>(images_ * plan_->largest)};
    }
  }

  using Predictor::predict;
  void predict(std::size_t count, const ImageSource& source, std::span<float> probabilities,
               const JobControl& control) override {
    ask(count, source, true, probabilities, control);
  }

  void logits(std::span<const float> images, std::span<float> logits) override {
    const std::size_t size = network_.input.size();
    const auto copy = [&](std::size_t first, std::size_t count, float* to) {
      std::copy_n(images.data() + first * size, count * size, to);
    };
    ask(images.size() / size, copy, false, logits, {});
  }

  void score_pairs(const ExpressionStore& store, const Pairs& pairs, Orders orders, const std::vector<ImageKind>& kinds,
                   std::span<float> probabilities, const JobControl& control) override {
    cnnc::check_pairs(store, pairs);
    if (store.cells <= std::numeric_limits<std::uint16_t>::max()) {
      score<std::uint16_t>(store, pairs, orders, kinds, probabilities, control);
    } else {
      score<std::uint32_t>(store, pairs, orders, kinds, probabilities, control);
    }
  }

 private:
  void ask(std::size_t count, const ImageSource& source, bool probabilities, std::span<float> answers,
           const JobControl& control) {
    const DeviceUse device(control);
    const std::size_t size = network_.input.size();
    const std::size_t most = std::min(images_, count);
    const Stream stream;
    const PinnedFloats host_images(most * size);
    const DeviceArray<float> images(most * size);
    const DeviceArray<float> on_device(most * network_.outputs);
    for (std::size_t first = 0; first < count; first += most) {
      control.check();
      const std::size_t here = std::min(most, count - first);
      parallel_for(granted_cpus(), (here + kImagesOfThread - 1) / kImagesOfThread, [&](unsigned, std::size_t part) {
        const std::size_t from = part * kImagesOfThread;
        source(first + from, std::min(kImagesOfThread, here - from), host_images.data() + from * size);
      });
      check(cudaMemcpyAsync(images.data(), host_images.data(), here * size * sizeof(float), cudaMemcpyHostToDevice,
                            stream.get()),
            "cudaMemcpyAsync");
      launch_store(images.data(), activations_[0][0].data(), plan_->input, static_cast<std::uint32_t>(here), stream.get());
      loaded_->run(activations_[0], static_cast<std::uint32_t>(here), probabilities, on_device.data(), stream.get());
      check(cudaMemcpyAsync(answers.data() + first * network_.outputs, on_device.data(),
                            here * network_.outputs * sizeof(float), cudaMemcpyDeviceToHost, stream.get()),
            "cudaMemcpyAsync");
      stream.wait();
      control.advance(here);
    }
  }

  template <class Count>
  void score(const ExpressionStore& store, const Pairs& pairs, Orders orders, const std::vector<ImageKind>& kinds,
             std::span<float> probabilities, const JobControl& control) {
    const DeviceUse device(control);
    const Batch<Count> histograms{
        upload(*device, store).view(), nullptr, nullptr, true, slice_of(*device, store.cells), nullptr, nullptr};
    const ImageBatch<T, Count> images = image_batch<Count>(*device, store.cells, orders, kinds);
    if (launches_.empty()) {
      for (unsigned worker = 0; worker < kWorkers; ++worker) {
        launches_.push_back(std::make_unique<Launch>(network_.outputs));
      }
    }
    for (const auto& launch : launches_) launch->stream.wait();  // for what a cancelled call left behind
    const std::size_t per_pair = orders == Orders::both ? 2 : 1;
    each_launch(*device, pairs, kPairsPerLaunch, control, [&](unsigned worker, std::size_t first, const Pairs& some) {
      Launch& launch = *launches_[worker];
      queue_histograms(store, some, launch.plan, histograms, reinterpret_cast<Count*>(launch.counts.data()),
                       launch.stream);
      answer(launch, images, activations_[worker], some.a.size() * per_pair);
      launch.stream.wait();
      const std::size_t answers = some.a.size() * per_pair * network_.outputs;
      std::copy_n(launch.host_answers.data(), answers, probabilities.data() + first * per_pair * network_.outputs);
    });
  }

  template <class Count>
  ImageBatch<T, Count> image_batch(Device& device, std::uint32_t cells, Orders orders,
                                   const std::vector<ImageKind>& kinds) const {
    ImageBatch<T, Count> images{};
    images.both = orders == Orders::both;
    images.one_cell = 1.0F / static_cast<float>(cells);
    images.channels = static_cast<std::uint32_t>(kinds.size());
    std::copy(kinds.begin(), kinds.end(), images.kinds);
    const bool tabulated = std::find(kinds.begin(), kinds.end(), ImageKind::nepdf) != kinds.end();
    images.nepdf = tabulated ? upload_nepdf(device, cells) : nullptr;
    return images;
  }

  /// Queues the images, `all` in number, of the histograms that a launch has counted, the network, and the answers' way
  /// to the host.
  template <class Count>
  void answer(const Launch& launch, ImageBatch<T, Count> batch, const Activations<T>& activations,
              std::size_t all) const {
    batch.counts = reinterpret_cast<const Count*>(launch.counts.data());
    batch.images = activations[0].data();
    for (std::size_t image = 0; image < all; image += images_) {
      const auto here = static_cast<std::uint32_t>(std::min(images_, all - image));
      batch.first = static_cast<std::uint32_t>(image);
      launch_images(batch, here, launch.stream.get());
      loaded_->run(activations, here, true, launch.answers.data() + image * network_.outputs, launch.stream.get());
    }
    check(cudaMemcpyAsync(launch.host_answers.data(), launch.answers.data(), all * network_.outputs * sizeof(float),
                          cudaMemcpyDeviceToHost, launch.stream.get()),
          "cudaMemcpyAsync");
  }

  Network network_;
  std::optional<NetworkPlan<T>> plan_;
  std::optional<LoadedNetwork<T>> loaded_;
  std::vector<std::unique_ptr<Launch>> launches_;      ///< of each worker
  std::array<Activations<T>, kWorkers> activations_;  ///< likewise
  std::size_t images_ = 0;  ///< that pass through the network together, for each worker
};

}  // namespace

std::unique_ptr<CudaPredictor> make_cuda_predictor(const Network& network, Precision precision) {
  if (precision == Precision::bf16) return std::make_unique<GpuNetwork<Bf16>>(network);
  return std::make_unique<GpuNetwork<float>>(network);
}

}  // namespace cnnc

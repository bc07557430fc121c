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

/// Pairs of one launch: enough blocks to fill a GPU in the histograms' and every layer's kernel.
constexpr std::size_t kPairsPerLaunch = 8192;
/// Images that pass through the network together at most.
constexpr std::size_t kMostImages = 8192;
/// Share of the free memory that activations may take.
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

/// A network with its weights on the device, and room for the images that pass through it.
template <class T>
class LoadedNetwork {
 public:
  LoadedNetwork(const NetworkPlan<T>& plan, std::span<const float> parameters, std::size_t images)
      : plan_(plan), activations_{DeviceArray<T>(images * plan.largest), DeviceArray<T>(images * plan.largest)} {
    for (const auto& operation : plan.operations) {
      std::visit([&](const auto& one) { load(one, parameters); }, operation);
    }
    const PackedHead head = pack_head(plan, parameters);
    head_weights_ = on_device(head.weights);
    head_bias_ = on_device(head.bias);
  }

  [[nodiscard]] T* input() const noexcept { return activations_[0].data(); }

  /// Queues the way of the images in input() to their answers on the device, images x outputs.
  void run(std::uint32_t images, bool probabilities, float* answers, cudaStream_t stream) const {
    std::size_t at = 0;
    for (const auto& operation : operations_) {
      std::visit([&](const auto& one) { launch(one, images, activations_[at % 2].data(), activations_[(at + 1) % 2].data(), stream); },
                 operation);
      ++at;
    }
    launch_head(HeadBatch<T>{plan_.head_inputs(), static_cast<std::uint32_t>(plan_.head.outputs), images, probabilities,
                             activations_[at % 2].data(), head_weights_.data(), head_bias_.data(), answers},
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
      const PackedNorm packed = pack_norm(*operation.norm, parameters);
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
  std::array<DeviceArray<T>, 2> activations_;  ///< input of operation i in i % 2
};

/// Buffers of pairs on their way, with room for both images of each.
struct Launch {
  explicit Launch(std::size_t outputs)
      : answers(kPairsPerLaunch * 2 * outputs), host_answers(kPairsPerLaunch * 2 * outputs) {}

  Stream stream;
  DeviceArray<Task> tasks{kPairsPerLaunch};
  DeviceArray<StreamedPair> streamed{kPairsPerLaunch};
  DeviceArray<std::uint32_t> counts{kPairsPerLaunch * kImage};  ///< or as many uint16_t
  DeviceArray<float> answers;
  PinnedFloats host_answers;
  BlockPlan plan;  ///< read by the copy to the device until the stream has been waited for
  std::size_t first = 0;
  std::size_t pairs = 0;  ///< 0 when nothing is in flight
};

struct Flight {
  explicit Flight(std::size_t outputs) : launches{Launch(outputs), Launch(outputs)} {}

  std::array<Launch, 2> launches;
  Event network_is_free;  ///< they share the network's activations
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
    loaded_.reset();
    const std::size_t per_image = 2 * plan_->largest * sizeof(T);
    images_ = std::min(kMostImages, free_memory() / kMemoryShare / per_image);
    if (images_ == 0) require_memory("One image in the network", per_image * kMemoryShare);
    loaded_.emplace(*plan_, parameters, images_);
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
      launch_store(images.data(), loaded_->input(), plan_->input, static_cast<std::uint32_t>(here), stream.get());
      loaded_->run(static_cast<std::uint32_t>(here), probabilities, on_device.data(), stream.get());
      check(cudaMemcpyAsync(answers.data() + first * network_.outputs, on_device.data(),
                            here * network_.outputs * sizeof(float), cudaMemcpyDeviceToHost, stream.get()),
            "cudaMemcpyAsync");
      stream.wait();
      control.advance(here);
    }
  }

  /// What all launches of one call share.
  template <class Count>
  struct Call {
    const ExpressionStore& store;
    const Pairs& pairs;
    std::span<float> probabilities;
    const JobControl& control;
    Batch<Count> histograms;  ///< of the launches, but for their own plan and buffers
    ImageBatch<T, Count> images;
    std::size_t per_pair;
  };

  template <class Count>
  void score(const ExpressionStore& store, const Pairs& pairs, Orders orders, const std::vector<ImageKind>& kinds,
             std::span<float> probabilities, const JobControl& control) {
    const DeviceUse device(control);
    const std::size_t per_pair = orders == Orders::both ? 2 : 1;
    ImageBatch<T, Count> images{};
    images.both = orders == Orders::both;
    images.one_cell = 1.0F / static_cast<float>(store.cells);
    images.channels = static_cast<std::uint32_t>(kinds.size());
    std::copy(kinds.begin(), kinds.end(), images.kinds);
    if (std::find(kinds.begin(), kinds.end(), ImageKind::nepdf) != kinds.end()) {
      images.nepdf = upload_nepdf(*device, store.cells);
    }
    const Call<Count> call{
        store,
        pairs,
        probabilities,
        control,
        {upload(*device, store).view(), nullptr, nullptr, true, slice_of(*device, store.cells), nullptr, nullptr},
        images,
        per_pair};
    // Of two launches one computes while the other is planned and its answers are handed over.
    if (!flight_) flight_ = std::make_unique<Flight>(network_.outputs);
    for (Launch& launch : flight_->launches) {  // what a cancelled call left behind
      launch.stream.wait();
      launch.pairs = 0;
    }
    for (std::size_t first = 0; first < pairs.a.size(); first += kPairsPerLaunch) {
      Launch& launch = flight_->launches[first / kPairsPerLaunch % 2];
      finish(call, launch);
      control.check();
      begin(call, launch, first);
    }
    for (Launch& launch : flight_->launches) finish(call, launch);
  }

  /// Queues the pairs from `first` on, without waiting for them.
  template <class Count>
  void begin(const Call<Count>& call, Launch& launch, std::size_t first) {
    launch.first = first;
    launch.pairs = std::min(kPairsPerLaunch, call.pairs.a.size() - first);
    launch.plan = plan_blocks(
        call.store, {call.pairs.a.subspan(first, launch.pairs), call.pairs.b.subspan(first, launch.pairs)});
    copy_to_device(launch.tasks, launch.plan.tasks, launch.stream);
    copy_to_device(launch.streamed, launch.plan.pairs, launch.stream);
    auto* const counts = reinterpret_cast<Count*>(launch.counts.data());
    Batch<Count> histograms = call.histograms;
    histograms.tasks = launch.tasks.data();
    histograms.pairs = launch.streamed.data();
    histograms.spread_is_a = launch.plan.spread_is_a;
    histograms.out = counts;
    launch_histograms(histograms, launch.plan.tasks.size(), launch.stream.get());

    flight_->network_is_free.wait_in(launch.stream);
    ImageBatch<T, Count> images = call.images;
    images.counts = counts;
    images.images = loaded_->input();
    const std::size_t all = launch.pairs * call.per_pair;
    for (std::size_t image = 0; image < all; image += images_) {
      const auto here = static_cast<std::uint32_t>(std::min(images_, all - image));
      images.first = static_cast<std::uint32_t>(image);
      launch_images(images, here, launch.stream.get());
      loaded_->run(here, true, launch.answers.data() + image * network_.outputs, launch.stream.get());
    }
    flight_->network_is_free.record_in(launch.stream);
    check(cudaMemcpyAsync(launch.host_answers.data(), launch.answers.data(), all * network_.outputs * sizeof(float),
                          cudaMemcpyDeviceToHost, launch.stream.get()),
          "cudaMemcpyAsync");
  }

  /// Waits for a launch, if it is in flight, and hands its answers over.
  template <class Count>
  void finish(const Call<Count>& call, Launch& launch) {
    if (launch.pairs == 0) return;
    launch.stream.wait();
    const std::size_t per_pair = call.per_pair * network_.outputs;
    std::copy_n(launch.host_answers.data(), launch.pairs * per_pair,
                call.probabilities.data() + launch.first * per_pair);
    call.control.advance(launch.pairs);
    launch.pairs = 0;
  }

  Network network_;
  std::optional<NetworkPlan<T>> plan_;
  std::optional<LoadedNetwork<T>> loaded_;
  std::unique_ptr<Flight> flight_;
  std::size_t images_ = 0;  ///< that pass through the network together
};

}  // namespace

std::unique_ptr<CudaPredictor> make_cuda_predictor(const Network& network, Precision precision) {
  if (precision == Precision::bf16) return std::make_unique<GpuNetwork<Bf16>>(network);
  return std::make_unique<GpuNetwork<float>>(network);
}

}  // namespace cnnc

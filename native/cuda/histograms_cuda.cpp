#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <variant>

#include "core/devices.hpp"
#include "cuda/device_cuda.hpp"
#include "cuda/histogram_kernel.hpp"

namespace cnnc {
namespace {

using namespace gpu;

/// Pairs of one launch. Enough blocks to fill a GPU, few enough that copying back starts early.
constexpr std::size_t kPairsPerLaunch = 4096;
/// The images of one launch, of the widest type.
constexpr std::size_t kLaunchBytes = kPairsPerLaunch * kImage * sizeof(std::uint32_t);
/// Threads that copy images from page-locked memory to the caller's at most.
constexpr unsigned kCopyThreads = 8;

/// Buffers of a launch in flight, and the pairs that it counts.
struct Launch {
  Stream stream;
  DeviceArray<Task> tasks{kPairsPerLaunch};
  DeviceArray<StreamedPair> streamed{kPairsPerLaunch};
  DeviceArray<std::byte> images{kLaunchBytes};
  PinnedBytes host_images{kLaunchBytes};
  BlockPlan plan;  ///< read by the copy to the device until the stream has been waited for
  std::size_t first = 0;
  std::size_t pairs = 0;  ///< 0 when nothing is in flight
};

using Launches = std::array<Launch, 2>;

/// What all launches of one call share.
template <class Count>
struct Call {
  const ExpressionStore& store;
  const Pairs& pairs;
  std::span<Count> out;  ///< empty: the images stay on the device
  const JobControl& control;
  Batch<Count> batch;  ///< of the launches, but for their own plan and buffers
  unsigned copy_threads;
};

/// Queues the pairs from `first` on, without waiting for them.
template <class Count>
void begin(const Call<Count>& call, Launch& launch, std::size_t first) {
  launch.first = first;
  launch.pairs = std::min(kPairsPerLaunch, call.pairs.a.size() - first);
  launch.plan = plan_blocks(
      call.store, {call.pairs.a.subspan(first, launch.pairs), call.pairs.b.subspan(first, launch.pairs)});
  copy_to_device(launch.tasks, launch.plan.tasks, launch.stream);
  copy_to_device(launch.streamed, launch.plan.pairs, launch.stream);
  Batch<Count> batch = call.batch;
  batch.tasks = launch.tasks.data();
  batch.pairs = launch.streamed.data();
  batch.spread_is_a = launch.plan.spread_is_a;
  batch.out = reinterpret_cast<Count*>(launch.images.data());
  launch_histograms(batch, launch.plan.tasks.size(), launch.stream.get());
  if (call.out.empty()) return;
  check(cudaMemcpyAsync(launch.host_images.data(), launch.images.data(), launch.pairs * kImage * sizeof(Count),
                        cudaMemcpyDeviceToHost, launch.stream.get()),
        "cudaMemcpyAsync");
}

/// Copies what a launch has brought to page-locked memory to the caller's.
template <class Count>
void deliver(const Call<Count>& call, const Launch& launch) {
  const auto* const from = launch.host_images.data();
  auto* const to = reinterpret_cast<std::byte*>(call.out.data() + launch.first * kImage);
  const std::size_t bytes = launch.pairs * kImage * sizeof(Count);
  const std::size_t part = (bytes + call.copy_threads - 1) / call.copy_threads;
  parallel_for(call.copy_threads, call.copy_threads, [&](unsigned, std::size_t index) {
    const std::size_t begin = std::min(bytes, index * part);
    std::memcpy(to + begin, from + begin, std::min(part, bytes - begin));
  });
}

/// Waits for a launch, if it is in flight, and hands its images over.
template <class Count>
void finish(const Call<Count>& call, Launch& launch) {
  if (launch.pairs == 0) return;
  launch.stream.wait();
  if (!call.out.empty()) deliver(call, launch);
  call.control.advance(launch.pairs);
  launch.pairs = 0;
}

template <class Count>
void run(Device& device, Launches& buffers, const ExpressionStore& store, const Pairs& pairs, std::span<Count> out,
         const JobControl& control) {
  for (Launch& launch : buffers) {  // what a cancelled call left behind
    launch.stream.wait();
    launch.pairs = 0;
  }
  const float* const nepdf = std::is_same_v<Count, float> ? upload_nepdf(device, store.cells) : nullptr;
  const Call<Count> call{
      store,
      pairs,
      out,
      control,
      {upload(device, store).view(), nullptr, nullptr, true, slice_of(device, store.cells), nepdf, nullptr},
      std::min(kCopyThreads, granted_cpus())};
  // While one launch computes and copies, the images of the other are handed over.
  for (std::size_t first = 0; first < pairs.a.size(); first += kPairsPerLaunch) {
    Launch& launch = buffers[first / kPairsPerLaunch % 2];
    finish(call, launch);
    control.check();
    begin(call, launch, first);
  }
  for (Launch& launch : buffers) finish(call, launch);
}

Launches& launches() {
  static Launches* const buffers = std::make_unique<Launches>().release();  // never destroyed, as the device
  return *buffers;
}

}  // namespace

void histograms_cuda(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out,
                     const JobControl& control) {
  check_arguments(store, pairs, out);
  const DeviceUse device(control);
  if (pairs.a.empty()) return;
  std::visit([&](auto images) { run(*device, launches(), store, pairs, images, control); }, out);
}

void histograms_cuda_only(const ExpressionStore& store, const Pairs& pairs, const JobControl& control) {
  check_pairs(store, pairs);
  const DeviceUse device(control);
  if (store.cells <= std::numeric_limits<std::uint16_t>::max()) {
    run(*device, launches(), store, pairs, std::span<std::uint16_t>(), control);
  } else {
    run(*device, launches(), store, pairs, std::span<std::uint32_t>(), control);
  }
}

}  // namespace cnnc

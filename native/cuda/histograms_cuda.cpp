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

/// Buffers of a launch in flight.
struct Launch {
  Stream stream;
  PlanBuffers plan{kPairsPerLaunch};
  DeviceArray<std::byte> images{kLaunchBytes};
  PinnedBytes host_images{kLaunchBytes};
};

using Launches = std::array<Launch, kWorkers>;

Launches& launches() {
  static Launches* const buffers = std::make_unique<Launches>().release();  // never destroyed, as the device
  return *buffers;
}

/// @param out empty: the images stay on the device
template <class Count>
void run(Device& device, const ExpressionStore& store, const Pairs& pairs, std::span<Count> out,
         const JobControl& control) {
  const float* const nepdf = std::is_same_v<Count, float> ? upload_nepdf(device, store.cells) : nullptr;
  const Batch<Count> shared{
      upload(device, store).view(), nullptr, nullptr, true, slice_of(device, store.cells), nepdf, nullptr};
  Launches& buffers = launches();
  for (const Launch& launch : buffers) launch.stream.wait();  // for what a cancelled call left behind

  each_launch(device, pairs, kPairsPerLaunch, control, [&](unsigned worker, std::size_t first, const Pairs& some) {
    Launch& launch = buffers[worker];
    queue_histograms(store, some, launch.plan, shared, reinterpret_cast<Count*>(launch.images.data()), launch.stream);
    if (out.empty()) {
      launch.stream.wait();
      return;
    }
    const std::size_t bytes = some.a.size() * kImage * sizeof(Count);
    check(cudaMemcpyAsync(launch.host_images.data(), launch.images.data(), bytes, cudaMemcpyDeviceToHost,
                          launch.stream.get()),
          "cudaMemcpyAsync");
    launch.stream.wait();
    std::memcpy(out.data() + first * kImage, launch.host_images.data(), bytes);
  });
}

}  // namespace

void histograms_cuda(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out,
                     const JobControl& control) {
  check_arguments(store, pairs, out);
  const DeviceUse device(control);
  std::visit([&](auto images) { run(*device, store, pairs, images, control); }, out);
}

void histograms_cuda_only(const ExpressionStore& store, const Pairs& pairs, const JobControl& control) {
  check_pairs(store, pairs);
  const DeviceUse device(control);
  if (store.cells <= std::numeric_limits<std::uint16_t>::max()) {
    run(*device, store, pairs, std::span<std::uint16_t>(), control);
  } else {
    run(*device, store, pairs, std::span<std::uint32_t>(), control);
  }
}

}  // namespace cnnc

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "core/histograms.hpp"
#include "core/parallel.hpp"
#include "cuda/block.hpp"
#include "cuda/block_plan.hpp"
#include "cuda/cuda_resources.hpp"

namespace cnnc::gpu {

/// A store's arrays on the device.
struct DeviceStore {
  explicit DeviceStore(const ExpressionStore& store);

  [[nodiscard]] StoreView view() const;

  std::uint64_t id;
  std::uint32_t cells;
  DeviceArray<std::uint64_t> first;
  DeviceArray<std::uint32_t> stored;
  DeviceArray<std::uint32_t> cell_ids;
  DeviceArray<std::uint8_t> bins;
  DeviceArray<std::uint8_t> zero_bin;
  DeviceArray<std::array<std::uint32_t, kBins>> marginal;
};

/// The GPU that is used, and what stays on it from call to call.
struct Device {
  int index = 0;
  SharedMemory shared{};
  std::optional<DeviceStore> store;
  std::optional<DeviceArray<float>> nepdf;  ///< of the counts 0..nepdf_cells
  std::uint32_t nepdf_cells = 0;
};

/// The GPU for one caller at a time; the others can still be cancelled while they wait.
class DeviceUse {
 public:
  /// Throws GPU_UNAVAILABLE, GPU_FAILED; Cancelled.
  explicit DeviceUse(const JobControl& control);

  Device* operator->() const noexcept { return device_; }
  Device& operator*() const noexcept { return *device_; }

 private:
  std::unique_lock<std::timed_mutex> lock_;
  Device* device_;
};

/// Throws GPU_MEMORY, naming `what`, unless so many bytes are free.
void require_memory(const char* what, std::size_t needed);
[[nodiscard]] std::size_t free_memory();

/// The store's copy on the device, made now unless it is there already. Throws GPU_MEMORY, GPU_FAILED.
[[nodiscard]] const DeviceStore& upload(Device& device, const ExpressionStore& store);
/// NEPDF values of the counts 0..cells on the device, likewise.
[[nodiscard]] const float* upload_nepdf(Device& device, std::uint32_t cells);
/// slice_cells of the device; throws GPU_UNAVAILABLE when a block does not fit.
[[nodiscard]] std::uint32_t slice_of(const Device& device, std::uint32_t cells);

/// Threads of the host that plan launches and hand over what came of them, so that neither keeps the device waiting.
/// They mostly wait themselves.
inline constexpr unsigned kWorkers = 4;

/// Calls work(worker, first, some) for the pairs from `first` on, `per_launch` at a time, on kWorkers threads; `work`
/// returns when the device is done. Throws what `work` throws, and Cancelled; `control` advances by pairs.
template <class Work>
void each_launch(const Device& device, const Pairs& pairs, std::size_t per_launch, const JobControl& control,
                 Work&& work) {
  const std::size_t launches = (pairs.a.size() + per_launch - 1) / per_launch;
  parallel_for(kWorkers, launches, [&](unsigned worker, std::size_t index) {
    control.check();
    check(cudaSetDevice(device.index), "cudaSetDevice");
    const std::size_t first = index * per_launch;
    const std::size_t here = std::min(per_launch, pairs.a.size() - first);
    work(worker, first, Pairs{pairs.a.subspan(first, here), pairs.b.subspan(first, here)});
    control.advance(here);
  });
}

template <class Value>
void copy_to_device(const DeviceArray<Value>& to, const std::vector<Value>& from, const Stream& stream) {
  check(cudaMemcpyAsync(to.data(), from.data(), from.size() * sizeof(Value), cudaMemcpyHostToDevice, stream.get()),
        "cudaMemcpyAsync");
}

}  // namespace cnnc::gpu

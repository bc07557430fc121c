#include "cuda/device_cuda.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/devices.hpp"
#include "core/nepdf.hpp"

namespace cnnc::gpu {
namespace {

std::timed_mutex& device_mutex() {
  static std::timed_mutex mutex;
  return mutex;
}

std::size_t attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return static_cast<std::size_t>(value);
}

std::unique_ptr<Device> open_device() {
  const GpuStatus status = gpu_status();
  if (status.gpus.empty()) throw Error("GPU_UNAVAILABLE", status.problem);
  auto device = std::make_unique<Device>();
  device->index = status.gpus.front().index;
  check(cudaSetDevice(device->index), "cudaSetDevice");
  // Threads that wait leave their processor to others.
  check(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync), "cudaSetDeviceFlags");
  device->shared = {attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device->index),
                    attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, device->index),
                    attribute(cudaDevAttrReservedSharedMemoryPerBlock, device->index)};
  return device;
}

std::string mebibytes(std::size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

DeviceUse::DeviceUse(const JobControl& control) : lock_(device_mutex(), std::defer_lock) {
  while (!lock_.try_lock_for(std::chrono::milliseconds(50))) control.check();
  // Never destroyed: CUDA calls while the process ends are undefined.
  static Device* opened = nullptr;
  if (opened == nullptr) opened = open_device().release();
  device_ = opened;
  check(cudaSetDevice(device_->index), "cudaSetDevice");
}

DeviceStore::DeviceStore(const ExpressionStore& store)
    : id(store.id),
      cells(store.cells),
      first(std::span(store.first)),
      stored(std::span(store.stored)),
      cell_ids(std::span(store.cell_ids.data(), store.cell_ids.size())),
      bins(std::span(store.bins.data(), store.bins.size())),
      zero_bin(std::span(store.zero_bin)),
      marginal(std::span(store.marginal)) {}

StoreView DeviceStore::view() const {
  return {cells,           first.data(),
          stored.data(),   cell_ids.data(),
          bins.data(),     zero_bin.data(),
          reinterpret_cast<const std::uint32_t*>(marginal.data())};
}

std::size_t free_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

void require_memory(const char* what, std::size_t needed) {
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  if (needed <= free) return;
  throw Error("GPU_MEMORY", std::string(what) + " needs " + mebibytes(needed) + " of GPU memory, and " +
                                mebibytes(free) + " of " + mebibytes(total) + " are free.");
}

const DeviceStore& upload(Device& device, const ExpressionStore& store) {
  if (!device.store || device.store->id != store.id) {
    device.store.reset();
    const std::size_t per_gene = sizeof store.first[0] + sizeof store.stored[0] + sizeof store.zero_bin[0] +
                                 sizeof store.marginal[0];
    require_memory("The expression store", store.cell_ids.size() * sizeof(std::uint32_t) + store.bins.size() +
                                               store.genes * per_gene);
    device.store.emplace(store);
  }
  return *device.store;
}

const float* upload_nepdf(Device& device, std::uint32_t cells) {
  if (!device.nepdf || device.nepdf_cells != cells) {
    const NepdfTable table(cells);
    std::vector<float> values(std::size_t{cells} + 1);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = table(static_cast<std::uint32_t>(i));
    device.nepdf.reset();
    require_memory("The NEPDF table", values.size() * sizeof(float));
    device.nepdf.emplace(std::span<const float>(values));
    device.nepdf_cells = cells;
  }
  return device.nepdf->data();
}

std::uint32_t slice_of(const Device& device, std::uint32_t cells) {
  const std::uint32_t slice = slice_cells(cells, device.shared);
  if (slice == 0) throw Error("GPU_UNAVAILABLE", "The GPU has too little shared memory for a block.");
  return slice;
}

}  // namespace cnnc::gpu

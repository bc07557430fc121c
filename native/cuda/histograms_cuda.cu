#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/devices.hpp"
#include "core/nepdf.hpp"
#include "cuda/block.hpp"
#include "cuda/block_plan.hpp"
#include "cuda/cuda_resources.hpp"

namespace cnnc {
namespace {

using namespace gpu;

/// Pairs of one launch. Enough blocks to fill a GPU, few enough that copying back starts early.
constexpr std::size_t kPairsPerLaunch = 4096;
/// The images of one launch, of the widest type.
constexpr std::size_t kLaunchBytes = kPairsPerLaunch * kImage * sizeof(std::uint32_t);
/// Threads that copy images from page-locked memory to the caller's at most.
constexpr unsigned kCopyThreads = 8;

/// As the block of a GPU runs a phase: this thread's share, then a barrier.
struct EachThread {
  Thread& thread;
  template <class Phase>
  CNNC_HOST_DEVICE void operator()(Phase phase) {
    phase(thread);
#ifdef __CUDA_ARCH__
    __syncthreads();
#endif
  }
};

template <class Count>
__global__ void __launch_bounds__(kThreads, 2) histogram_kernel(Batch<Count> batch) {
  extern __shared__ Bytes16 shared[];
  auto* const images = reinterpret_cast<std::uint32_t*>(shared);
  const BlockMemory memory{reinterpret_cast<std::uint8_t*>(images + kTeams * kImageWords), images};
  const Task task = batch.tasks[blockIdx.x];
  Thread thread(threadIdx.x, task);
  EachThread each_thread{thread};
  run_block(batch, task, memory, each_thread);
}

/// A store's arrays on the device.
struct DeviceStore {
  explicit DeviceStore(const ExpressionStore& store)
      : id(store.id),
        first(std::span(store.first)),
        stored(std::span(store.stored)),
        cell_ids(std::span(store.cell_ids.data(), store.cell_ids.size())),
        bins(std::span(store.bins.data(), store.bins.size())),
        zero_bin(std::span(store.zero_bin)),
        marginal(std::span(store.marginal)) {}

  [[nodiscard]] StoreView view(std::uint32_t cells) const {
    return {cells,       first.data(),    stored.data(),
            cell_ids.data(), bins.data(), zero_bin.data(), reinterpret_cast<const std::uint32_t*>(marginal.data())};
  }

  std::uint64_t id;
  DeviceArray<std::uint64_t> first;
  DeviceArray<std::uint32_t> stored;
  DeviceArray<std::uint32_t> cell_ids;
  DeviceArray<std::uint8_t> bins;
  DeviceArray<std::uint8_t> zero_bin;
  DeviceArray<std::array<std::uint32_t, kBins>> marginal;
  DeviceArray<float> nepdf;  ///< of the counts 0..cells; empty until NEPDFs are asked for
};

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

/// The GPU that is used, and what stays on it from call to call.
struct Device {
  SharedMemory shared{};
  std::array<Launch, 2> launches;
  std::optional<DeviceStore> store;
};

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

std::unique_ptr<Device> open_device(int index) {
  auto device = std::make_unique<Device>();
  const auto bytes = [&](cudaDeviceAttr which) { return static_cast<std::size_t>(attribute(which, index)); };
  device->shared = {bytes(cudaDevAttrMaxSharedMemoryPerBlockOptin), bytes(cudaDevAttrMaxSharedMemoryPerMultiprocessor),
                    bytes(cudaDevAttrReservedSharedMemoryPerBlock)};
  return device;
}

std::string mebibytes(std::size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

void require_memory(const char* what, std::size_t needed) {
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  if (needed <= free) return;
  throw Error("GPU_MEMORY", std::string(what) + " needs " + mebibytes(needed) + " of GPU memory, and " +
                                mebibytes(free) + " of " + mebibytes(total) + " are free.");
}

DeviceArray<float> upload_nepdf(std::uint32_t cells) {
  const NepdfTable table(cells);
  std::vector<float> values(std::size_t{cells} + 1);
  for (std::size_t count = 0; count < values.size(); ++count) values[count] = table(static_cast<std::uint32_t>(count));
  require_memory("The NEPDF table", values.size() * sizeof(float));
  return DeviceArray<float>(std::span<const float>(values));
}

/// The store's copy on the device, made now unless it is there already.
DeviceStore& upload(Device& device, const ExpressionStore& store, bool with_nepdf) {
  if (!device.store || device.store->id != store.id) {
    device.store.reset();
    const std::size_t per_gene = sizeof store.first[0] + sizeof store.stored[0] + sizeof store.zero_bin[0] +
                                 sizeof store.marginal[0];
    require_memory("The expression store", store.cell_ids.size() * sizeof(std::uint32_t) + store.bins.size() +
                                               store.genes * per_gene);
    device.store.emplace(store);
  }
  if (with_nepdf && device.store->nepdf.size() == 0) device.store->nepdf = upload_nepdf(store.cells);
  return *device.store;
}

/// What all launches of one call share.
template <class Count>
struct Call {
  const ExpressionStore& store;
  const Pairs& pairs;
  std::span<Count> out;
  const JobControl& control;
  Batch<Count> batch;  ///< of the launches, but for their own plan and buffers
  std::size_t shared_bytes;
  unsigned copy_threads;
};

template <class Value>
void copy_to_device(const DeviceArray<Value>& to, const std::vector<Value>& from, const Stream& stream) {
  check(cudaMemcpyAsync(to.data(), from.data(), from.size() * sizeof(Value), cudaMemcpyHostToDevice, stream.get()),
        "cudaMemcpyAsync");
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
  Batch<Count> batch = call.batch;
  batch.tasks = launch.tasks.data();
  batch.pairs = launch.streamed.data();
  batch.spread_is_a = launch.plan.spread_is_a;
  batch.out = reinterpret_cast<Count*>(launch.images.data());
  histogram_kernel<Count><<<static_cast<unsigned>(launch.plan.tasks.size()), kThreads, call.shared_bytes,
                            launch.stream.get()>>>(batch);
  check(cudaGetLastError(), "Starting the histogram kernel");
  check(cudaMemcpyAsync(launch.host_images.data(), launch.images.data(), launch.pairs * kImage * sizeof(Count),
                        cudaMemcpyDeviceToHost, launch.stream.get()),
        "cudaMemcpyAsync");
}

/// Waits for a launch, if it is in flight, and hands its images over.
template <class Count>
void finish(const Call<Count>& call, Launch& launch) {
  if (launch.pairs == 0) return;
  launch.stream.wait();
  const auto* const from = launch.host_images.data();
  auto* const to = reinterpret_cast<std::byte*>(call.out.data() + launch.first * kImage);
  const std::size_t bytes = launch.pairs * kImage * sizeof(Count);
  const std::size_t part = (bytes + call.copy_threads - 1) / call.copy_threads;
  parallel_for(call.copy_threads, call.copy_threads, [&](unsigned, std::size_t index) {
    const std::size_t begin = std::min(bytes, index * part);
    std::memcpy(to + begin, from + begin, std::min(part, bytes - begin));
  });
  call.control.advance(launch.pairs);
  launch.pairs = 0;
}

template <class Count>
void run(Device& device, const ExpressionStore& store, const Pairs& pairs, std::span<Count> out,
         const JobControl& control) {
  for (Launch& launch : device.launches) {  // what a cancelled call left behind
    launch.stream.wait();
    launch.pairs = 0;
  }
  const DeviceStore& on_device = upload(device, store, std::is_same_v<Count, float>);
  const std::uint32_t slice = slice_cells(store.cells, device.shared);
  if (slice == 0) throw Error("GPU_UNAVAILABLE", "The GPU has too little shared memory for a block.");
  const Call<Count> call{store,
                         pairs,
                         out,
                         control,
                         {on_device.view(store.cells), nullptr, nullptr, true, slice, on_device.nepdf.data(), nullptr},
                         kImagesBytes + slice,
                         std::min(kCopyThreads, granted_cpus())};
  check(cudaFuncSetAttribute(histogram_kernel<Count>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(call.shared_bytes)),
        "cudaFuncSetAttribute");
  check(cudaFuncSetAttribute(histogram_kernel<Count>, cudaFuncAttributePreferredSharedMemoryCarveout,
                             cudaSharedmemCarveoutMaxShared),
        "cudaFuncSetAttribute");
  // While one launch computes and copies, the images of the other are handed over.
  for (std::size_t first = 0; first < pairs.a.size(); first += kPairsPerLaunch) {
    Launch& launch = device.launches[first / kPairsPerLaunch % 2];
    finish(call, launch);
    control.check();
    begin(call, launch, first);
  }
  for (Launch& launch : device.launches) finish(call, launch);
}

}  // namespace

void histograms_cuda(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out,
                     const JobControl& control) {
  check_arguments(store, pairs, out);
  // One call at a time; the others can still be cancelled while they wait.
  static std::timed_mutex mutex;
  std::unique_lock lock(mutex, std::defer_lock);
  while (!lock.try_lock_for(std::chrono::milliseconds(50))) control.check();

  // Never destroyed: CUDA calls while the process ends are undefined.
  static Device* device = nullptr;
  static int device_index = 0;
  if (device == nullptr) {
    const GpuStatus status = gpu_status();
    if (status.gpus.empty()) throw Error("GPU_UNAVAILABLE", status.problem);
    device_index = status.gpus.front().index;
    check(cudaSetDevice(device_index), "cudaSetDevice");
    device = open_device(device_index).release();
  }
  check(cudaSetDevice(device_index), "cudaSetDevice");
  std::visit([&](auto images) { run(*device, store, pairs, images, control); }, out);
}

}  // namespace cnnc

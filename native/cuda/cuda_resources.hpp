#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "core/error.hpp"

namespace cnnc::gpu {

/// Throws Error unless `result` is a success: GPU_MEMORY when memory ran out, else GPU_FAILED.
/// `call` names what was tried.
inline void check(cudaError_t result, const char* call) {
  if (result == cudaSuccess) return;
  (void)cudaGetLastError();  // so that the next call does not report it again
  throw Error(result == cudaErrorMemoryAllocation ? "GPU_MEMORY" : "GPU_FAILED",
              std::string(call) + " failed on the GPU: " + cudaGetErrorString(result) + " (" +
                  cudaGetErrorName(result) + ").");
}

/// Uninitialised memory of the current device.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  explicit DeviceArray(std::size_t size) : size_(size) {
    void* data = nullptr;
    if (size > 0) check(cudaMalloc(&data, size * sizeof(T)), "cudaMalloc");
    data_.reset(static_cast<T*>(data));
  }
  /// A copy of `source`, complete for work in any stream.
  explicit DeviceArray(std::span<const T> source) : DeviceArray(source.size()) {
    check(cudaMemcpy(data(), source.data(), source.size_bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
    // From pageable memory cudaMemcpy may return before the last bytes have arrived.
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  }
  [[nodiscard]] T* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct Free {
    void operator()(T* data) const noexcept { (void)cudaFree(data); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

/// Uninitialised page-locked host memory, which the device can copy to while it computes.
class PinnedBytes {
 public:
  explicit PinnedBytes(std::size_t size) {
    void* data = nullptr;
    check(cudaMallocHost(&data, size), "cudaMallocHost");
    data_.reset(static_cast<std::byte*>(data));
  }
  [[nodiscard]] std::byte* data() const noexcept { return data_.get(); }

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept { (void)cudaFreeHost(data); }
  };
  std::unique_ptr<std::byte, Free> data_;
};

/// A queue of device work.
class Stream {
 public:
  Stream() {
    cudaStream_t stream = nullptr;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    stream_.reset(stream);
  }
  [[nodiscard]] cudaStream_t get() const noexcept { return stream_.get(); }
  /// Returns when all of its work is done.
  void wait() const { check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize"); }

 private:
  struct Destroy {
    void operator()(cudaStream_t stream) const noexcept { (void)cudaStreamDestroy(stream); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaStream_t>, Destroy> stream_;
};

}  // namespace cnnc::gpu

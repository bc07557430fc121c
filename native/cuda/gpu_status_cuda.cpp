#include <cuda_runtime_api.h>

#include <string>

#include "core/devices.hpp"

namespace cnnc {
namespace {

/// The oldest that kernels are compiled for (see CMakeLists.txt): Ampere.
constexpr int kLeastMajor = 8;

std::string version_name(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// Why the runtime finds no device.
std::string problem_of(cudaError_t result) {
  int driver = 0;
  (void)cudaDriverGetVersion(&driver);
  if (driver == 0) return "No NVIDIA driver is installed on this machine.";
  if (result == cudaErrorInsufficientDriver) {
    return "The NVIDIA driver is too old: it supports CUDA " + version_name(driver) + ", and this build needs " +
           version_name(CUDART_VERSION) + ".";
  }
  if (result == cudaErrorNoDevice) return "The NVIDIA driver shows no GPU to this process.";
  return std::string("The NVIDIA driver does not start: ") + cudaGetErrorString(result) + " (" +
         cudaGetErrorName(result) + ").";
}

}  // namespace

GpuStatus gpu_status() {
  GpuStatus status;
  status.built = true;
  int devices = 0;
  const cudaError_t result = cudaGetDeviceCount(&devices);
  if (result != cudaSuccess || devices == 0) {
    (void)cudaGetLastError();
    status.problem = problem_of(result == cudaSuccess ? cudaErrorNoDevice : result);
    return status;
  }
  for (int index = 0; index < devices; ++index) {
    cudaDeviceProp properties{};
    if (const cudaError_t failure = cudaGetDeviceProperties(&properties, index); failure != cudaSuccess) {
      (void)cudaGetLastError();
      status.problem = problem_of(failure);
    } else if (properties.major < kLeastMajor) {
      status.problem = std::string("The GPU ") + properties.name + " is too old: its compute capability is " +
                       std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                       ", and this build needs " + std::to_string(kLeastMajor) + ".0.";
    } else {
      status.gpus.push_back({index, properties.name, properties.totalGlobalMem});
    }
  }
  if (!status.gpus.empty()) status.problem.clear();
  return status;
}

}  // namespace cnnc

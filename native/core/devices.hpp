#pragma once

#include <string>
#include <vector>

#include "core/histograms.hpp"

namespace cnnc {

/// A GPU that the driver offers.
struct Gpu {
  int index;
  std::string name;
  std::size_t memory_bytes;
};

/// Whether this build holds GPU code, and why no GPU can be used if none can.
struct GpuStatus {
  bool built = false;
  std::string problem;  ///< empty when `gpus` is not
  std::vector<Gpu> gpus;
};

[[nodiscard]] GpuStatus gpu_status();

/// As histograms_cpu, on the first GPU, with the same bits. The store stays on the device until another
/// one is used. Throws what check_arguments throws; GPU_UNAVAILABLE, GPU_MEMORY, GPU_FAILED; Cancelled.
void histograms_cuda(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out,
                     const JobControl& control = {});

/// The same without handing the images over: they stay on the device, as those that a network there reads, until the
/// next call. To be timed.
void histograms_cuda_only(const ExpressionStore& store, const Pairs& pairs, const JobControl& control = {});

}  // namespace cnnc

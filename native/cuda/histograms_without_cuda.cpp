#include "core/devices.hpp"

namespace cnnc {

GpuStatus gpu_status() { return {false, "This build has no GPU code: it was compiled without nvcc.", {}}; }

void histograms_cuda(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out, const JobControl&) {
  check_arguments(store, pairs, out);
  throw Error("GPU_UNAVAILABLE", gpu_status().problem);
}

}  // namespace cnnc

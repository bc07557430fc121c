#include "core/devices.hpp"

namespace cnnc {

GpuStatus gpu_status() { return {false, "This build has no GPU code: nvcc was not found when it was compiled.", {}}; }

void histograms_cuda(const ExpressionStore&, const Pairs&, HistogramOutput, const JobControl&) {
  throw Error("GPU_UNAVAILABLE", gpu_status().problem);
}

}  // namespace cnnc

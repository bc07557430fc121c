#include "core/devices.hpp"
#include "core/error.hpp"
#include "cuda/gradients_cuda.hpp"
#include "cuda/network_cuda.hpp"

namespace cnnc {

GpuStatus gpu_status() {
  return {false,
          "This build has no GPU code: where it was compiled there was no nvcc or no NVIDIA driver (with "
          "CNNC_CUDA=ON in the environment, nvcc is enough).",
          {}};
}

void histograms_cuda(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out, const JobControl&) {
  check_arguments(store, pairs, out);
  throw Error("GPU_UNAVAILABLE", gpu_status().problem);
}

void histograms_cuda_only(const ExpressionStore& store, const Pairs& pairs, const JobControl&) {
  check_pairs(store, pairs);
  throw Error("GPU_UNAVAILABLE", gpu_status().problem);
}

std::unique_ptr<CudaPredictor> make_cuda_predictor(const Network&, Precision) {
  throw Error("GPU_UNAVAILABLE", gpu_status().problem);
}

std::unique_ptr<CudaTrainer> make_cuda_trainer(const Network&, const EngineOptions&, const OptimizerOptions&,
                                               std::uint64_t) {
  throw Error("GPU_UNAVAILABLE", gpu_status().problem);
}

std::unique_ptr<GradientEngine> make_cuda_gradients(const Network&, const EngineOptions&) {
  throw Error("GPU_UNAVAILABLE", gpu_status().problem);
}

}  // namespace cnnc

#pragma once

#include <memory>
#include <vector>

#include "cnn/engine.hpp"
#include "cnn/image.hpp"
#include "cnn/scorer.hpp"

namespace cnnc {

/// A network on the first GPU.
class CudaPredictor : public Predictor {
 public:
  /// As cnnc::score_pairs, without leaving the GPU: histograms, images and network. `kinds` as of ImageMaker. The store
  /// stays on the device until another one is used. Throws what histograms_cuda throws.
  virtual void score_pairs(const ExpressionStore& store, const Pairs& pairs, Orders orders,
                           const std::vector<ImageKind>& kinds, std::span<float> probabilities,
                           const JobControl& control) = 0;
};

/// float32 without TF32, or bfloat16 factors with sums in float32. Throws GPU_UNAVAILABLE, GPU_MEMORY, GPU_FAILED, and
/// BAD_NETWORK for a network that the GPU cannot express.
[[nodiscard]] std::unique_ptr<CudaPredictor> make_cuda_predictor(const Network& network, Precision precision);

}  // namespace cnnc

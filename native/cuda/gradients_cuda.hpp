#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cnn/engine.hpp"
#include "cnn/image.hpp"
#include "cnn/trainer.hpp"

namespace cnnc {

/// Rows of histograms with what they show, as of LabelledImages. Where swapped[i] is not 0, an image is that of the
/// swapped pair.
struct LabelledRows {
  std::span<const std::uint32_t> rows;
  std::span<const std::uint8_t> swapped;
  std::span<const std::uint8_t> classes;
  std::span<const float> weights;

  [[nodiscard]] std::size_t size() const noexcept { return classes.size(); }
};

/// A training on the first GPU: parameters, derivatives and the optimiser's moments stay there from step to step. All
/// calls throw GPU_MEMORY and GPU_FAILED.
class CudaTrainer : public NetworkTrainer {
 public:
  using NetworkTrainer::step;

  /// Histograms of `cells` cells that steps may name by row; they must live until others are set, for they are copied
  /// to the GPU now only where they fit, and else step by step. `kinds` as of ImageMaker. Throws Error BAD_IMAGE when
  /// they do not fit the network.
  /// @returns whether they stay on the GPU
  virtual bool set_counts(const Counts& counts, std::uint32_t cells, const std::vector<ImageKind>& kinds) = 0;

  /// A step on these histograms. Throws Error BAD_ARRAY for rows that are not there.
  virtual double step(const LabelledRows& batch, float rate) = 0;
};

/// float32 without TF32, or bfloat16 as Precision says; a step of options.batch images must fit the GPU's memory, and
/// larger ones are tried. The same numbers give the same bits every time. Throws GPU_UNAVAILABLE, GPU_MEMORY,
/// GPU_FAILED, and BAD_NETWORK for a network that the GPU cannot express.
[[nodiscard]] std::unique_ptr<CudaTrainer> make_cuda_trainer(const Network& network, const EngineOptions& options,
                                                             const OptimizerOptions& optimizer, std::uint64_t seed);

/// Only derivatives, for images and parameters of the host. Throws what make_cuda_trainer throws.
[[nodiscard]] std::unique_ptr<GradientEngine> make_cuda_gradients(const Network& network, const EngineOptions& options);

}  // namespace cnnc

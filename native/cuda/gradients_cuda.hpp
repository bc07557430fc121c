#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cnn/engine.hpp"
#include "cnn/image.hpp"
#include "cnn/optimizer.hpp"

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

/// A training on the first GPU: parameters, derivatives and the optimiser's moments stay there from step to step. One
/// call at a time. All calls throw GPU_MEMORY and GPU_FAILED.
class CudaTrainer {
 public:
  CudaTrainer() = default;
  CudaTrainer(const CudaTrainer&) = delete;
  CudaTrainer& operator=(const CudaTrainer&) = delete;
  virtual ~CudaTrainer() = default;

  /// Zeros until they are set.
  virtual void set_parameters(std::span<const float> parameters) = 0;
  [[nodiscard]] virtual std::vector<float> parameters() const = 0;
  /// As initial_state until it is set; sizes must be those.
  virtual void set_state(const OptimizerState& state) = 0;
  [[nodiscard]] virtual OptimizerState state() const = 0;

  /// Histograms of `cells` cells that steps may name by row; they must live until others are set, for they are copied
  /// to the GPU now only where they fit, and else step by step. `kinds` as of ImageMaker. Throws Error BAD_IMAGE when
  /// they do not fit the network.
  /// @returns whether they stay on the GPU
  virtual bool set_counts(const Counts& counts, std::uint32_t cells, const std::vector<ImageKind>& kinds) = 0;

  /// A step: derivatives with dropout masks named by the seed and the steps so far, then update_parameters.
  /// @returns the loss; NaN when it, a derivative or a new parameter is no number. In the first two cases nothing has
  /// changed.
  virtual double step(const LabelledImages& batch, float rate) = 0;
  /// Throws Error BAD_ARRAY for rows that are not there.
  virtual double step(const LabelledRows& batch, float rate) = 0;

  /// As of GradientEngine, with the parameters of now.
  virtual double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                           std::span<float> gradients) = 0;
};

/// float32 without TF32, or bfloat16 as Precision says; a step of options.batch images must fit the GPU's memory, and
/// larger ones are tried. The same numbers give the same bits on every GPU. Throws GPU_UNAVAILABLE, GPU_MEMORY,
/// GPU_FAILED, and BAD_NETWORK for a network that the GPU cannot express.
[[nodiscard]] std::unique_ptr<CudaTrainer> make_cuda_trainer(const Network& network, const EngineOptions& options,
                                                             const OptimizerOptions& optimizer, std::uint64_t seed);

/// Only derivatives, for images and parameters of the host. Throws what make_cuda_trainer throws.
[[nodiscard]] std::unique_ptr<GradientEngine> make_cuda_gradients(const Network& network, const EngineOptions& options);

}  // namespace cnnc

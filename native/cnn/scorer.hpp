#pragma once

#include <span>

#include "cnn/engine.hpp"
#include "cnn/image.hpp"
#include "core/histograms.hpp"

namespace cnnc {

/// Which images of a pair are shown to the network. Both come from one histogram.
enum class Orders : std::uint8_t { given, both };

/// Fills the probabilities of all pairs: `outputs` each for the pair in its order, followed, with Orders::both, by
/// those of the swapped pair. Histograms, images and network in one pass; memory is a few thousand histograms.
/// `control` advances by pairs. Throws what histograms_cpu throws.
void score_pairs(const ExpressionStore& store, const Pairs& pairs, Orders orders, const ImageMaker& images,
                 Predictor& predictor, std::size_t outputs, unsigned threads, std::span<float> probabilities,
                 const JobControl& control = {});

}  // namespace cnnc

#pragma once

#include <span>

#include "core/histograms.hpp"

namespace cnnc {

/// Writes the mutual information of each pair's 32 x 32 counts to `out`: the plug-in estimate, in nats. 0 where a gene
/// is constant. Same bits for any number of threads, batch and order of a pair's genes.
/// \pre `out` has one number per pair.
/// Throws BAD_PAIRS and Cancelled.
void mutual_informations(const ExpressionStore& store, const Pairs& pairs, std::span<float> out, unsigned threads,
                         const JobControl& control);

}  // namespace cnnc

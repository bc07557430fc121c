#pragma once

namespace cnnc::bench {

/// Whether derivatives and steps on the GPU are those of the plain C++ network. Prints a line for each check; `small`
/// leaves out what takes long.
[[nodiscard]] bool check_training_parity(bool small);

/// Prints images per second of training steps, from histograms that stay on the GPU.
void print_training_rates();

}  // namespace cnnc::bench

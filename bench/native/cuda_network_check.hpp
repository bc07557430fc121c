#pragma once

namespace cnnc::bench {

/// Whether networks on the GPU give what the plain C++ network gives, and the GPU's own float32 and bfloat16 each
/// other's scores, on random and on simulated data. Prints a line for each check.
[[nodiscard]] bool check_network_parity();

/// The same with every kernel on little work.
[[nodiscard]] bool smoke_networks();

/// Prints images per second of networks on the GPU, with their histograms and without, beside what the arithmetic
/// would allow.
void print_network_rates();

/// Prints how long all pairs of 20,000 genes take, of 40,000 cells. Networks for which it would be minutes are measured
/// on a part, and said to be.
void print_whole_transcriptome();

}  // namespace cnnc::bench

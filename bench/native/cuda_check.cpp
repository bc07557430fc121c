// Whether the GPU gives what the CPU gives, and how fast it is beside it.
//
//   cnnc_check_cuda [parity|smoke]
//
// First counts stores of many shapes on both and compares every byte, for every type of output, and runs
// networks on both; then, unless only `parity` is asked for, prints the rates of histograms and networks.
// `smoke` starts every kernel on little work, for compute-sanitizer.
// Exits 1 at a difference, 77 when there is no GPU to run on. Needs cmake and nvcc alone; bench/gpu.sh builds
// and runs it, with PyTorch beside it.

#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/devices.hpp"
#include "cuda_network_check.hpp"
#include "cuda_training_check.hpp"
#include "simulated_store.hpp"
#include "test/cuda_stores.hpp"

namespace {

using namespace cnnc;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Counts on both devices. Returns the number of pairs whose images differ in any bit.
template <class Count>
std::size_t differing_pairs(const ExpressionStore& store, const Pairs& pairs) {
  std::vector<Count> on_cpu(pairs.a.size() * kImage);
  std::vector<Count> on_gpu(on_cpu.size(), Count{77});
  histograms_cpu(store, pairs, std::span(on_cpu), granted_cpus());
  histograms_cuda(store, pairs, std::span(on_gpu));
  std::size_t differing = 0;
  for (std::size_t image = 0; image < on_cpu.size(); image += kImage) {
    if (std::memcmp(&on_cpu[image], &on_gpu[image], kImage * sizeof(Count)) != 0) ++differing;
  }
  return differing;
}

/// Compares one output type where it can hold the number of cells; prints a line. Returns whether all is well.
template <class Count>
bool same_images(const char* what, const ExpressionStore& store, const Pairs& pairs, const char* type) {
  if constexpr (std::numeric_limits<Count>::is_integer) {
    if (store.cells > std::numeric_limits<Count>::max()) return true;
  }
  const std::size_t differing = differing_pairs<Count>(store, pairs);
  std::printf("parity  %-22s %9u cells %6zu pairs  %-7s  %s\n", what, store.cells, pairs.a.size(), type,
              differing == 0 ? "same bits" : (std::to_string(differing) + " PAIRS DIFFER").c_str());
  std::fflush(stdout);
  return differing == 0;
}

bool same_images_of_all_types(const char* what, const ExpressionStore& store, const Pairs& pairs) {
  bool same = same_images<std::uint8_t>(what, store, pairs, "uint8");
  same = same_images<std::uint16_t>(what, store, pairs, "uint16") && same;
  same = same_images<std::uint32_t>(what, store, pairs, "uint32") && same;
  return same_images<float>(what, store, pairs, "float32") && same;
}

bool check_parity() {
  bool same = true;
  // Around the sizes of a 16-byte word, of each count type and of a slice; pairs of several launches.
  for (const std::uint32_t cells : {2U, 100U, 255U, 256U, 1000U, 4095U, 4097U, 43'261U, 65'535U, 65'536U}) {
    const ExpressionStore store = test::mixed_store(cells, 61, cells);
    same = same_images_of_all_types("mixed, random pairs", store, test::any_pairs(61, 10'000, cells).view()) && same;
  }
  for (const std::uint32_t cells : {200'003U, 1'300'000U}) {
    const ExpressionStore store = test::mixed_store(cells, 18, cells);
    same = same_images_of_all_types("mixed, random pairs", store, test::any_pairs(18, 600, cells).view()) && same;
  }
  for (const double density : {0.02, 0.1, 0.8}) {
    const ExpressionStore store = bench::simulated_store(43'261, 400, density);
    const bench::Tile tile = bench::tiles_of_all_pairs(store.genes, 7, 400).front();
    same = same_images_of_all_types("simulated, 7 x 400", store, {tile.a, tile.b}) && same;
    same = same_images_of_all_types("simulated, 400 x 7", store, {tile.b, tile.a}) && same;
  }
  const ExpressionStore store = test::mixed_store(5000, 61, 9);
  for (const std::size_t count : {1U, 3U, 4096U, 4097U, 8193U}) {
    same = same_images<std::uint16_t>("batch size", store, test::any_pairs(61, count, 9).view(), "uint16") && same;
  }
  std::printf("parity  %s\n\n", same ? "every image has the same bits on CPU and GPU" : "FAILED");
  return same;
}

bool smoke() {
  const ExpressionStore store = test::mixed_store(1000, 30, 1);
  const bool same = same_images_of_all_types("mixed, random pairs", store, test::any_pairs(30, 300, 1).view());
  const bool same_networks = bench::smoke_networks();
  return bench::check_training_parity(true) && same_networks && same;
}

/// Pairs per second of `count_tile` over `seconds` of tiles, taken from all over the list.
template <class CountTile>
double rate(const std::vector<bench::Tile>& tiles, double seconds, CountTile count_tile) {
  std::size_t pairs = 0;
  const auto start = Clock::now();
  for (std::size_t i = 0; seconds_since(start) < seconds; ++i) {
    const bench::Tile& tile = tiles[i * 7919 % tiles.size()];
    count_tile(tile);
    pairs += tile.a.size();
  }
  return static_cast<double>(pairs) / seconds_since(start);
}

template <class Count>
void print_rates(std::uint32_t cells, std::uint32_t genes, double density, std::uint32_t tile_genes) {
  const ExpressionStore store = bench::simulated_store(cells, genes, density);
  const auto tiles = bench::tiles_of_all_pairs(genes, tile_genes, tile_genes);
  std::vector<Count> counts(std::size_t{tile_genes} * tile_genes * kImage);
  const auto room = [&](const bench::Tile& tile) { return std::span(counts.data(), tile.a.size() * kImage); };
  const auto upload_start = Clock::now();
  histograms_cuda(store, {tiles.front().a, tiles.front().b}, room(tiles.front()));
  const double first_call = seconds_since(upload_start);
  const double on_gpu = rate(tiles, 3, [&](const auto& tile) { histograms_cuda(store, {tile.a, tile.b}, room(tile)); });
  const double on_cpu = rate(
      tiles, 3, [&](const auto& tile) { histograms_cpu(store, {tile.a, tile.b}, room(tile), granted_cpus()); });
  std::printf("%9u %7.0f %% %6u bit %13u %13.0f %13.0f %8.1f x %10.2f s\n", cells, density * 100,
              static_cast<unsigned>(sizeof(Count) * 8), tile_genes * tile_genes, on_gpu, on_cpu, on_gpu / on_cpu,
              first_call);
  std::fflush(stdout);
}

void print_table() {
  std::printf("Pairs per second, images delivered to host memory; CPU on %u threads\n", granted_cpus());
  std::printf("    cells  density      type  pairs a call           GPU           CPU    ratio   first call\n");
  for (const double density : {0.02, 0.1, 0.3, 0.8}) {
    print_rates<std::uint16_t>(43'261, 1536, density, 128);
    print_rates<std::uint16_t>(43'261, 1536, density, 256);
    print_rates<float>(43'261, 1536, density, 256);
  }
  for (const double density : {0.02, 0.1}) print_rates<std::uint32_t>(1'300'000, 256, density, 128);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const GpuStatus status = gpu_status();
  if (status.gpus.empty()) {
    std::printf("No GPU to check: %s\n", status.problem.c_str());
    return 77;
  }
  try {
    std::printf("GPU: %s, %zu MiB\n", status.gpus.front().name.c_str(), status.gpus.front().memory_bytes >> 20);
    const std::string part = argc >= 2 ? argv[1] : "";
    if (part == "smoke") return smoke() ? 0 : 1;
    const bool same_images = check_parity();
    const bool same_networks = bench::check_network_parity();
    if (!bench::check_training_parity(false) || !same_networks || !same_images) return 1;
    if (part == "parity") return 0;
    print_table();
    bench::print_network_rates();
    bench::print_training_rates();
    bench::print_whole_transcriptome();
  } catch (const Error& error) {
    std::printf("%s: %s\n", error.code().c_str(), error.what());
    return 1;
  }
  return 0;
}

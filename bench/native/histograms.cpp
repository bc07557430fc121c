// Rate of the histogram engine on simulated sparse genes, one JSON line per case.
//
//   cnnc_bench_histograms CELLS GENES DENSITY THREADS REPEATS [cpu|cuda]
//
// The store is simulated (see simulated_store.hpp). All unordered pairs are counted, in tiles of genes of
// like density, into native memory.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/devices.hpp"
#include "core/histograms.hpp"
#include "simulated_store.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class Count>
void run(const cnnc::ExpressionStore& store, unsigned threads, int repeats, bool cuda) {
  const std::vector<cnnc::bench::Tile> tiles = cnnc::bench::tiles_of_all_pairs(store.genes, 64, 256);
  std::vector<Count> counts(std::size_t{64} * 256 * cnnc::kImage, 1);
  std::vector<double> rates;
  std::uint64_t pairs = 0;
  // A large store is sampled: at most this many seconds per repeat.
  constexpr double kLimit = 8;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    pairs = 0;
    double elapsed = 0;
    // Spread the sample over the tiles: densities differ along the list.
    for (std::size_t i = 0; i < tiles.size() && elapsed < kLimit; ++i) {
      const cnnc::bench::Tile& tile = tiles[(i * 7919) % tiles.size()];
      const cnnc::Pairs view{tile.a, tile.b};
      const std::span<Count> out(counts.data(), tile.a.size() * cnnc::kImage);
      const auto start = Clock::now();
      if (cuda) {
        cnnc::histograms_cuda(store, view, out);
      } else {
        cnnc::histograms_cpu(store, view, out, threads);
      }
      elapsed += seconds_since(start);
      pairs += tile.a.size();
    }
    rates.push_back(static_cast<double>(pairs) / elapsed);
  }
  std::sort(rates.begin(), rates.end());
  std::uint64_t stored = 0;
  for (const std::uint32_t entries : store.stored) stored += entries;
  std::printf(
      "{\"cells\":%u,\"genes\":%u,\"density\":%.4f,\"threads\":%u,\"kernel\":\"%s\",\"pairs\":%llu,\"repeats\":%d,"
      "\"pairsPerSecond\":%.0f,\"slowest\":%.0f,\"fastest\":%.0f}\n",
      store.cells, store.genes, static_cast<double>(stored) / store.cells / store.genes, threads,
      cuda ? "cuda" : cnnc::cpu_kernel_name(), static_cast<unsigned long long>(pairs), repeats,
      rates[rates.size() / 2], rates.front(), rates.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: cnnc_bench_histograms CELLS GENES DENSITY THREADS REPEATS [cpu|cuda]\n");
    return 2;
  }
  const auto cells = static_cast<std::uint32_t>(std::atol(argv[1]));
  const auto genes = static_cast<std::uint32_t>(std::atol(argv[2]));
  const auto store = cnnc::bench::simulated_store(cells, genes, std::atof(argv[3]));
  const auto threads = static_cast<unsigned>(std::atoi(argv[4]));
  const int repeats = std::atoi(argv[5]);
  const bool cuda = argc > 6 && std::string(argv[6]) == "cuda";
  try {
    if (cells <= 65535) {
      run<std::uint16_t>(store, threads, repeats, cuda);
    } else {
      run<std::uint32_t>(store, threads, repeats, cuda);
    }
  } catch (const cnnc::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

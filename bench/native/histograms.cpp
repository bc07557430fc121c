// Rate of the histogram engine on simulated sparse genes, one JSON line per case.
//
//   cnnc_bench_histograms CELLS GENES DENSITY THREADS REPEATS [cpu|cuda]
//
// Gene densities are log-normal around DENSITY (sigma 0.8), as in real data, bins geometric. All
// unordered pairs are counted, in tiles of genes of like density, into native memory.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/devices.hpp"
#include "core/histogram_plan.hpp"
#include "core/histograms.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<double> log_normal_densities(std::uint32_t genes, double mean) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> densities(genes);
  for (double& density : densities) density = std::exp(0.8 * normal(random));
  // Cut at 98 %, then scale again until the mean is met.
  for (int round = 0; round < 50; ++round) {
    const double now = std::accumulate(densities.begin(), densities.end(), 0.0) / genes;
    for (double& density : densities) density = std::min(0.98, density * mean / now);
  }
  std::sort(densities.rbegin(), densities.rend());
  return densities;
}

cnnc::ExpressionStore simulated_store(std::uint32_t cells, std::uint32_t genes, double density) {
  cnnc::ExpressionStore store;
  store.cells = cells;
  store.genes = genes;
  std::mt19937_64 random(2);
  std::vector<std::uint32_t> ids;
  std::vector<std::uint8_t> bins;
  std::geometric_distribution<int> bin(0.15);
  for (const double of_gene : log_normal_densities(genes, density)) {
    std::geometric_distribution<std::uint32_t> gap(of_gene);
    store.first.push_back(ids.size());
    std::array<std::uint32_t, cnnc::kBins> marginal{};
    for (std::uint64_t cell = gap(random); cell < cells; cell += 1 + gap(random)) {
      ids.push_back(static_cast<std::uint32_t>(cell));
      bins.push_back(static_cast<std::uint8_t>(std::min(31, 8 + bin(random))));
      ++marginal[bins.back()];
    }
    store.stored.push_back(static_cast<std::uint32_t>(ids.size() - store.first.back()));
    marginal[0] += cells - store.stored.back();
    store.marginal.push_back(marginal);
  }
  store.zero_bin.assign(genes, 0);
  store.expressing = store.stored;
  store.cell_ids = cnnc::RawArray<std::uint32_t>(ids.size());
  store.bins = cnnc::RawArray<std::uint8_t>(bins.size());
  std::copy(ids.begin(), ids.end(), store.cell_ids.data());
  std::copy(bins.begin(), bins.end(), store.bins.data());
  return store;
}

struct Tile {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
};

std::vector<Tile> tiles_of_all_pairs(std::uint32_t genes, std::uint32_t rows, std::uint32_t columns) {
  std::vector<Tile> tiles;
  for (std::uint32_t row = 0; row < genes; row += rows) {
    for (std::uint32_t column = row / columns * columns; column < genes; column += columns) {
      Tile tile;
      for (std::uint32_t a = row; a < std::min(genes, row + rows); ++a) {
        for (std::uint32_t b = std::max(column, a + 1); b < std::min(genes, column + columns); ++b) {
          tile.a.push_back(a);
          tile.b.push_back(b);
        }
      }
      if (!tile.a.empty()) tiles.push_back(std::move(tile));
    }
  }
  return tiles;
}

template <class Count>
void run(const cnnc::ExpressionStore& store, unsigned threads, int repeats, bool cuda) {
  const std::vector<Tile> tiles = tiles_of_all_pairs(store.genes, 64, 256);
  std::vector<Count> counts(std::size_t{64} * 256 * cnnc::kImage, 1);
  std::vector<double> rates;
  std::uint64_t pairs = 0;
  double planning = 0;
  // A large store is sampled: at most this many seconds per repeat.
  constexpr double kLimit = 8;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    pairs = 0;
    planning = 0;
    double elapsed = 0;
    // Spread the sample over the tiles: densities differ along the list.
    for (std::size_t i = 0; i < tiles.size() && elapsed < kLimit; ++i) {
      const Tile& tile = tiles[(i * 7919) % tiles.size()];
      const cnnc::Pairs view{tile.a, tile.b};
      const std::span<Count> out(counts.data(), tile.a.size() * cnnc::kImage);
      const auto start = Clock::now();
      if (cuda) {
        cnnc::histograms_cuda(store, view, out);
      } else {
        cnnc::histograms_cpu(store, view, out, threads);
      }
      elapsed += seconds_since(start);
      const auto plan_start = Clock::now();
      if (cnnc::plan_histograms(store, view).tasks.empty()) std::abort();
      planning += seconds_since(plan_start);
      pairs += tile.a.size();
    }
    rates.push_back(static_cast<double>(pairs) / elapsed);
    planning /= elapsed;
  }
  std::sort(rates.begin(), rates.end());
  std::uint64_t stored = 0;
  for (const std::uint32_t entries : store.stored) stored += entries;
  std::printf(
      "{\"cells\":%u,\"genes\":%u,\"density\":%.4f,\"threads\":%u,\"kernel\":\"%s\",\"pairs\":%llu,\"repeats\":%d,"
      "\"pairsPerSecond\":%.0f,\"slowest\":%.0f,\"fastest\":%.0f,\"planningShare\":%.3f}\n",
      store.cells, store.genes, static_cast<double>(stored) / store.cells / store.genes, threads,
      cuda ? "cuda" : cnnc::cpu_kernel_name(), static_cast<unsigned long long>(pairs), repeats,
      rates[rates.size() / 2], rates.front(), rates.back(), planning);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: cnnc_bench_histograms CELLS GENES DENSITY THREADS REPEATS [cpu|cuda]\n");
    return 2;
  }
  const auto cells = static_cast<std::uint32_t>(std::atol(argv[1]));
  const auto store = simulated_store(cells, static_cast<std::uint32_t>(std::atol(argv[2])), std::atof(argv[3]));
  const auto threads = static_cast<unsigned>(std::atoi(argv[4]));
  const int repeats = std::atoi(argv[5]);
  const bool cuda = argc > 6 && std::string(argv[6]) == "cuda";
  if (cells <= 65535) {
    run<std::uint16_t>(store, threads, repeats, cuda);
  } else {
    run<std::uint32_t>(store, threads, repeats, cuda);
  }
}

#include <algorithm>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "core/histogram_plan.hpp"
#include "core/histograms.hpp"
#include "core/nepdf.hpp"
#include "cpu/kernels.hpp"

namespace cnnc {
namespace {

/// Share of stored cells among the spread genes above which looking for hits costs more than it saves.
constexpr double kDenseShare = 0.6;

/// Buffers of one thread, reused from task to task.
struct Scratch {
  std::vector<std::uint64_t> lanes;                 ///< cells
  alignas(64) std::array<std::uint32_t, kLaneCounts> counts;  ///< also used as 16-bit counters
  alignas(64) std::array<std::uint32_t, kImage> image;
};

/// Everything the tasks of one batch share.
struct Batch {
  const ExpressionStore& store;
  const Pairs& pairs;
  const Plan& plan;
  const NepdfTable* nepdf;  ///< when the output is float32
};

SpreadGenes spread(const Batch& batch, const Task& task, Scratch& scratch) {
  const ExpressionStore& store = batch.store;
  const std::uint32_t* genes = batch.plan.lane_genes.data() + task.first_lane_gene;
  std::uint64_t zero_bins = 0;
  for (std::uint32_t lane = 0; lane < task.lanes; ++lane) {
    zero_bins |= std::uint64_t{store.zero_bin[genes[lane]]} << (8 * lane);
  }
  scratch.lanes.assign(store.cells, zero_bins);
  auto* const bytes = reinterpret_cast<std::uint8_t*>(scratch.lanes.data());
  for (std::uint32_t lane = 0; lane < task.lanes; ++lane) {
    const auto cells = store.cells_of(genes[lane]);
    const auto bins = store.bins_of(genes[lane]);
    for (std::size_t i = 0; i < cells.size(); ++i) bytes[std::size_t{cells[i]} * kLanes + lane] = bins[i];
  }
  return {scratch.lanes.data(), zero_bins};
}

bool mostly_stored(const Batch& batch, const Task& task) {
  double stored = 0;
  for (std::uint32_t lane = 0; lane < task.lanes; ++lane) {
    stored += batch.store.stored[batch.plan.lane_genes[task.first_lane_gene + lane]];
  }
  return stored > kDenseShare * batch.store.cells * task.lanes;
}

template <class Counter>
void complete(const Kernels& kernels, const CountedImage<Counter>& image, std::uint32_t* out) {
  if constexpr (sizeof(Counter) == 2) {
    kernels.complete_16_to_32(image, out);
  } else {
    kernels.complete_32_to_32(image, out);
  }
}

template <class Counter, class Count>
void write_image(const Batch& batch, const Kernels& kernels, const CountedImage<Counter>& image, Scratch& scratch,
                 Count* out) {
  if constexpr (std::is_same_v<Counter, std::uint16_t> && std::is_same_v<Count, std::uint16_t>) {
    kernels.complete_16_to_16(image, out);
  } else if constexpr (std::is_same_v<Count, std::uint32_t>) {
    complete(kernels, image, out);
  } else {
    complete(kernels, image, scratch.image.data());
    if constexpr (std::is_same_v<Count, float>) {
      std::transform(scratch.image.begin(), scratch.image.end(), out, *batch.nepdf);
    } else {
      std::transform(scratch.image.begin(), scratch.image.end(), out,
                     [](std::uint32_t count) { return static_cast<Count>(count); });
    }
  }
}

template <class Counter, class Count>
void run_stream(const Batch& batch, const Kernels& counting, const Kernels& kernels, const Stream& stream,
                const SpreadGenes& genes, Scratch& scratch, Count* out) {
  const ExpressionStore& store = batch.store;
  const Layout layout = batch.plan.lanes_hold_a ? Layout::stream_rows : Layout::lane_rows;
  auto* const counts = reinterpret_cast<Counter*>(scratch.counts.data());
  std::fill_n(counts, kLaneCounts, Counter{0});
  const StreamedGene gene{store.cells_of(stream.gene), store.bins_of(stream.gene).data()};
  if constexpr (sizeof(Counter) == 2) {
    counting.count_16(gene, genes, layout, counts);
  } else {
    counting.count_32(gene, genes, layout, counts);
  }
  for (std::uint32_t i = 0; i < stream.outputs; ++i) {
    const LaneOutput output = batch.plan.outputs[stream.first_output + i];
    const std::uint32_t a = batch.pairs.a[output.pair];
    const std::uint32_t b = batch.pairs.b[output.pair];
    const bool stream_rows = layout == Layout::stream_rows;
    const CountedImage<Counter> image{counts + output.lane * (stream_rows ? kImage : kBins),
                                      stream_rows ? std::size_t{kBins} : std::size_t{kLanes} * kBins,
                                      store.marginal[b].data(),
                                      store.marginal[a].data(),
                                      store.zero_bin[b],
                                      store.zero_bin[a]};
    write_image(batch, kernels, image, scratch, out + std::size_t{output.pair} * kImage);
  }
}

template <class Count>
void run_task(const Batch& batch, const Task& task, Scratch& scratch, Count* out, const JobControl& control) {
  const Kernels& kernels = best_kernels();
  const Kernels& counting = mostly_stored(batch, task) ? portable_kernels() : kernels;
  const SpreadGenes genes = spread(batch, task, scratch);
  for (std::uint32_t i = 0; i < task.streams; ++i) {
    control.check();
    const Stream& stream = batch.plan.streams[task.first_stream + i];
    if (batch.store.stored[stream.gene] <= std::numeric_limits<std::uint16_t>::max()) {
      run_stream<std::uint16_t>(batch, counting, kernels, stream, genes, scratch, out);
    } else {
      run_stream<std::uint32_t>(batch, counting, kernels, stream, genes, scratch, out);
    }
    control.advance(stream.outputs);
  }
}

}  // namespace

const char* cpu_kernel_name() noexcept { return best_kernels().name; }

void histograms_cpu(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out, unsigned threads,
                    const JobControl& control) {
  check_arguments(store, pairs, out);
  const Plan plan = plan_histograms(store, pairs);
  std::unique_ptr<NepdfTable> nepdf;
  if (std::holds_alternative<std::span<float>>(out)) nepdf = std::make_unique<NepdfTable>(store.cells);
  const Batch batch{store, pairs, plan, nepdf.get()};
  std::vector<std::unique_ptr<Scratch>> scratch(std::max(1U, threads));
  std::visit(
      [&](auto counts) {
        parallel_for(threads, plan.tasks.size(), [&](unsigned thread, std::size_t task) {
          if (!scratch[thread]) scratch[thread] = std::make_unique<Scratch>();
          run_task(batch, plan.tasks[task], *scratch[thread], counts.data(), control);
        });
      },
      out);
}

}  // namespace cnnc

#include "core/association.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>

#include "core/error.hpp"
#include "core/histogram_plan.hpp"

namespace cnnc {
namespace {

/// Genes that a thread prepares before it looks at the cancel flag.
constexpr std::size_t kGenesPerTask = 4;
/// Pairs whose histograms are held at a time: 16 MB.
constexpr std::size_t kHistogramsAtATime = 4096;
/// Pairs whose mutual information a thread works out at a time.
constexpr std::size_t kPairsPerTask = 64;

/// An integer that sorts as the value does; -0 as 0.
std::uint32_t sort_key(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);
  return (bits >> 31) != 0 ? ~bits : bits | 0x8000'0000U;
}

/// Up to kLanes genes side by side: number l of cell c is that of lane l's gene, 0 where it is not stored.
class SpreadColumns {
 public:
  explicit SpreadColumns(std::uint32_t cells) : numbers_(std::size_t{cells} * kLanes, 0.0F) {}

  void put(std::uint32_t lane, std::span<const std::uint32_t> cells, std::span<const float> numbers) noexcept {
    for (std::size_t i = 0; i < cells.size(); ++i) numbers_[std::size_t{cells[i]} * kLanes + lane] = numbers[i];
  }
  void clear(std::uint32_t lane, std::span<const std::uint32_t> cells) noexcept {
    for (const std::uint32_t cell : cells) numbers_[std::size_t{cell} * kLanes + lane] = 0;
  }

  /// Sums over the streamed gene's cells of the products with each lane.
  /// Products of two float32 are exact in float64 and cells where either gene has 0 change nothing, so the sums
  /// are those over the cells that both store, in ascending order, whichever of the two is streamed.
  [[nodiscard]] std::array<double, kLanes> products(std::span<const std::uint32_t> cells,
                                                    std::span<const float> numbers) const noexcept {
    // Vectors of the compiler's own kind: left to itself it shuffles more than it multiplies.
    using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;
    using Doubles [[gnu::vector_size(kLanes * sizeof(double))]] = double;
    Doubles sums{};
    for (std::size_t i = 0; i < cells.size(); ++i) {
      Floats lanes;
      std::memcpy(&lanes, numbers_.data() + std::size_t{cells[i]} * kLanes, sizeof lanes);
      sums += static_cast<double>(numbers[i]) * __builtin_convertvector(lanes, Doubles);
    }
    std::array<double, kLanes> result;
    std::memcpy(result.data(), &sums, sizeof result);
    return result;
  }

 private:
  std::vector<float> numbers_;
};

/// Pearson's r of two columns, given the sum of their products.
float correlation(const CorrelationColumns& columns, std::uint32_t a, std::uint32_t b, double products,
                  std::uint32_t cells) noexcept {
  const double deviations = columns.deviation(a) * columns.deviation(b);
  if (deviations == 0) return 0;
  const double covariation = products - columns.sum(a) * columns.sum(b) / cells;
  return static_cast<float>(std::clamp(covariation / deviations, -1.0, 1.0));
}

/// The distinct genes of a batch.
std::vector<std::uint32_t> genes_of(const ExpressionStore& store, const Pairs& pairs) {
  std::vector<std::uint8_t> used(store.genes, 0);
  for (const auto column : {pairs.a, pairs.b}) {
    for (const std::uint32_t gene : column) used[gene] = 1;
  }
  std::vector<std::uint32_t> genes;
  for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
    if (used[gene] != 0) genes.push_back(gene);
  }
  return genes;
}

void correlate(const ExpressionStore& store, const CorrelationColumns& columns, const Pairs& pairs,
               std::span<float> out, unsigned threads, const JobControl& control) {
  const Plan plan = plan_histograms(store, pairs);
  std::vector<std::unique_ptr<SpreadColumns>> scratch(std::max(1U, threads));
  parallel_for(threads, plan.tasks.size(), [&](unsigned thread, std::size_t index) {
    if (!scratch[thread]) scratch[thread] = std::make_unique<SpreadColumns>(store.cells);
    SpreadColumns& spread = *scratch[thread];
    const Task& task = plan.tasks[index];
    const std::uint32_t* lane_genes = plan.lane_genes.data() + task.first_lane_gene;
    for (std::uint32_t lane = 0; lane < task.lanes; ++lane) {
      spread.put(lane, store.cells_of(lane_genes[lane]), columns.of(lane_genes[lane]));
    }
    for (std::uint32_t s = 0; s < task.streams; ++s) {
      control.check();
      const Stream& stream = plan.streams[task.first_stream + s];
      const auto sums = spread.products(store.cells_of(stream.gene), columns.of(stream.gene));
      for (std::uint32_t o = 0; o < stream.outputs; ++o) {
        const LaneOutput output = plan.outputs[stream.first_output + o];
        out[output.pair] = correlation(columns, lane_genes[output.lane], stream.gene, sums[output.lane], store.cells);
      }
      control.advance(stream.outputs);
    }
    for (std::uint32_t lane = 0; lane < task.lanes; ++lane) spread.clear(lane, store.cells_of(lane_genes[lane]));
  });
}

/// n ln n, ready for the counts that occur often.
class EntropyTable {
 public:
  explicit EntropyTable(std::uint32_t cells) : table_(std::min<std::size_t>(std::size_t{cells} + 1, 1U << 16)) {
    std::uint32_t count = 0;
    for (double& entry : table_) entry = value(count++);
  }
  [[nodiscard]] double operator()(std::uint32_t count) const noexcept {
    return count < table_.size() ? table_[count] : value(count);
  }
  template <class Counts>
  [[nodiscard]] double sum(const Counts& counts) const noexcept {
    double total = 0;
    for (const std::uint32_t count : counts) {
      if (count != 0) total += (*this)(count);
    }
    return total;
  }

 private:
  [[nodiscard]] static double value(std::uint32_t count) noexcept { return count == 0 ? 0 : count * std::log(count); }

  std::vector<double> table_;
};

/// Sum over p_ij ln(p_ij / (p_i p_j)), written with counts.
float mutual_information(const ExpressionStore& store, const EntropyTable& entropy, std::uint32_t a, std::uint32_t b,
                         std::span<const std::uint32_t> image) noexcept {
  if (store.constant[a] != 0 || store.constant[b] != 0) return 0;
  const double margins = entropy.sum(store.marginal[a]) + entropy.sum(store.marginal[b]);
  const double nats = (entropy.sum(image) + entropy(store.cells) - margins) / store.cells;
  return static_cast<float>(std::max(nats, 0.0));
}

void mutual_informations(const ExpressionStore& store, const Pairs& pairs, std::span<float> out, unsigned threads,
                         const JobControl& control) {
  const EntropyTable entropy(store.cells);
  // One order of each pair's genes, because the sum over the transposed image may round differently.
  std::vector<std::uint32_t> low(std::min(kHistogramsAtATime, pairs.a.size()));
  std::vector<std::uint32_t> high(low.size());
  std::vector<std::uint32_t> counts(low.size() * kImage);
  for (std::size_t first = 0; first < pairs.a.size(); first += kHistogramsAtATime) {
    const std::size_t size = std::min(kHistogramsAtATime, pairs.a.size() - first);
    for (std::size_t i = 0; i < size; ++i) {
      std::tie(low[i], high[i]) = std::minmax(pairs.a[first + i], pairs.b[first + i]);
    }
    const std::span images(counts.data(), size * kImage);
    histograms_cpu(store, {std::span(low).first(size), std::span(high).first(size)}, images, threads,
                   {control.cancel, nullptr});
    parallel_for(threads, (size + kPairsPerTask - 1) / kPairsPerTask, [&](unsigned, std::size_t task) {
      const std::size_t end = std::min(size, (task + 1) * kPairsPerTask);
      for (std::size_t i = task * kPairsPerTask; i < end; ++i) {
        out[first + i] = mutual_information(store, entropy, low[i], high[i], images.subspan(i * kImage, kImage));
      }
    });
    control.advance(size);
  }
}

}  // namespace

CorrelationColumns::CorrelationColumns(const ExpressionStore& store, Measure measure)
    : store_(store),
      measure_(measure),
      ready_(store.genes, 0),
      numbers_(store.cell_ids.size()),
      sum_(store.genes, 0),
      deviation_(store.genes, 0) {}

void CorrelationColumns::prepare(std::span<const std::uint32_t> genes, unsigned threads, const JobControl& control) {
  const std::lock_guard lock(preparing_);
  std::vector<std::uint32_t> missing;
  std::copy_if(genes.begin(), genes.end(), std::back_inserter(missing), [&](auto gene) { return ready_[gene] == 0; });
  const std::size_t tasks = (missing.size() + kGenesPerTask - 1) / kGenesPerTask;
  parallel_for(threads, tasks, [&](unsigned, std::size_t task) {
    control.check();
    const std::size_t end = std::min(missing.size(), (task + 1) * kGenesPerTask);
    for (std::size_t i = task * kGenesPerTask; i < end; ++i) {
      if (measure_ == Measure::pearson) {
        fill_logarithms(missing[i]);
      } else {
        fill_ranks(missing[i]);
      }
      sum_up(missing[i]);
      ready_[missing[i]] = 1;
    }
  });
}

void CorrelationColumns::fill_logarithms(std::uint32_t gene) {
  const std::size_t stored = store_.stored[gene];
  const float* values = store_.values.data() + store_.first[gene];
  float* numbers = numbers_.data() + store_.first[gene];
  std::vector<double> logarithms(stored);
  double total = 0;
  for (std::size_t i = 0; i < stored; ++i) {
    if (values[i] < 0) {
      throw Error("NEGATIVE_VALUE", "a negative value has no logarithm", -1, static_cast<std::int64_t>(gene));
    }
    total += logarithms[i] = transform_value(Transform::log10, values[i]);
  }
  const bool has_zeros = stored < store_.cells;
  const double origin = has_zeros ? transform_value(Transform::log10, 0) : total / static_cast<double>(stored);
  std::transform(logarithms.begin(), logarithms.end(), numbers,
                 [origin](double logarithm) { return static_cast<float>(logarithm - origin); });
}

void CorrelationColumns::fill_ranks(std::uint32_t gene) {
  const std::size_t stored = store_.stored[gene];
  const float* values = store_.values.data() + store_.first[gene];
  float* numbers = numbers_.data() + store_.first[gene];
  std::vector<std::uint64_t> order(stored);  // value above, entry below
  for (std::size_t i = 0; i < stored; ++i) order[i] = std::uint64_t{sort_key(values[i])} << 32 | i;
  std::sort(order.begin(), order.end());

  const auto value_of = [](std::uint64_t item) { return item >> 32; };
  const std::uint64_t zero_key = sort_key(0);
  const std::int64_t zeros = static_cast<std::int64_t>(store_.cells) - static_cast<std::int64_t>(stored);
  const auto is_negative = [&](auto item) { return value_of(item) < zero_key; };
  const auto is_zero = [&](auto item) { return value_of(item) == zero_key; };
  const auto below = std::partition_point(order.begin(), order.end(), is_negative);
  const auto above = std::partition_point(below, order.end(), is_zero);
  // Twice the average rank of a group is twice the cells before it, plus its own, plus one.
  const std::int64_t origin = zeros == 0 ? static_cast<std::int64_t>(store_.cells) + 1
                                         : 2 * (below - order.begin()) + zeros + (above - below) + 1;
  for (auto group = order.begin(); group != order.end();) {
    const std::uint64_t key = value_of(*group);
    const auto end = std::find_if(group, order.end(), [&](auto item) { return value_of(item) != key; });
    const std::int64_t before = (group - order.begin()) + (key > zero_key ? zeros : 0);
    const std::int64_t size = (end - group) + (key == zero_key ? zeros : 0);
    const auto number = static_cast<float>(2 * before + size + 1 - origin);
    for (; group != end; ++group) numbers[*group & 0xffff'ffffU] = number;
  }
}

void CorrelationColumns::sum_up(std::uint32_t gene) {
  const auto numbers = of(gene);
  double sum = 0;
  double squares = 0;
  for (const double number : numbers) {
    sum += number;
    squares += number * number;
  }
  const bool has_zeros = numbers.size() < store_.cells;
  const float first = has_zeros || numbers.empty() ? 0 : numbers.front();
  const bool constant = std::all_of(numbers.begin(), numbers.end(), [first](float number) { return number == first; });
  sum_[gene] = sum;
  deviation_[gene] = constant ? 0 : std::sqrt(std::max(squares - sum * sum / store_.cells, 0.0));
}

Associations::Associations(std::shared_ptr<const ExpressionStore> store) : store_(std::move(store)) {}

CorrelationColumns& Associations::columns_for(Measure measure) {
  const std::lock_guard lock(creating_);
  auto& columns = measure == Measure::pearson ? logarithms_ : ranks_;
  if (!columns) columns = std::make_unique<CorrelationColumns>(*store_, measure);
  return *columns;
}

void Associations::compute(Measure measure, const Pairs& pairs, std::span<float> out, unsigned threads,
                           const JobControl& control) {
  check_pairs(*store_, pairs);
  if (out.size() != pairs.a.size()) throw Error("BAD_OUTPUT", "the output does not hold one number for each pair");
  if (measure == Measure::mutual_information) {
    mutual_informations(*store_, pairs, out, threads, control);
    return;
  }
  if (store_->values.size() != store_->cell_ids.size()) {
    throw Error("VALUES_MISSING", "the store was built without the values that a correlation needs");
  }
  CorrelationColumns& columns = columns_for(measure);
  columns.prepare(genes_of(*store_, pairs), threads, control);
  correlate(*store_, columns, pairs, out, threads, control);
}

}  // namespace cnnc

#include "core/correlation_columns.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

#include "core/binning.hpp"
#include "core/error.hpp"

namespace cnnc {
namespace {

/// Genes that a thread prepares before it looks at the cancel flag.
constexpr std::size_t kGenesPerTask = 4;

/// An integer that sorts as the value does; -0 as 0.
std::uint32_t sort_key(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);
  return (bits >> 31) != 0 ? ~bits : bits | 0x8000'0000U;
}

}  // namespace

CorrelationColumns::CorrelationColumns(const ExpressionStore& store, ColumnKind kind)
    : store_(store),
      kind_(kind),
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
      if (kind_ == ColumnKind::logarithms) {
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

}  // namespace cnnc

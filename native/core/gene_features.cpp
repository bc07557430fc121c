#include "core/gene_features.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/error.hpp"

namespace cnnc {
namespace {

constexpr std::size_t kGenesPerTask = 4;

double logarithm_of(std::uint32_t gene, float value) {
  if (value < 0) {
    throw Error("NEGATIVE_VALUE", "a negative value has no logarithm", -1, static_cast<std::int64_t>(gene));
  }
  return transform_value(Transform::log10, value);
}

std::span<const float> values_of(const ExpressionStore& store, std::uint32_t gene) {
  return {store.values.data() + store.first[gene], store.stored[gene]};
}

/// A gene's logarithms in ascending order: as many zeros' as are not stored, then the others.
class SortedLogarithms {
 public:
  SortedLogarithms(const ExpressionStore& store, std::uint32_t gene)
      : zeros_(store.cells - store.stored[gene]), zero_(transform_value(Transform::log10, 0)) {
    for (const float value : values_of(store, gene)) stored_.push_back(logarithm_of(gene, value));
    std::sort(stored_.begin(), stored_.end());
  }

  [[nodiscard]] double mean() const {
    return (std::accumulate(stored_.begin(), stored_.end(), 0.0) + static_cast<double>(zeros_) * zero_) / size();
  }
  [[nodiscard]] double variance(double mean) const {
    double squares = static_cast<double>(zeros_) * (zero_ - mean) * (zero_ - mean);
    for (const double logarithm : stored_) squares += (logarithm - mean) * (logarithm - mean);
    return squares / size();
  }
  [[nodiscard]] double quantile(double share) const {
    const double place = share * (size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double low = at(below);
    return place == static_cast<double>(below) ? low : low + (at(below + 1) - low) * (place - static_cast<double>(below));
  }

 private:
  [[nodiscard]] double size() const { return static_cast<double>(zeros_ + stored_.size()); }
  [[nodiscard]] double at(std::size_t place) const { return place < zeros_ ? zero_ : stored_[place - zeros_]; }

  std::size_t zeros_;
  double zero_;
  std::vector<double> stored_;
};

void features_of(const ExpressionStore& store, std::uint32_t gene, std::span<float> out) {
  const SortedLogarithms logarithms(store, gene);
  const double mean = logarithms.mean();
  out[0] = static_cast<float>(mean);
  out[1] = static_cast<float>(logarithms.variance(mean));
  out[2] = static_cast<float>(1 - static_cast<double>(store.expressing[gene]) / store.cells);
  for (std::size_t i = 0; i < kFeatureQuantiles.size(); ++i) {
    out[3 + i] = static_cast<float>(logarithms.quantile(kFeatureQuantiles[i]));
  }
}

}  // namespace

void require_gene_values(const ExpressionStore& store, std::span<const std::uint32_t> genes) {
  if (std::any_of(genes.begin(), genes.end(), [&](auto gene) { return gene >= store.genes; })) {
    throw Error("BAD_PAIRS", "a gene is not in the store");
  }
  if (store.values.size() != store.cell_ids.size()) {
    throw Error("VALUES_MISSING", "the store was built without the values that are needed");
  }
}

void gene_features(const ExpressionStore& store, std::span<const std::uint32_t> genes, std::span<float> out,
                   unsigned threads, const JobControl& control) {
  require_gene_values(store, genes);
  if (out.size() != genes.size() * kGeneFeatures) throw Error("BAD_OUTPUT", "the output does not hold all features");
  parallel_for(threads, (genes.size() + kGenesPerTask - 1) / kGenesPerTask, [&](unsigned, std::size_t task) {
    control.check();
    const std::size_t end = std::min(genes.size(), (task + 1) * kGenesPerTask);
    for (std::size_t i = task * kGenesPerTask; i < end; ++i) {
      features_of(store, genes[i], out.subspan(i * kGeneFeatures, kGeneFeatures));
      control.advance(1);
    }
  });
}

void log_expression(const ExpressionStore& store, std::uint32_t gene, std::span<double> out) {
  std::fill(out.begin(), out.end(), transform_value(Transform::log10, 0));
  const auto cells = store.cells_of(gene);
  const auto values = values_of(store, gene);
  for (std::size_t i = 0; i < cells.size(); ++i) out[cells[i]] = logarithm_of(gene, values[i]);
}

}  // namespace cnnc

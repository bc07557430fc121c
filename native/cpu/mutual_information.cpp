#include "core/mutual_information.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "core/histogram_plan.hpp"
#include "core/pair_groups.hpp"
#include "cpu/kernels.hpp"

namespace cnnc {
namespace {

/// Pairs whose histograms a thread holds at a time: 1 MB of 16-bit counts.
constexpr std::size_t kHistogramsAtATime = 512;

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
  /// Four sums that take turns, because one would wait for each addition.
  template <class Count>
  [[nodiscard]] double sum(const Count* counts, std::size_t size) const noexcept {
    std::array<double, 4> sums{};
    const std::size_t whole = size / 4 * 4;
    for (std::size_t i = 0; i < whole; i += 4) {
      for (std::size_t k = 0; k < 4; ++k) sums[k] += (*this)(counts[i + k]);
    }
    for (std::size_t i = whole; i < size; ++i) sums[0] += (*this)(counts[i]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

 private:
  [[nodiscard]] static double value(std::uint32_t count) noexcept { return count == 0 ? 0 : count * std::log(count); }

  std::vector<double> table_;
};

/// Mutual information of the pairs of one store.
class Calculator {
 public:
  explicit Calculator(const ExpressionStore& store) : store_(store), entropy_(store.cells), of_gene_(store.genes) {
    for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
      of_gene_[gene] = entropy_.sum(store.marginal[gene].data(), kBins);
    }
  }

  /// Sum over p_ij ln(p_ij / (p_i p_j)), written with counts.
  template <class Count>
  [[nodiscard]] float operator()(std::uint32_t a, std::uint32_t b, const Count* image) const noexcept {
    if (store_.constant[a] != 0 || store_.constant[b] != 0) return 0;
    std::array<Count, kImage> occupied;
    const double of_pair = entropy_.sum(occupied.data(), list_occupied(image, occupied.data()));
    const double nats = (of_pair + entropy_(store_.cells) - of_gene_[a] - of_gene_[b]) / store_.cells;
    return static_cast<float>(std::max(nats, 0.0));
  }

 private:
  static std::size_t list_occupied(const std::uint16_t* image, std::uint16_t* out) noexcept {
    return best_kernels().occupied_16(image, out);
  }
  static std::size_t list_occupied(const std::uint32_t* image, std::uint32_t* out) noexcept {
    return best_kernels().occupied_32(image, out);
  }

  const ExpressionStore& store_;
  EntropyTable entropy_;
  std::vector<double> of_gene_;  ///< by gene, the sum of n ln n over its bins
};

/// What a thread needs for one group of pairs after the other.
template <class Count>
struct Scratch {
  std::vector<GroupedPair> group;
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
  std::vector<Count> counts = std::vector<Count>(kHistogramsAtATime * kImage);
};

template <class Count>
void run(const ExpressionStore& store, const Pairs& pairs, std::span<float> out, unsigned threads,
         const JobControl& control) {
  const Calculator mutual_information(store);
  const PairGroups groups(store, pairs, kLanes, threads);
  std::vector<std::unique_ptr<Scratch<Count>>> scratch(std::max(1U, threads));
  parallel_for(threads, groups.size(), [&](unsigned thread, std::size_t group) {
    if (!scratch[thread]) scratch[thread] = std::make_unique<Scratch<Count>>();
    auto& [members, a, b, counts] = *scratch[thread];
    groups.pairs_of(group, members);
    const auto lane_genes = groups.lane_genes(group);
    for (std::size_t first = 0; first < members.size(); first += kHistogramsAtATime) {
      const auto some = std::span(members).subspan(first, std::min(kHistogramsAtATime, members.size() - first));
      a.clear();
      b.clear();
      // Always the denser gene first, because the sum over the transposed image may round differently.
      for (const GroupedPair& pair : some) {
        a.push_back(lane_genes[pair.lane]);
        b.push_back(pair.streamed);
      }
      const std::span images(counts.data(), some.size() * kImage);
      histograms_cpu(store, {a, b}, images, 1, {control.cancel, nullptr});
      for (std::size_t i = 0; i < some.size(); ++i) {
        out[some[i].pair] = mutual_information(a[i], b[i], images.data() + i * kImage);
      }
      control.advance(some.size());
    }
  });
}

}  // namespace

void mutual_informations(const ExpressionStore& store, const Pairs& pairs, std::span<float> out, unsigned threads,
                         const JobControl& control) {
  if (store.cells <= std::numeric_limits<std::uint16_t>::max()) {
    run<std::uint16_t>(store, pairs, out, threads, control);
  } else {
    run<std::uint32_t>(store, pairs, out, threads, control);
  }
}

}  // namespace cnnc

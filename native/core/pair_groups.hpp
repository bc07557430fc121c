#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/histograms.hpp"

namespace cnnc {

/// One pair of a group: the gene that is streamed, and the lane that its partner is in.
struct GroupedPair {
  std::uint32_t pair;
  std::uint32_t streamed;
  std::uint32_t lane;
};

/// Which gene of a pair is spread out; the other one is streamed over it.
enum class SpreadGene : std::uint8_t {
  denser,    ///< the one with more stored cells, of equals the first: one order of each pair's genes, whatever the others
  cheapest,  ///< that, or of all pairs the first, or of all pairs the second: what seems to cost least for all together
};

/// Pairs in groups whose spread genes are the same few, so that a kernel holds those side by side, one per lane. Takes
/// 12 bytes a pair.
class PairGroups {
 public:
  /// \param lanes genes of a group, at most
  PairGroups(const ExpressionStore& store, const Pairs& pairs, std::uint32_t lanes, unsigned threads,
             SpreadGene spread = SpreadGene::denser);

  [[nodiscard]] std::size_t size() const noexcept { return first_.size() - 1; }
  /// The genes of a group's lanes.
  [[nodiscard]] std::span<const std::uint32_t> lane_genes(std::size_t group) const noexcept;
  [[nodiscard]] std::size_t pairs_in(std::size_t group) const noexcept { return first_[group + 1] - first_[group]; }
  /// A group's pairs by their streamed gene, ascending. `out` is overwritten.
  void pairs_of(std::size_t group, std::vector<GroupedPair>& out) const;

 private:
  /// Ranks of a pair's genes.
  struct Ranks {
    std::uint32_t spread;
    std::uint32_t streamed;
  };
  enum class Order : std::uint8_t { denser, first, second };
  struct Sides;
  [[nodiscard]] Ranks ranks(std::size_t pair) const noexcept;
  [[nodiscard]] Order cheapest_order(const ExpressionStore& store) const;
  // In streamed entries, as if all first genes met all second ones.
  [[nodiscard]] double cost_of_side(const ExpressionStore& store, const std::vector<std::uint8_t>& spread,
                                    const std::vector<std::uint8_t>& streamed) const;
  [[nodiscard]] double cost_of_denser(const ExpressionStore& store, const Sides& sides) const;
  void rank_genes(const ExpressionStore& store);
  void number_lanes(unsigned threads);
  void sort_into_groups(unsigned threads);

  Pairs pairs_;
  std::uint32_t lanes_;
  Order order_ = Order::denser;
  std::vector<std::uint32_t> ranked_;      ///< all genes, densest first
  std::vector<std::uint32_t> rank_of_;     ///< by gene
  std::vector<std::uint32_t> lane_genes_;  ///< genes to be spread, densest first
  std::vector<std::uint32_t> lane_of_;     ///< by rank, the place among lane_genes_
  std::vector<GroupedPair> grouped_;       ///< group by group
  std::vector<std::size_t> first_;         ///< groups + 1; where a group begins in grouped_
};

}  // namespace cnnc

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

/// Pairs in groups whose denser genes are the same few, so that a kernel holds those side by side, one per lane.
///
/// Of a pair, the gene with more stored cells is spread out and the other one streamed over it, which costs least; of
/// equals, the first is spread. So this is one order of each pair's genes, too. Takes 12 bytes a pair.
class PairGroups {
 public:
  /// \param lanes genes of a group, at most
  PairGroups(const ExpressionStore& store, const Pairs& pairs, std::uint32_t lanes, unsigned threads);

  [[nodiscard]] std::size_t size() const noexcept { return first_.size() - 1; }
  /// The genes of a group's lanes.
  [[nodiscard]] std::span<const std::uint32_t> lane_genes(std::size_t group) const noexcept;
  /// A group's pairs by their streamed gene, ascending. `out` is overwritten.
  void pairs_of(std::size_t group, std::vector<GroupedPair>& out) const;

 private:
  /// Ranks of a pair's genes.
  struct Ranks {
    std::uint32_t spread;
    std::uint32_t streamed;
  };
  [[nodiscard]] Ranks ranks(std::size_t pair) const noexcept;
  void rank_genes(const ExpressionStore& store);
  void number_lanes(unsigned threads);
  void sort_into_groups(unsigned threads);

  Pairs pairs_;
  std::uint32_t lanes_;
  std::vector<std::uint32_t> ranked_;      ///< all genes, densest first
  std::vector<std::uint32_t> rank_of_;     ///< by gene
  std::vector<std::uint32_t> lane_genes_;  ///< genes to be spread, densest first
  std::vector<std::uint32_t> lane_of_;     ///< by rank, the place among lane_genes_
  std::vector<GroupedPair> grouped_;       ///< group by group
  std::vector<std::size_t> first_;         ///< groups + 1; where a group begins in grouped_
};

}  // namespace cnnc

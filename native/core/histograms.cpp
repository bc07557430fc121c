#include "core/histograms.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>

#include "core/error.hpp"

namespace cnnc {

void check_pairs(const ExpressionStore& store, const Pairs& pairs) {
  if (pairs.a.size() != pairs.b.size()) throw Error("BAD_PAIRS", "the two columns of pairs differ in length");
  if (pairs.a.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("BAD_PAIRS", "a batch holds at most 2^32 - 1 pairs");
  }
  for (const auto column : {pairs.a, pairs.b}) {
    const auto wrong = std::find_if(column.begin(), column.end(), [&](auto gene) { return gene >= store.genes; });
    if (wrong != column.end()) {
      throw Error("BAD_PAIRS", "gene " + std::to_string(*wrong) + " of a pair is outside the store's " +
                                   std::to_string(store.genes) + " genes");
    }
  }
}

void check_arguments(const ExpressionStore& store, const Pairs& pairs, const HistogramOutput& out) {
  check_pairs(store, pairs);
  std::visit(
      [&](auto counts) {
        using Count = typename decltype(counts)::value_type;
        if (counts.size() != pairs.a.size() * std::size_t{kImage}) {
          throw Error("BAD_OUTPUT", "the output does not hold 32 x 32 counts for each pair");
        }
        if constexpr (std::is_integral_v<Count>) {
          if (store.cells > std::numeric_limits<Count>::max()) {
            throw Error("BAD_OUTPUT", "the output's type cannot count " + std::to_string(store.cells) + " cells");
          }
        }
      },
      out);
}

}  // namespace cnnc

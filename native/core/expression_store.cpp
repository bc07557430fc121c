#include "core/expression_store.hpp"

namespace cnnc {

std::size_t ExpressionStore::bytes() const noexcept {
  const std::size_t per_gene = sizeof first[0] + sizeof stored[0] + sizeof zero_bin[0] + sizeof marginal[0] +
                               sizeof edges[0] + sizeof expressing[0] + sizeof constant[0];
  return cell_ids.size() * sizeof(std::uint32_t) + bins.size() + values.size() * sizeof(float) + genes * per_gene;
}

}  // namespace cnnc

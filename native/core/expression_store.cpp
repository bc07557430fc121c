#include "core/expression_store.hpp"

#include <atomic>

namespace cnnc {

std::uint64_t next_store_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

std::size_t ExpressionStore::bytes() const noexcept {
  const std::size_t per_gene = sizeof first[0] + sizeof stored[0] + sizeof zero_bin[0] + sizeof marginal[0] +
                               sizeof edges[0] + sizeof expressing[0] + sizeof constant[0];
  return cell_ids.size() * sizeof(std::uint32_t) + bins.size() + values.size() * sizeof(float) + genes * per_gene;
}

}  // namespace cnnc

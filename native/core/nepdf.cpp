#include "core/nepdf.hpp"

#include <algorithm>
#include <cmath>

namespace cnnc {
namespace {
constexpr std::uint32_t kTabulated = 1U << 14;
}

NepdfTable::NepdfTable(std::uint32_t cells) : cells_(cells), table_(std::min(cells, kTabulated) + std::size_t{1}) {
  for (std::uint32_t count = 0; count < table_.size(); ++count) table_[count] = value(count);
}

float NepdfTable::value(std::uint32_t count) const noexcept {
  return static_cast<float>((std::log10(count / cells_ + 1e-4) + 4) / 4);
}

}  // namespace cnnc

#pragma once

#include <cstdint>
#include <vector>

namespace cnnc {

/// CNNC's network input, by count: (log10(count / cells + 1e-4) + 4) / 4 in float64, rounded to float32.
class NepdfTable {
 public:
  explicit NepdfTable(std::uint32_t cells);

  [[nodiscard]] float operator()(std::uint32_t count) const noexcept {
    return count < table_.size() ? table_[count] : value(count);
  }

 private:
  [[nodiscard]] float value(std::uint32_t count) const noexcept;

  double cells_;
  std::vector<float> table_;  ///< of the counts that occur often
};

}  // namespace cnnc

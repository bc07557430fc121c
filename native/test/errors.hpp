#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace cnnc::test {

/// The larger of two errors; infinite where `error` is no number, which std::max would let pass.
inline double larger_error(double worst, double error) {
  return std::isfinite(error) ? std::max(worst, error) : std::numeric_limits<double>::infinity();
}

}  // namespace cnnc::test

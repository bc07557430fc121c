#include "core/binning.hpp"

#include <algorithm>
#include <cmath>

namespace cnnc {
namespace {

/// The comparison key (see BinRule) whose transform is `value`.
double key_of(Transform transform, double value) noexcept {
  switch (transform) {
    case Transform::log10:
      return std::pow(10.0, value);
    case Transform::log1p:
      return std::expm1(value);
    case Transform::none:
      break;
  }
  return value;
}

}  // namespace

double transform_value(Transform transform, double x) noexcept {
  switch (transform) {
    case Transform::log10:
      return std::log10(x + 0.01);
    case Transform::log1p:
      return std::log1p(x);
    case Transform::none:
      break;
  }
  return x;
}

std::array<double, kBins + 1> numpy_edges(double minimum, double maximum) noexcept {
  if (minimum == maximum) {
    minimum -= 0.5;
    maximum += 0.5;
  }
  std::array<double, kBins + 1> edges{};
  const double delta = maximum - minimum;
  const double step = delta / kBins;
  for (int i = 0; i <= kBins; ++i) {
    // numpy.linspace divides first when the step underflows to zero.
    edges[static_cast<std::size_t>(i)] = (step == 0 ? i / double{kBins} * delta : i * step) + minimum;
  }
  edges.back() = maximum;
  return edges;
}

int numpy_bin(std::span<const double, kBins + 1> edges, double value) noexcept {
  if (value == edges.back()) return kBins - 1;
  const auto above = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
  return std::clamp(static_cast<int>(above) - 1, 0, kBins - 1);
}

BinRule::BinRule(Transform transform, const std::array<double, kBins + 1>& edges) noexcept
    : edges_(&edges), transform_(transform) {
  for (std::size_t i = 0; i + 1 < kBins; ++i) inner_[i] = to_float(key_of(transform, edges[i + 1]));
  inner_.back() = std::numeric_limits<float>::max();
}

}  // namespace cnnc

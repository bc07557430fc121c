#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "core/binning.hpp"

using namespace cnnc;

namespace {

/// numpy.histogram's rule in one line per bin: the last edge at or below the value, the last bin closed.
int slow_bin(const std::array<double, kBins + 1>& edges, double value) {
  for (int bin = kBins - 1; bin > 0; --bin) {
    if (value >= edges[static_cast<std::size_t>(bin)]) return bin;
  }
  return 0;
}

}  // namespace

TEST_CASE("edges are numpy's") {
  // numpy.linspace(-2, 1.5, 33)[[0, 1, 7, 31, 32]] and numpy.linspace(0.1, 0.7, 33)[[1, 3, 29]]
  const auto wide = numpy_edges(-2, 1.5);
  CHECK(wide[0] == -2);
  CHECK(wide[1] == -1.890625);
  CHECK(wide[7] == -1.234375);
  CHECK(wide[32] == 1.5);
  const auto narrow = numpy_edges(0.1, 0.7);
  CHECK(narrow[1] == 0x1.e666666666667p-4);
  CHECK(narrow[3] == 0x1.4p-3);
  CHECK(narrow[29] == 0x1.4999999999999p-1);
}

TEST_CASE("a constant gene gets a bin half a unit to each side") {
  const auto edges = numpy_edges(3, 3);
  CHECK(edges.front() == 2.5);
  CHECK(edges.back() == 3.5);
  CHECK(numpy_bin(edges, 3) == 16);
}

TEST_CASE("values on an edge belong to the bin on its right, the maximum to the last") {
  const auto edges = numpy_edges(0, 32);
  for (int bin = 0; bin < kBins; ++bin) CHECK(numpy_bin(edges, bin) == bin);
  CHECK(numpy_bin(edges, 32) == kBins - 1);
  CHECK(numpy_bin(edges, std::nextafter(5.0, 0.0)) == 4);
}

TEST_CASE("BinRule decides as numpy does for every transform, on and around every edge") {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (const Transform transform : {Transform::log10, Transform::log1p, Transform::none}) {
    for (int trial = 0; trial < 200; ++trial) {
      const double smallest = trial % 3 == 0 ? 0 : uniform(random) * 3;
      const double largest = smallest + std::pow(10, 8 * uniform(random) - 4);
      const auto edges = numpy_edges(transform_value(transform, smallest), transform_value(transform, largest));
      const BinRule rule(transform, edges);
      const auto agrees = [&](double x) {
        if (x < smallest || x > largest) return true;
        return rule(x) == slow_bin(edges, transform_value(transform, x));
      };
      for (int draw = 0; draw < 200; ++draw) CHECK(agrees(smallest + uniform(random) * (largest - smallest)));
      for (const double edge : edges) {
        double x = transform == Transform::log10   ? std::pow(10, edge) - 0.01
                   : transform == Transform::log1p ? std::expm1(edge)
                                                   : edge;
        for (int step = 0; step < 40; ++step) x = std::nextafter(x, -1.0);
        for (int step = 0; step < 80; ++step, x = std::nextafter(x, 1e300)) CHECK(agrees(x));
      }
      CHECK(agrees(smallest));
      CHECK(agrees(largest));
    }
  }
}

TEST_CASE("BinRule survives a range so narrow that edges coincide") {
  const double low = 1;
  const double high = std::nextafter(std::nextafter(low, 2.0), 2.0);
  for (const Transform transform : {Transform::log10, Transform::log1p, Transform::none}) {
    const auto edges = numpy_edges(transform_value(transform, low), transform_value(transform, high));
    const BinRule rule(transform, edges);
    for (const double x : {low, std::nextafter(low, 2.0), high}) {
      CHECK(rule(x) == numpy_bin(edges, transform_value(transform, x)));
    }
  }
}

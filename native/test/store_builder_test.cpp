#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/error.hpp"
#include "reference.hpp"

using namespace cnnc;
using namespace cnnc::test;

namespace {

double linear(const Matrix& matrix, Scale scale, std::size_t cell, std::size_t gene) {
  const double value = matrix.at(cell, gene);
  if (scale == Scale::log1p) return std::expm1(value);
  if (scale == Scale::linear) return value;
  double total = 0;
  for (std::size_t other = 0; other < matrix.genes; ++other) total += matrix.at(cell, other);
  return total == 0 ? value : value / total * 10000;
}

/// The bin of every cell, worked out from the store.
std::vector<int> bins_of(const ExpressionStore& store, std::uint32_t gene) {
  std::vector<int> bins(store.cells, store.zero_bin[gene]);
  for (std::size_t i = 0; i < store.cells_of(gene).size(); ++i) bins[store.cells_of(gene)[i]] = store.bins_of(gene)[i];
  return bins;
}

void check_store(const ExpressionStore& store, const Matrix& matrix, Scale scale, Transform transform) {
  REQUIRE(store.cells == matrix.cells);
  REQUIRE(store.genes == matrix.genes);
  for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
    std::vector<double> values(matrix.cells);
    for (std::size_t cell = 0; cell < matrix.cells; ++cell) {
      values[cell] = transform_value(transform, linear(matrix, scale, cell, gene));
    }
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    const auto edges = numpy_edges(*least, *most);
    CHECK(store.edges[gene] == edges);
    CHECK((store.constant[gene] == 1) == (*least == *most));
    const std::vector<int> bins = bins_of(store, gene);
    std::array<std::uint32_t, kBins> marginal{};
    bool same = true;
    for (std::size_t cell = 0; cell < matrix.cells; ++cell) {
      const int bin = numpy_bin(edges, values[cell]);
      same = same && bins[cell] == bin;
      ++marginal[static_cast<std::size_t>(bin)];
    }
    CHECK(same);
    CHECK(store.marginal[gene] == marginal);
    CHECK(std::is_sorted(store.cells_of(gene).begin(), store.cells_of(gene).end()));
  }
}

std::string code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return "no error";
}

}  // namespace

TEST_CASE("every layout, block size and thread count gives the store that the definition gives") {
  const Matrix matrix = random_counts(173, 23, 0.02, 0.9, 1);
  for (const Scale scale : {Scale::counts, Scale::linear, Scale::log1p}) {
    for (const Transform transform : {Transform::log10, Transform::log1p, Transform::none}) {
      for (const MajorAxis major : {MajorAxis::cell, MajorAxis::gene}) {
        for (const bool dense : {false, true}) {
          for (const auto& [rows, threads] : {std::pair<std::size_t, unsigned>{1, 1}, {7, 3}, {1000, 2}}) {
            StoreOptions options = whole_matrix(matrix, scale, transform);
            options.major = major;
            options.threads = threads;
            check_store(build(options, blocks_of(matrix, major, dense, rows)), matrix, scale, transform);
          }
        }
      }
    }
  }
}

TEST_CASE("totals cover all genes of the file while the store holds the chosen ones") {
  const Matrix matrix = random_counts(60, 10, 0.3, 0.8, 2);
  const ExpressionStore whole =
      build(whole_matrix(matrix, Scale::counts, Transform::log10), blocks_of(matrix, MajorAxis::cell, false, 16));
  StoreOptions options = whole_matrix(matrix, Scale::counts, Transform::log10);
  options.gene_of = {-1, -1, 0, -1, 1, -1, -1, -1, -1, 2};
  options.genes = 3;
  for (const MajorAxis major : {MajorAxis::cell, MajorAxis::gene}) {
    options.major = major;
    const ExpressionStore part = build(options, blocks_of(matrix, major, false, 4));
    const std::array<std::uint32_t, 3> chosen{2, 4, 9};
    for (std::uint32_t gene = 0; gene < 3; ++gene) {
      CHECK(bins_of(part, gene) == bins_of(whole, chosen[gene]));
      CHECK(part.edges[gene] == whole.edges[chosen[gene]]);
    }
  }
}

TEST_CASE("a selection of cells is the same as a file that holds only those") {
  const Matrix matrix = random_counts(80, 6, 0.2, 0.7, 3);
  Matrix half{40, 6, {}};
  StoreOptions options = whole_matrix(matrix, Scale::counts, Transform::log10);
  for (std::size_t cell = 0; cell < 80; ++cell) {
    options.cell_of[cell] = cell % 2 == 0 ? -1 : static_cast<std::int32_t>(cell / 2);
    if (cell % 2 == 1) half.values.insert(half.values.end(), &matrix.values[cell * 6], &matrix.values[cell * 6] + 6);
  }
  options.cells = 40;
  for (const MajorAxis major : {MajorAxis::cell, MajorAxis::gene}) {
    options.major = major;
    check_store(build(options, blocks_of(matrix, major, false, 9)), half, Scale::counts, Transform::log10);
  }
}

TEST_CASE("unsorted rows are accepted and end up sorted, in either layout") {
  const Matrix matrix = random_counts(50, 12, 0.3, 0.9, 4);
  for (const MajorAxis major : {MajorAxis::cell, MajorAxis::gene}) {
    StoreOptions options = whole_matrix(matrix, Scale::counts, Transform::log10);
    options.major = major;
    options.keep_values = true;
    options.threads = 2;
    auto blocks = blocks_of(matrix, major, false, 5);
    for (OwnedBlock& block : blocks) {
      for (std::size_t row = 0; row < block.count; ++row) {
        std::reverse(block.indices.begin() + block.offsets[row], block.indices.begin() + block.offsets[row + 1]);
        std::reverse(block.values.begin() + block.offsets[row], block.values.begin() + block.offsets[row + 1]);
      }
    }
    const ExpressionStore store = build(options, blocks);
    check_store(store, matrix, Scale::counts, Transform::log10);
    for (std::uint32_t gene = 0; gene < store.genes; ++gene) {
      for (std::size_t i = 0; i < store.cells_of(gene).size(); ++i) {
        const double x = linear(matrix, Scale::counts, store.cells_of(gene)[i], gene);
        CHECK(store.values.data()[store.first[gene] + i] == static_cast<float>(x));
      }
    }
  }
}

TEST_CASE("genes can be dropped between the passes") {
  const Matrix matrix = random_counts(64, 8, 0.1, 0.9, 5);
  const auto blocks = blocks_of(matrix, MajorAxis::cell, false, 10);
  StoreOptions options = whole_matrix(matrix, Scale::linear, Transform::log10);
  const ExpressionStore whole = build(options, blocks);
  StoreBuilder builder(options);
  for (const OwnedBlock& block : blocks) builder.scan(block.view());
  CHECK(builder.end_scan()[0].expressing == 0);
  CHECK_FALSE(builder.has_fractions());
  const std::vector<std::uint8_t> keep{0, 1, 0, 0, 1, 1, 0, 1};
  builder.begin_fill(keep);
  for (const OwnedBlock& block : blocks) builder.fill(block.view());
  const ExpressionStore store = builder.finish();
  REQUIRE(store.genes == 4);
  const std::array<std::uint32_t, 4> kept{1, 4, 5, 7};
  for (std::uint32_t gene = 0; gene < 4; ++gene) CHECK(bins_of(store, gene) == bins_of(whole, kept[gene]));
}

TEST_CASE("damaged input is refused with a code") {
  const Matrix matrix{4, 3, {1, 0, 2, 0, 3, 0, 1, 1, 1, 0, 0, 5}};
  const auto scan = [&](const std::function<void(OwnedBlock&)>& damage, Scale scale, Transform transform) {
    return code_of([&] {
      auto blocks = blocks_of(matrix, MajorAxis::cell, false, 4);
      damage(blocks[0]);
      StoreBuilder builder(whole_matrix(matrix, scale, transform));
      builder.scan(blocks[0].view());
    });
  };
  const auto log10_counts = [&](const std::function<void(OwnedBlock&)>& damage) {
    return scan(damage, Scale::counts, Transform::log10);
  };
  CHECK(log10_counts([](OwnedBlock&) {}) == "no error");
  CHECK(log10_counts([](OwnedBlock& block) { block.indices[1] = 3; }) == "INDEX_OUT_OF_RANGE");
  CHECK(log10_counts([](OwnedBlock& block) { block.indices[1] = -1; }) == "INDEX_OUT_OF_RANGE");
  CHECK(log10_counts([](OwnedBlock& block) { block.indices[1] = block.indices[0]; }) == "DUPLICATE_ENTRY");
  CHECK(log10_counts([](OwnedBlock& block) { block.values[2] = NAN; }) == "NOT_FINITE");
  CHECK(log10_counts([](OwnedBlock& block) { block.values[2] = INFINITY; }) == "NOT_FINITE");
  CHECK(log10_counts([](OwnedBlock& block) { block.values[2] = -1; }) == "NEGATIVE_VALUE");
  const auto negative = [](OwnedBlock& block) { block.values[2] = -1; };
  CHECK(scan(negative, Scale::linear, Transform::log1p) == "NEGATIVE_VALUE");
  CHECK(scan(negative, Scale::linear, Transform::none) == "no error");
  CHECK(log10_counts([](OwnedBlock& block) { block.offsets[1] = 100; }) == "BAD_BLOCK");
  CHECK(log10_counts([](OwnedBlock& block) { block.offsets[1] = block.offsets[2] + 1; }) == "BAD_BLOCK");
  CHECK(log10_counts([](OwnedBlock& block) { block.offsets.pop_back(); }) == "BAD_BLOCK");
  CHECK(log10_counts([](OwnedBlock& block) { block.first = 1; }) == "BAD_BLOCK");
  CHECK(log10_counts([](OwnedBlock& block) { block.count = 5; }) == "BAD_BLOCK");

  CHECK(code_of([&] {
          StoreOptions options = whole_matrix(matrix, Scale::counts, Transform::log10);
          options.cell_of = {-1, -1, 0, -1};
          options.cells = 1;
          StoreBuilder builder(options);
        }) == "TOO_FEW_CELLS");
  CHECK(code_of([&] {
          StoreOptions options = whole_matrix(matrix, Scale::counts, Transform::log10);
          options.gene_of = {1, 0, 2};
          StoreBuilder builder(options);
        }) == "BAD_SELECTION");
  CHECK(code_of([&] {
          auto blocks = blocks_of(matrix, MajorAxis::cell, false, 4);
          StoreBuilder builder(whole_matrix(matrix, Scale::counts, Transform::log10));
          builder.scan(blocks[0].view());
          builder.end_scan();
          builder.begin_fill({});
          for (double& value : blocks[0].values) value = value == 0 ? 0 : 1;
          blocks[0] = blocks_of({4, 3, std::vector<double>(12, 1)}, MajorAxis::cell, false, 4)[0];
          builder.fill(blocks[0].view());
        }) == "NOT_REPEATABLE");
  CHECK(code_of([&] {
          StoreBuilder builder(whole_matrix(matrix, Scale::counts, Transform::log10));
          builder.end_scan();
        }) == "BAD_BLOCK");
  CHECK(code_of([&] {
          const Matrix huge{2, 2, {1, 1, 1, 800}};
          build(whole_matrix(huge, Scale::log1p, Transform::log10), blocks_of(huge, MajorAxis::cell, false, 2));
        }) == "NOT_LOG1P");
}

TEST_CASE("calls out of order are refused") {
  const Matrix matrix = random_counts(20, 5, 0.3, 0.8, 6);
  const auto blocks = blocks_of(matrix, MajorAxis::cell, false, 20);
  using Call = std::function<void(StoreBuilder&)>;
  const Call totals = [&](StoreBuilder& builder) { builder.totals(blocks[0].view()); };
  const Call scan = [&](StoreBuilder& builder) { builder.scan(blocks[0].view()); };
  const Call end_scan = [](StoreBuilder& builder) { builder.end_scan(); };
  const Call begin_fill = [](StoreBuilder& builder) { builder.begin_fill({}); };
  const Call fill = [&](StoreBuilder& builder) { builder.fill(blocks[0].view()); };
  const Call finish = [](StoreBuilder& builder) { static_cast<void>(builder.finish()); };
  const auto run = [&](const std::vector<Call>& calls) {
    return code_of([&] {
      StoreBuilder builder(whole_matrix(matrix, Scale::linear, Transform::log10));
      for (const Call& call : calls) call(builder);
    });
  };
  CHECK(run({scan, end_scan, begin_fill, fill, finish}) == "no error");
  CHECK(run({totals}) == "BAD_ORDER");
  CHECK(run({fill}) == "BAD_ORDER");
  CHECK(run({finish}) == "BAD_ORDER");
  CHECK(run({begin_fill}) == "BAD_ORDER");
  CHECK(run({scan, fill}) == "BAD_ORDER");
  CHECK(run({scan, end_scan, scan}) == "BAD_ORDER");
  CHECK(run({scan, end_scan, end_scan}) == "BAD_ORDER");
  CHECK(run({scan, end_scan, begin_fill, fill, finish, finish}) == "BAD_ORDER");
}

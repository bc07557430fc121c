#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "core/store_builder.hpp"

// Slow and obvious counterparts of the core, and the random matrices they are compared on.
namespace cnnc::test {

/// A dense matrix, cells x genes.
struct Matrix {
  std::size_t cells;
  std::size_t genes;
  std::vector<double> values;
  [[nodiscard]] double at(std::size_t cell, std::size_t gene) const { return values[cell * genes + gene]; }
};

/// Integer counts whose density rises over the genes from `least` to `most`; gene 0 is constant.
inline Matrix random_counts(std::size_t cells, std::size_t genes, double least, double most, unsigned seed) {
  std::mt19937 random(seed);
  std::geometric_distribution<int> count(0.3);
  std::uniform_real_distribution<double> uniform;
  Matrix matrix{cells, genes, std::vector<double>(cells * genes)};
  for (std::size_t gene = 1; gene < genes; ++gene) {
    const double density = least + (most - least) * static_cast<double>(gene) / static_cast<double>(genes);
    for (std::size_t cell = 0; cell < cells; ++cell) {
      if (uniform(random) < density) matrix.values[cell * genes + gene] = 1 + count(random);
    }
  }
  return matrix;
}

inline StoreOptions whole_matrix(const Matrix& matrix, Scale scale, Transform transform) {
  StoreOptions options;
  options.file_cells = matrix.cells;
  options.file_genes = matrix.genes;
  for (std::size_t cell = 0; cell < matrix.cells; ++cell) options.cell_of.push_back(static_cast<std::int32_t>(cell));
  for (std::size_t gene = 0; gene < matrix.genes; ++gene) options.gene_of.push_back(static_cast<std::int32_t>(gene));
  options.cells = static_cast<std::uint32_t>(matrix.cells);
  options.genes = static_cast<std::uint32_t>(matrix.genes);
  options.scale = scale;
  options.transform = transform;
  return options;
}

/// One block of the matrix in memory.
struct OwnedBlock {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  bool dense = false;
  std::vector<std::uint32_t> offsets{0};
  std::vector<std::int64_t> indices;
  std::vector<double> values;
  [[nodiscard]] Block view() const {
    Block block{first, count, offsets, std::nullopt, std::span<const double>(values)};
    if (!dense) block.indices = std::span<const std::int64_t>(indices);
    return block;
  }
};

/// The matrix in blocks of `rows` rows along its major axis.
inline std::vector<OwnedBlock> blocks_of(const Matrix& matrix, MajorAxis major, bool dense, std::size_t rows) {
  const std::size_t length = major == MajorAxis::cell ? matrix.cells : matrix.genes;
  const std::size_t width = major == MajorAxis::cell ? matrix.genes : matrix.cells;
  std::vector<OwnedBlock> blocks;
  for (std::size_t first = 0; first < length; first += rows) {
    OwnedBlock block;
    block.first = first;
    block.count = std::min(rows, length - first);
    block.dense = dense;
    for (std::size_t row = first; row < first + block.count; ++row) {
      for (std::size_t column = 0; column < width; ++column) {
        const double value = major == MajorAxis::cell ? matrix.at(row, column) : matrix.at(column, row);
        if (!dense && value == 0) continue;
        if (!dense) block.indices.push_back(static_cast<std::int64_t>(column));
        block.values.push_back(value);
      }
      block.offsets.push_back(static_cast<std::uint32_t>(block.values.size()));
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

inline ExpressionStore build(const StoreOptions& options, const std::vector<OwnedBlock>& blocks) {
  StoreBuilder builder(options);
  if (builder.needs_totals()) {
    for (const OwnedBlock& block : blocks) builder.totals(block.view());
  }
  for (const OwnedBlock& block : blocks) builder.scan(block.view());
  builder.end_scan();
  builder.begin_fill({});
  for (const OwnedBlock& block : blocks) builder.fill(block.view());
  return builder.finish();
}

}  // namespace cnnc::test

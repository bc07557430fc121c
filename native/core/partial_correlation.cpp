#include "core/partial_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/correlation.hpp"
#include "core/correlation_inverse.hpp"
#include "core/error.hpp"

namespace cnnc {
namespace {

constexpr std::uint32_t kOutside = ~0U;
/// Pairs whose correlations are worked out at a time.
constexpr std::size_t kPairsAtATime = 1 << 20;
/// Cells that a thread looks at in one go.
constexpr std::uint32_t kCellsPerTask = 2048;

std::vector<std::uint32_t> distinct(const ExpressionStore& store, std::span<const std::uint32_t> genes) {
  std::vector<std::uint32_t> result(genes.begin(), genes.end());
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  if (!result.empty() && result.back() >= store.genes) throw Error("BAD_PAIRS", "a gene is not of the store");
  return result;
}

/// Sums over standardised values, mean 0 and variance 1 of each gene.
struct FourthMoments {
  double squared_sums = 0;  ///< over cells, of the square of the sum of the genes' squares
  double fourths = 0;       ///< over cells and genes, of the fourth power
};

/// The moments of some cells.
FourthMoments moments_of_cells(const ExpressionStore& store, const CorrelationColumns& columns,
                               std::span<const std::uint32_t> genes, std::uint32_t first, std::uint32_t end) {
  FourthMoments moments;
  std::vector<double> values(end - first);
  std::vector<double> squares(end - first, 0.0);
  for (const std::uint32_t gene : genes) {
    if (columns.deviation(gene) == 0) continue;
    const double mean = columns.sum(gene) / store.cells;
    const double scale = std::sqrt(store.cells) / columns.deviation(gene);
    std::fill(values.begin(), values.end(), -mean * scale);
    const auto cells = store.cells_of(gene);
    const auto from = std::lower_bound(cells.begin(), cells.end(), first);
    for (auto i = static_cast<std::size_t>(from - cells.begin()); i < cells.size() && cells[i] < end; ++i) {
      values[cells[i] - first] = (columns.of(gene)[i] - mean) * scale;
    }
    for (std::size_t cell = 0; cell < values.size(); ++cell) {
      const double square = values[cell] * values[cell];
      squares[cell] += square;
      moments.fourths += square * square;
    }
  }
  for (const double sum : squares) moments.squared_sums += sum * sum;
  return moments;
}

FourthMoments fourth_moments(const ExpressionStore& store, const CorrelationColumns& columns,
                             std::span<const std::uint32_t> genes, unsigned threads, const JobControl& control) {
  std::vector<FourthMoments> parts((store.cells + kCellsPerTask - 1) / kCellsPerTask);
  parallel_for(threads, parts.size(), [&](unsigned, std::size_t task) {
    control.check();
    const auto first = static_cast<std::uint32_t>(task * kCellsPerTask);
    const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(store.cells, first + std::size_t{kCellsPerTask}));
    parts[task] = moments_of_cells(store, columns, genes, first, end);
  });
  FourthMoments sum;
  for (const FourthMoments& part : parts) {
    sum.squared_sums += part.squared_sums;
    sum.fourths += part.fourths;
  }
  return sum;
}

}  // namespace

PartialCorrelations::PartialCorrelations(std::shared_ptr<const ExpressionStore> store, Associations& associations,
                                         std::span<const std::uint32_t> genes, unsigned threads,
                                         const JobControl& control)
    : store_(std::move(store)),
      genes_(distinct(*store_, genes)),
      row_of_(store_->genes, kOutside),
      matrix_(genes_.size()) {
  if (store_->cells < 3) throw Error("TOO_FEW_CELLS", "partial correlations need three cells or more");
  for (std::uint32_t row = 0; row < genes_.size(); ++row) row_of_[genes_[row]] = row;
  const JobControl uncounted{control.cancel, nullptr};
  const CorrelationColumns& columns = associations.columns(ColumnKind::logarithms, genes_, threads, uncounted);
  const double sum_of_squares = fill_correlations(columns, threads, uncounted);
  shrink(sum_of_squares, columns, threads, uncounted);
  invert_negative(matrix_, threads, control);
}

/// Returns the sum of all squared correlations of two different genes, each pair once.
double PartialCorrelations::fill_correlations(const CorrelationColumns& columns, unsigned threads,
                                              const JobControl& control) {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
  std::vector<double> r;
  double sum_of_squares = 0;
  for (std::size_t first = 1, end = 1; first < genes_.size(); first = end) {
    a.clear();
    b.clear();
    while (end < genes_.size() && (end == first || a.size() + end <= kPairsAtATime)) {
      a.insert(a.end(), end, genes_[end]);
      b.insert(b.end(), genes_.begin(), genes_.begin() + static_cast<std::ptrdiff_t>(end));
      ++end;
    }
    r.resize(a.size());
    correlate(*store_, columns, {a, b}, std::span(r), threads, control);
    const double* next = r.data();
    for (std::size_t row = first; row < end; ++row) {
      for (std::size_t column = 0; column < row; ++column, ++next) {
        matrix_.set(row, column, *next);
        sum_of_squares += *next * *next;
      }
    }
  }
  return sum_of_squares;
}

/// With w_kij = x_ki x_kj over the cells k of standardised genes i and j, whose mean is r_ij, the variance of r_ij is
/// estimated by (mean of w_kij^2 - r_ij^2) / (cells - 1), up to a factor that the squares of the unbiased correlations
/// have, too. Summed over all i != j, the first part needs no pairs: it is that of (sum_i x_ki^2)^2 - sum_i x_ki^4.
void PartialCorrelations::shrink(double sum_of_squares, const CorrelationColumns& columns, unsigned threads,
                                 const JobControl& control) {
  if (sum_of_squares > 0) {
    const FourthMoments moments = fourth_moments(*store_, columns, genes_, threads, control);
    const double squares = 2 * sum_of_squares;  // of both (i, j) and (j, i)
    const double variances =
        ((moments.squared_sums - moments.fourths) / store_->cells - squares) / (store_->cells - 1.0);
    lambda_ = std::clamp(variances / squares, 0.0, 1.0);
  }
  for (std::size_t row = 0; row < matrix_.tiles(); ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double* const tile = matrix_.tile(row, column);
      for (std::size_t i = 0; i < kTileValues; ++i) tile[i] *= 1 - lambda_;
    }
  }
  // All of the diagonal, that of the filled-up last tile included.
  for (std::size_t tile = 0; tile < matrix_.tiles(); ++tile) {
    for (std::size_t i = 0; i < kTile; ++i) matrix_.tile(tile, tile)[i * (kTile + 1)] = 1;
  }
}

void PartialCorrelations::scores(const Pairs& pairs, std::span<float> out) const {
  check_pairs(*store_, pairs);
  if (out.size() != pairs.a.size()) throw Error("BAD_OUTPUT", "the output does not hold one number for each pair");
  for (std::size_t pair = 0; pair < out.size(); ++pair) {
    const std::uint32_t i = row_of_[pairs.a[pair]];
    const std::uint32_t j = row_of_[pairs.b[pair]];
    if (i == kOutside || j == kOutside) {
      const std::uint32_t gene = i == kOutside ? pairs.a[pair] : pairs.b[pair];
      throw Error("BAD_PAIRS", "a gene of a pair is not among those that were correlated", -1, gene);
    }
    if (store_->constant[genes_[i]] != 0 || store_->constant[genes_[j]] != 0) {
      out[pair] = 0;
    } else {
      const double score = i == j ? 1 : matrix_.at(i, j) / std::sqrt(matrix_.at(i, i) * matrix_.at(j, j));
      out[pair] = static_cast<float>(std::clamp(score, -1.0, 1.0));
    }
  }
}

}  // namespace cnnc

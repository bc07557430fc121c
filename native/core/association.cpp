#include "core/association.hpp"

#include <utility>

#include "core/correlation.hpp"
#include "core/error.hpp"
#include "core/mutual_information.hpp"

namespace cnnc {

Associations::Associations(std::shared_ptr<const ExpressionStore> store) : store_(std::move(store)) {}

CorrelationColumns& Associations::columns(ColumnKind kind, std::span<const std::uint32_t> genes, unsigned threads,
                                          const JobControl& control) {
  if (store_->values.size() != store_->cell_ids.size()) {
    throw Error("VALUES_MISSING", "the store was built without the values that a correlation needs");
  }
  auto& columns = kind == ColumnKind::logarithms ? logarithms_ : ranks_;
  {
    const std::lock_guard lock(creating_);
    if (!columns) columns = std::make_unique<CorrelationColumns>(*store_, kind);
  }
  columns->prepare(genes, threads, control);
  return *columns;
}

void Associations::compute(Measure measure, const Pairs& pairs, std::span<float> out, unsigned threads,
                           const JobControl& control) {
  check_pairs(*store_, pairs);
  if (out.size() != pairs.a.size()) throw Error("BAD_OUTPUT", "the output does not hold one number for each pair");
  if (measure == Measure::mutual_information) {
    mutual_informations(*store_, pairs, out, threads, control);
    return;
  }
  const auto kind = measure == Measure::pearson ? ColumnKind::logarithms : ColumnKind::ranks;
  const CorrelationColumns& ready = columns(kind, genes_of(*store_, pairs), threads, control);
  correlate(*store_, ready, pairs, out, threads, control);
}

}  // namespace cnnc

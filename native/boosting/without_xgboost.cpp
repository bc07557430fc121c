#include "boosting/boosting.hpp"
#include "core/error.hpp"

namespace cnnc {
namespace {

[[noreturn]] void missing() { throw Error("XGBOOST_MISSING", "cnnc was built without XGBoost"); }

}  // namespace

std::string xgboost_version() { return ""; }

void boost_classes(const Table& /*training*/, std::span<const std::uint8_t> /*labels*/, unsigned /*classes*/,
                   const Table& /*test*/, unsigned /*bags*/, const TreeGrowth& /*growth*/, std::span<float> /*out*/,
                   unsigned /*threads*/, const JobControl& /*control*/) {
  missing();
}

void tree_importances(const ExpressionStore& /*store*/, std::span<const std::uint32_t> /*regulators*/,
                      std::span<const std::uint32_t> /*targets*/, const TreeGrowth& /*growth*/,
                      unsigned /*patience*/, std::span<float> /*out*/, unsigned /*threads*/,
                      const JobControl& /*control*/) {
  missing();
}

}  // namespace cnnc

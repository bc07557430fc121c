#pragma once

#include <xgboost/c_api.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "boosting/boosting.hpp"

/// XGBoost's C interface, with owners and exceptions. Everything runs in the calling thread.
namespace cnnc::xgboost {

/// Throws what XGBoost's last call in this thread failed with: std::bad_alloc or Error XGBOOST_FAILED.
void check(int status);

/// A number as XGBoost reads it, whatever the locale.
[[nodiscard]] std::string text(double number);

/// Throws Error BAD_OPTIONS.
void require_sound(const TreeGrowth& growth);

/// Rows of numbers with a label each. The labels may change; a Booster sees those at its next round.
class Data {
 public:
  Data(const float* values, std::size_t rows, std::size_t columns);
  void set_labels(std::span<const float> labels);
  [[nodiscard]] DMatrixHandle handle() const noexcept { return handle_.get(); }

 private:
  struct Free {
    void operator()(void* handle) const noexcept { XGDMatrixFree(handle); }
  };
  std::unique_ptr<void, Free> handle_;
};

/// Trees grown one after the other. `Data` given to a booster must outlive it.
class Booster {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  /// @param known what will be learned from or predicted often; predictions for it are kept between rounds
  Booster(std::initializer_list<const Data*> known, const TreeGrowth& growth, const Parameters& others);

  void grow(int round, const Data& training);
  /// The prediction, valid until the next call in this thread.
  [[nodiscard]] std::span<const float> predict(const Data& data) const;
  /// Sum over all splits on each column of the gain in squared error; `columns` numbers.
  [[nodiscard]] std::vector<double> total_gains(std::size_t columns) const;
  /// Only the first rounds.
  [[nodiscard]] Booster first(int rounds) const;

 private:
  struct Free {
    void operator()(void* handle) const noexcept { XGBoosterFree(handle); }
  };
  explicit Booster(BoosterHandle handle) : handle_(handle) {}
  std::unique_ptr<void, Free> handle_;
};

}  // namespace cnnc::xgboost

#include "boosting/xgboost.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <new>

#include "core/error.hpp"

namespace cnnc {

std::string xgboost_version() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace cnnc

namespace cnnc::xgboost {

void check(int status) {
  if (status == 0) return;
  const std::string message = XGBGetLastError();
  if (message.find("bad_alloc") != std::string::npos) throw std::bad_alloc();
  throw Error("XGBOOST_FAILED", "XGBoost: " + message.substr(0, message.find('\n')));
}

std::string text(double number) {
  std::array<char, 32> buffer{};
  const auto [end, problem] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end};
}

void require_sound(const TreeGrowth& growth) {
  const auto is_share = [](double number) { return number > 0 && number <= 1; };
  constexpr unsigned kMostRounds = 1'000'000;
  const bool sound = growth.rounds >= 1 && growth.rounds <= kMostRounds && growth.depth >= 1 && growth.depth <= 16 &&
                     is_share(growth.rate) && is_share(growth.row_share) && is_share(growth.column_share) &&
                     growth.min_child_weight >= 0 &&
                     growth.min_child_weight <= std::numeric_limits<float>::max();
  if (!sound) throw Error("BAD_OPTIONS", "the options of the trees are out of range");
}

Data::Data(const float* values, std::size_t rows, std::size_t columns) {
  DMatrixHandle handle = nullptr;
  check(XGDMatrixCreateFromMat(values, rows, columns, std::numeric_limits<float>::quiet_NaN(), &handle));
  handle_.reset(handle);
}

void Data::set_labels(std::span<const float> labels) {
  check(XGDMatrixSetFloatInfo(handle(), "label", labels.data(), labels.size()));
}

Booster::Booster(std::initializer_list<const Data*> known, const TreeGrowth& growth, const Parameters& others) {
  std::vector<DMatrixHandle> handles;
  for (const Data* data : known) handles.push_back(data->handle());
  BoosterHandle handle = nullptr;
  check(XGBoosterCreate(handles.data(), handles.size(), &handle));
  handle_.reset(handle);
  Parameters parameters = {
      {"verbosity", "0"},
      {"nthread", "1"},
      {"tree_method", "hist"},
      {"max_depth", std::to_string(growth.depth)},
      {"eta", text(growth.rate)},
      {"subsample", text(growth.row_share)},
      {"colsample_bynode", text(growth.column_share)},
      {"min_child_weight", text(growth.min_child_weight)},
      // Rounds must not draw from a stream that other boosters of the thread have moved on.
      {"seed_per_iteration", "1"},
      // XGBoost multiplies it by 127 and adds the round; that must stay within 32 bits.
      {"seed", std::to_string(growth.seed % (1U << 20))},
  };
  parameters.insert(parameters.end(), others.begin(), others.end());
  for (const auto& [name, value] : parameters) check(XGBoosterSetParam(handle_.get(), name.c_str(), value.c_str()));
}

void Booster::grow(int round, const Data& training) {
  check(XGBoosterUpdateOneIter(handle_.get(), round, training.handle()));
}

std::span<const float> Booster::predict(const Data& data) const {
  constexpr auto* kConfig =
      R"({"type": 0, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* result = nullptr;
  check(XGBoosterPredictFromDMatrix(handle_.get(), data.handle(), kConfig, &shape, &dimensions, &result));
  std::size_t size = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) size *= shape[i];
  return {result, size};
}

std::vector<double> Booster::total_gains(std::size_t columns) const {
  bst_ulong features = 0;
  const char** names = nullptr;
  bst_ulong dimensions = 0;
  const bst_ulong* shape = nullptr;
  const float* scores = nullptr;
  check(XGBoosterFeatureScore(handle_.get(), R"({"importance_type": "total_gain"})", &features, &names, &dimensions,
                              &shape, &scores));
  std::vector<double> gains(columns, 0);
  for (bst_ulong i = 0; i < features; ++i) gains.at(std::stoul(names[i] + 1)) = scores[i];  // names are f0, f1, ...
  return gains;
}

Booster Booster::first(int rounds) const {
  BoosterHandle slice = nullptr;
  check(XGBoosterSlice(handle_.get(), 0, rounds, 1, &slice));
  return Booster(slice);
}

}  // namespace cnnc::xgboost

#include "cuda_training_check.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "check_line.hpp"
#include "cnn/reference_engine.hpp"
#include "core/devices.hpp"
#include "cuda/gradients_cuda.hpp"
#include "simulated_store.hpp"
#include "test/networks.hpp"

namespace cnnc::bench {
namespace {

using Clock = std::chrono::steady_clock;

bool below(const char* what, const std::string& name, double value, double limit) {
  return say(what, name, value, value < limit);
}

bool gradients_agree(const std::string& name, const Network& network, std::size_t count, double limit) {
  const auto parameters = test::random_parameters(network, 17);
  const test::Labelled batch = test::random_images(network, count, 3);
  const auto judge = make_reference_gradients(network);
  judge->set_parameters(parameters);
  bool good = true;
  for (const bool drop : {false, true}) {
    const auto key = drop ? std::optional(DropoutKey{5, 9}) : std::nullopt;
    std::vector<float> expected(network.parameters);
    const double loss = judge->gradients(batch.view(), key, expected);
    const auto gpu = make_cuda_gradients(network, {Precision::f32, 1, count});
    gpu->set_parameters(parameters);
    std::vector<float> given(network.parameters);
    const double on_gpu = gpu->gradients(batch.view(), key, given);
    const char* what = drop ? "gradients with dropout, float32, relative" : "gradients, float32, relative";
    good = below(what, name, std::max(test::largest_difference(network, given, expected), std::abs(on_gpu - loss) / loss), limit) &&
           good;
  }
  return good;
}

bool steps_agree(const std::string& name, const Network& network, OptimizerKind kind) {
  constexpr int kSteps = 20;
  const OptimizerOptions options{kind, 0.9F, true, 0.01F};
  const float rate = kind == OptimizerKind::sgd ? 0.01F : 0.001F;
  const auto cpu = make_trainer(network, make_reference_gradients(network), options, 7);
  const auto gpu = make_cuda_trainer(network, {Precision::f32, 1, 6}, options, 7);
  const auto parameters = test::random_parameters(network, 17);
  for (NetworkTrainer* trainer : {cpu.get(), static_cast<NetworkTrainer*>(gpu.get())}) {
    trainer->set_parameters(parameters);
    for (int step = 0; step < kSteps; ++step) trainer->step(test::random_images(network, 6, step).view(), rate);
  }
  const char* const names[] = {"weights after 20 steps of sgd, relative", "weights after 20 steps of adam, relative",
                               "weights after 20 steps of adamw, relative"};
  return below(names[static_cast<int>(kind)], name, test::largest_difference(network, gpu->parameters(), cpu->parameters()),
             1e-3);
}

/// Whether steps that name histograms on the GPU end in the bits of steps with the host's images.
bool rows_agree(const std::string& name, const Network& network, const std::vector<ImageKind>& kinds) {
  const ExpressionStore store = simulated_store(3000, 40, 0.1);
  const auto tile = tiles_of_all_pairs(40, 40, 40).front();
  std::vector<std::uint16_t> counts(tile.a.size() * kImage);
  histograms_cpu(store, {tile.a, tile.b}, std::span(counts), 1);
  const ImageMaker maker(kinds, store.cells);
  test::Labelled batch = test::random_images(network, 50, 1);
  std::vector<std::uint32_t> rows(batch.classes.size());
  std::vector<std::uint8_t> swapped(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<std::uint32_t>(i * 7 % tile.a.size());
    swapped[i] = i % 3 == 0;
    maker.make(std::span<const std::uint16_t>(counts), rows[i], swapped[i] != 0,
               batch.images.data() + i * network.input.size());
  }
  std::vector<std::vector<float>> ends;
  for (const bool by_row : {false, true}) {
    const auto gpu = make_cuda_trainer(network, {Precision::bf16, 1, 50}, {}, 7);
    gpu->set_parameters(test::random_parameters(network, 17));
    if (by_row) {
      gpu->set_counts(std::span<const std::uint16_t>(counts), store.cells, kinds);
      gpu->step(LabelledRows{rows, swapped, batch.classes, batch.weights}, 0.01F);
    } else {
      gpu->step(batch.view(), 0.01F);
    }
    ends.push_back(gpu->parameters());
  }
  const bool same = ends[0] == ends[1];
  return below("a step by rows ends in other bits than one by images", name, same ? 0 : 1, 0.5);
}

void print_rate(const std::string& name, const Network& network, const std::vector<ImageKind>& kinds,
                Precision precision, std::size_t batch) {
  constexpr std::size_t kRows = 20'000;
  constexpr std::uint32_t kCells = 43'261;
  static const std::vector<std::uint16_t> counts = [] {
    const ExpressionStore store = simulated_store(kCells, 400, 0.1);
    const auto tile = tiles_of_all_pairs(400, 400, 400).front();
    std::vector<std::uint16_t> made(kRows * kImage);
    histograms_cuda(store, {std::span(tile.a).first(kRows), std::span(tile.b).first(kRows)}, std::span(made));
    return made;
  }();
  const auto gpu = make_cuda_trainer(network, {precision, 1, batch}, {OptimizerKind::adamw, 0.9F, true, 0.01F}, 7);
  gpu->set_parameters(test::random_parameters(network, 17));
  const bool kept = gpu->set_counts(std::span<const std::uint16_t>(counts), kCells, kinds);
  std::vector<std::uint32_t> rows(batch);
  const std::vector<std::uint8_t> swapped(batch, 0);
  std::vector<std::uint8_t> classes(batch);
  const std::vector<float> weights(batch, 1);
  const auto step = [&](std::size_t number) {
    for (std::size_t i = 0; i < batch; ++i) {
      rows[i] = static_cast<std::uint32_t>((number * batch + i) * 7919 % kRows);
      classes[i] = rows[i] % 2;
    }
    gpu->step(LabelledRows{rows, swapped, classes, weights}, 0.001F);
  };
  for (std::size_t i = 0; i < 5; ++i) step(i);
  std::size_t steps = 0;
  const auto start = Clock::now();
  double seconds = 0;
  for (; seconds < 2; seconds = std::chrono::duration<double>(Clock::now() - start).count()) step(5 + steps++);
  std::printf("%-10s %-9s %6zu %14.0f images/s %9.2f ms a step%s\n", name.c_str(),
              precision == Precision::f32 ? "float32" : "bfloat16", batch,
              static_cast<double>(steps * batch) / seconds, seconds * 1e3 / static_cast<double>(steps),
              kept ? "" : "  (histograms do not fit the GPU)");
  std::fflush(stdout);
}

}  // namespace

bool check_training_parity(bool small) {
  bool good = true;
  for (const bool causality : {false, true}) {
    const std::string task = causality ? ", causality" : "";
    for (std::size_t channels = 1; channels <= 3; ++channels) {
      good = gradients_agree("cnnc/8" + task, place_layers(test::published(channels, causality, 8)), 9, 1e-4) && good;
      good = gradients_agree("compact/8" + task, place_layers(test::compact(channels, causality, 8)), 9, 1e-4) && good;
      good = gradients_agree("mlp/8" + task, place_layers(test::mlp(channels, causality, 8)), 9, 1e-4) && good;
      good = gradients_agree("unusual" + task, place_layers(test::unusual(channels, causality)), 9, 1e-3) && good;
    }
  }
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw}) {
    good = steps_agree("compact/8", place_layers(test::compact(2, true, 8)), kind) && good;
    good = steps_agree("cnnc/8", place_layers(test::published(1, false, 8)), kind) && good;
  }
  good = rows_agree("compact", place_layers(test::compact(2, true, 1)),
                    {ImageKind::residual, ImageKind::margins}) && good;
  if (!small) {
    good = gradients_agree("cnnc", place_layers(test::published(1, true, 1)), 4, 1e-4) && good;
    good = gradients_agree("compact", place_layers(test::compact(2, false, 1)), 33, 1e-4) && good;
  }
  std::printf("parity  %s\n\n", good ? "trainings agree" : "TRAININGS DIFFER");
  return good;
}

void print_training_rates() {
  std::printf("Training steps with adamw, from histograms on the GPU\n");
  const std::vector<ImageKind> two{ImageKind::residual, ImageKind::margins};
  for (const std::size_t batch : {std::size_t{128}, std::size_t{1024}}) {
    for (const Precision precision : {Precision::f32, Precision::bf16}) {
      print_rate("cnnc", place_layers(test::published(1, false, 1)), {ImageKind::nepdf}, precision, batch);
      print_rate("compact", place_layers(test::compact(2, false, 1)), two, precision, batch);
    }
  }
  std::printf("\n");
}

}  // namespace cnnc::bench

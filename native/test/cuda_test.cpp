#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cmath>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cnn/reference_engine.hpp"
#include "core/devices.hpp"
#include "core/error.hpp"
#include "core/nepdf.hpp"
#include "cuda/block.hpp"
#include "cuda/block_plan.hpp"
#include "cuda/gradients_cuda.hpp"
#include "cuda_stores.hpp"
#include "networks.hpp"

using namespace cnnc;
using namespace cnnc::gpu;
using namespace cnnc::test;

namespace {

/// A thread block on the host: the threads of a phase run one after the other, in an order that must not
/// matter, since on a GPU nothing orders them.
template <bool backwards>
void run_in_turn(const auto& batch, const Task& task, BlockMemory memory) {
  std::vector<Thread> threads;
  for (std::uint32_t i = 0; i < kThreads; ++i) threads.emplace_back(backwards ? kThreads - 1 - i : i, task);
  auto each_thread = [&](auto phase) { std::for_each(threads.begin(), threads.end(), phase); };
  run_block(batch, task, memory, each_thread);
}

/// A thread block on the host, as on a GPU: every thread runs the whole block and waits at the barriers.
void run_at_once(const auto& batch, const Task& task, BlockMemory memory) {
  std::barrier barrier(kThreads);
  std::vector<std::jthread> threads;
  for (std::uint32_t index = 0; index < kThreads; ++index) {
    threads.emplace_back([&, index] {
      Thread thread(index, task);
      auto each_thread = [&](auto phase) {
        phase(thread);
        barrier.arrive_and_wait();
      };
      run_block(batch, task, memory, each_thread);
    });
  }
}

template <class Count>
using RunBlock = void (*)(const Batch<Count>&, const Task&, BlockMemory);

template <class Count>
std::vector<Count> run_on_host(const ExpressionStore& store, const Pairs& pairs, std::uint32_t slice,
                               RunBlock<Count> run) {
  const BlockPlan plan = plan_blocks(store, pairs);
  const NepdfTable table(store.cells);
  std::vector<float> nepdf(std::size_t{store.cells} + 1);
  for (std::uint32_t count = 0; count <= store.cells; ++count) nepdf[count] = table(count);
  std::vector<Four<Count>> out(pairs.a.size() * kImage / 4);
  const Batch<Count> batch{{store.cells, store.first.data(), store.stored.data(), store.cell_ids.data(),
                            store.bins.data(), store.zero_bin.data(), store.marginal.front().data()},
                           plan.tasks.data(),
                           plan.pairs.data(),
                           plan.spread_is_a,
                           slice,
                           nepdf.data(),
                           out.front().values};
  for (const Task& task : plan.tasks) {
    // Shared memory begins with whatever the last block left there.
    std::vector<Bytes16> slice_memory(slice / 16, Bytes16{{0xDEADBEEF, 0xDEADBEEF, 0xDEADBEEF, 0xDEADBEEF}});
    std::vector<std::uint32_t> images(kTeams * kImageWords, 0xDEADBEEF);
    run(batch, task, {reinterpret_cast<std::uint8_t*>(slice_memory.data()), images.data()});
  }
  std::vector<Count> counts;
  for (const Four<Count>& four : out) counts.insert(counts.end(), four.values, four.values + 4);
  return counts;
}

template <class Count>
std::vector<Count> run_on_cpu(const ExpressionStore& store, const Pairs& pairs) {
  std::vector<Count> counts(pairs.a.size() * kImage);
  histograms_cpu(store, pairs, std::span<Count>(counts), 2);
  return counts;
}

template <class Count>
void check_block(const ExpressionStore& store, const Pairs& pairs, std::uint32_t slice) {
  const auto expected = run_on_cpu<Count>(store, pairs);
  CHECK(run_on_host<Count>(store, pairs, slice, run_in_turn<false>) == expected);
  CHECK(run_on_host<Count>(store, pairs, slice, run_in_turn<true>) == expected);
}

constexpr SharedMemory kA100{166912, 167936, 1024};
constexpr SharedMemory kA10{101376, 102400, 1024};
constexpr SharedMemory kH100{232448, 233472, 1024};

std::string code_of_histograms_cuda(const ExpressionStore& store, const Pairs& pairs, HistogramOutput out,
                                    const JobControl& control = {}) {
  try {
    histograms_cuda(store, pairs, out, control);
  } catch (const Error& error) {
    CHECK(std::string(error.what()).size() > 10);
    return error.code();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a GPU block, run on the host, counts as the CPU does, for any size and slice") {
  for (const std::uint32_t cells : {2U, 15U, 16U, 17U, 100U, 255U, 1000U, 4095U}) {
    const ExpressionStore store = mixed_store(cells, 19, cells);
    const PairColumns pairs = any_pairs(store.genes, 70, cells);
    CAPTURE(cells);
    for (const std::uint32_t slice : {cells / 7 / 16 * 16 + 16, cells / 2 / 16 * 16 + 16, slice_cells(cells, kH100)}) {
      CAPTURE(slice);
      check_block<std::uint16_t>(store, pairs.view(), slice);
    }
    const std::uint32_t slice = slice_cells(cells, kH100);
    if (cells <= 255) check_block<std::uint8_t>(store, pairs.view(), slice);
    check_block<std::uint32_t>(store, pairs.view(), slice);
    check_block<float>(store, pairs.view(), slice);
  }
}

TEST_CASE("a GPU block, run on the host, counts more cells than a slice holds and 16 bits count") {
  const ExpressionStore store = mixed_store(120'001, 9, 3);
  const PairColumns pairs = any_pairs(store.genes, 40, 4);
  REQUIRE(slice_cells(store.cells, kH100) < store.cells);
  check_block<std::uint32_t>(store, pairs.view(), slice_cells(store.cells, kH100));
  check_block<float>(store, pairs.view(), slice_cells(store.cells, kA100));
}

TEST_CASE("the threads of a GPU block meet at enough barriers (ThreadSanitizer sees where they do not)") {
  const ExpressionStore store = mixed_store(1000, 9, 2);
  const PairColumns pairs = any_pairs(store.genes, 12, 3);
  CHECK(run_on_host<float>(store, pairs.view(), 512, run_at_once) == run_on_cpu<float>(store, pairs.view()));
}

TEST_CASE("either side of the pairs is spread, whichever has fewer genes, with the same images") {
  const ExpressionStore store = mixed_store(600, 40, 8);
  PairColumns pairs;
  for (std::uint32_t gene = 0; gene < 40; ++gene) {
    pairs.a.push_back(4);
    pairs.b.push_back(gene);
  }
  CHECK(plan_blocks(store, pairs.view()).spread_is_a);
  CHECK_FALSE(plan_blocks(store, {pairs.b, pairs.a}).spread_is_a);
  check_block<std::uint16_t>(store, pairs.view(), 608);
  check_block<std::uint16_t>(store, {pairs.b, pairs.a}, 608);
}

TEST_CASE("a block plan yields each pair once, in blocks that use their threads") {
  const ExpressionStore store = mixed_store(300, 60, 5);
  for (const std::size_t count : {1U, 2U, 17U, 3000U}) {
    const PairColumns pairs = any_pairs(store.genes, count, 6);
    const BlockPlan plan = plan_blocks(store, pairs.view());
    std::set<std::uint32_t> seen;
    for (const Task& task : plan.tasks) {
      CHECK(task.pairs >= 1);
      CHECK(task.pairs <= kTeams);
      CHECK(task.team_threads % kWarp == 0);
      CHECK(task.pairs * task.team_threads <= kThreads);
      CHECK(task.pairs * task.team_threads > kThreads / 2);
      for (std::uint32_t i = 0; i < task.pairs; ++i) {
        const StreamedPair pair = plan.pairs.at(task.first_pair + i);
        CHECK((plan.spread_is_a ? pairs.a : pairs.b).at(pair.image) == task.spread_gene);
        CHECK((plan.spread_is_a ? pairs.b : pairs.a).at(pair.image) == pair.gene);
        if (i > 0) CHECK(store.stored[pair.gene] * 1.26 + 1 >= store.stored[plan.pairs[task.first_pair + i - 1].gene]);
        seen.insert(pair.image);
      }
    }
    CHECK(seen.size() == count);
    CHECK(plan.pairs.size() == count);
  }
  CHECK(plan_blocks(store, {}).tasks.empty());
}

TEST_CASE("slices fit the shared memory of each GPU, two blocks to a multiprocessor where that is not small") {
  for (const SharedMemory& shared : {kA100, kA10, kH100}) {
    for (const std::uint32_t cells : {2U, 5'000U, 43'261U, 1'300'000U, 4'294'967'295U}) {
      const std::uint32_t slice = slice_cells(cells, shared);
      CHECK(slice >= 16);
      CHECK(slice % 16 == 0);
      CHECK(kImagesBytes + slice <= shared.per_block);
      CHECK(slice < std::uint64_t{cells} + 16);
    }
  }
  CHECK(slice_cells(43'261, kH100) == 43'264);
  CHECK(2 * (kImagesBytes + slice_cells(1'300'000, kH100) + kH100.reserved_per_block) <= kH100.per_multiprocessor);
  CHECK(slice_cells(1'300'000, kA100) > 90'000);
  CHECK(2 * (kImagesBytes + slice_cells(10'000, kA100) + kA100.reserved_per_block) <= kA100.per_multiprocessor);
  CHECK(slice_cells(1000, {49152, 65536, 0}) == 0);
}

TEST_CASE("the state of the GPU is told, and without one histograms_cuda says why") {
  const GpuStatus status = gpu_status();
  CHECK(status.problem.empty() == !status.gpus.empty());
  const ExpressionStore store = mixed_store(300, 9, 1);
  const std::vector<std::uint32_t> genes{3, 4};
  const std::vector<std::uint32_t> outside{3, 9};
  std::vector<std::uint16_t> counts(2 * kImage);
  CHECK(code_of_histograms_cuda(store, {genes, outside}, std::span(counts)) == "BAD_PAIRS");
  CHECK(code_of_histograms_cuda(store, {genes, genes}, std::span(counts).first(9)) == "BAD_OUTPUT");
  if (status.gpus.empty()) {
    MESSAGE("no GPU is used: ", status.problem);
    CHECK(code_of_histograms_cuda(store, {genes, genes}, std::span(counts)) == "GPU_UNAVAILABLE");
    return;
  }
  CHECK(code_of_histograms_cuda(store, {genes, genes}, std::span(counts)) == "no error");
  CHECK(counts == run_on_cpu<std::uint16_t>(store, {genes, genes}));
  const std::atomic<bool> cancel{true};
  CHECK(code_of_histograms_cuda(store, {genes, genes}, std::span(counts), {&cancel, nullptr}) == "CANCELLED");
}

TEST_CASE("a GPU trains as the reference does, and without one its makers say why") {
  const Network network = place_layers(compact(2, true, 4));
  const EngineOptions options{Precision::f32, 1, 4};
  if (gpu_status().gpus.empty()) {
    const auto code = [](auto make) -> std::string {
      try {
        make();
      } catch (const Error& error) {
        return error.code();
      }
      return "no error";
    };
    CHECK(code([&] { static_cast<void>(make_cuda_trainer(network, options, {}, 1)); }) == "GPU_UNAVAILABLE");
    CHECK(code([&] { static_cast<void>(make_cuda_gradients(network, options)); }) == "GPU_UNAVAILABLE");
    return;
  }
  std::vector<float> parameters = random_parameters(network, 3);
  const auto trainer = make_cuda_trainer(network, options, {}, 7);
  const auto judge = make_reference_gradients(network);
  trainer->set_parameters(parameters);
  OptimizerState state = initial_state(network, {});
  std::vector<float> gradients(network.parameters);
  for (std::uint32_t step = 0; step < 3; ++step) {
    const Labelled batch = random_images(network, 9, step);
    judge->set_parameters(parameters);
    const double loss = judge->gradients(batch.view(), DropoutKey{7, step}, gradients);
    CHECK(trainer->step(batch.view(), 0.01F) == doctest::Approx(loss).epsilon(1e-4));
    update_parameters(network, {}, 0.01F, gradients, state, parameters);
  }
  const std::vector<float> trained = trainer->parameters();
  for (std::size_t i = 0; i < trained.size(); ++i) CHECK(std::abs(trained[i] - parameters[i]) < 1e-4);
}

TEST_CASE("stores are told apart by their id, which moves with them") {
  ExpressionStore store = mixed_store(10, 2, 1);
  const ExpressionStore other = mixed_store(10, 2, 1);
  CHECK(store.id != other.id);
  const std::uint64_t id = store.id;
  const ExpressionStore moved = std::move(store);
  CHECK(moved.id == id);
}

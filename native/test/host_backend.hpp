#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda/training_run.hpp"

namespace cnnc::test {

/// A number as activations hold it.
template <class T>
T stored_as(float value) {
  T stored{};
  gpu::store_one(stored, value);
  return stored;
}

/// Runs the kernels of a GPU's training on the host, block after block, thread after thread; a Backend of TrainingRun.
class HostBackend {
 public:
  /// Threads, warps and items one after the other, or from the last to the first: what depends on their order, which a
  /// GPU does not keep, differs.
  explicit HostBackend(bool backwards = false) : backwards_(backwards) {}

  /// Memory that begins with whatever was there: a NaN, were it read, would show.
  template <class Value>
  class Array {
   public:
    Array() = default;
    explicit Array(std::size_t size) : data_(new Value[size]), size_(size) {
      std::memset(static_cast<void*>(data_.get()), 0xFF, size * sizeof(Value));
    }
    Value* data() const noexcept { return data_.get(); }
    std::size_t size() const noexcept { return size_; }

   private:
    std::unique_ptr<Value[]> data_;
    std::size_t size_ = 0;
  };

  template <class Value>
  Array<Value> upload(const std::vector<Value>& values) {
    Array<Value> array(values.size());
    std::copy(values.begin(), values.end(), array.data());
    return array;
  }

  template <class Pass>
  void items(const Pass& pass) {
    each(pass.size(), [&](std::uint64_t item) { pass.run(item); });
  }
  template <class Pass>
  void warps(const Pass& pass) {
    each(pass.warps(), [&](std::uint64_t warp) { pass.run_warp(static_cast<std::uint32_t>(warp)); });
  }
  template <class Sum>
  void blocks(const Sum& sum) {
    Block block{*this, Sum::kThreads};
    for (std::uint32_t index = 0; index < sum.blocks(); ++index) {
      Shared shared(Sum::kSharedBytes);
      sum.run(index, shared.words(), block);
    }
  }
  template <class T>
  void product(const gpu::ProductPlan<T>& plan, const gpu::ProductBatch<T>& batch) {
    Block block{*this, gpu::kProductThreads};
    for (std::uint32_t index = 0; index < plan.blocks(batch.images); ++index) {
      Shared shared(plan.shared_bytes());
      gpu::with_cut(plan.cut, [&]<std::uint32_t kUnits, std::uint32_t kTiles>() {
        gpu::run_product<kUnits, kTiles>(batch, index, shared.words(), block);
      });
    }
  }
  template <class T>
  void weights(const gpu::WeightPlan<T>& plan, const gpu::WeightBatch<T>& batch) {
    Block block{*this, gpu::kWeightThreads};
    for (std::uint32_t index = 0; index < plan.blocks(batch.images); ++index) {
      Shared shared(plan.shared_bytes());
      gpu::with_row_tiles(plan.tile.row_tiles, [&]<std::uint32_t kRows>() {
        gpu::run_weights<kRows>(batch, index, shared.words(), block);
      });
    }
  }

 private:
  template <class Body>
  void each(std::uint64_t count, Body body) const {
    for (std::uint64_t i = 0; i < count; ++i) body(backwards_ ? count - 1 - i : i);
  }

  struct Block {
    const HostBackend& backend;
    std::uint32_t threads;
    void each_thread(auto phase) {
      backend.each(threads, [&](std::uint64_t thread) { phase(static_cast<std::uint32_t>(thread)); });
    }
    void each_warp(auto phase) {
      backend.each(threads / gpu::kWarp, [&](std::uint64_t warp) { phase(static_cast<std::uint32_t>(warp)); });
    }
    void meet() {}
  };

  struct alignas(16) Sixteen {
    std::uint32_t words[4];
  };

  class Shared {
   public:
    explicit Shared(std::size_t bytes) : data_(new Sixteen[bytes / 16]) {
      std::memset(static_cast<void*>(data_.get()), 0xFF, bytes);
    }
    std::uint32_t* words() const { return data_[0].words; }

   private:
    std::unique_ptr<Sixteen[]> data_;
  };

  bool backwards_;
};

}  // namespace cnnc::test

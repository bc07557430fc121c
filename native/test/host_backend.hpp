#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda/training_run.hpp"

namespace cnnc::test {

/// Runs the kernels of a GPU's training on the host, block after block, thread after thread; a Backend of TrainingRun.
class HostBackend {
 public:
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
    for (std::uint64_t item = pass.size(); item-- > 0;) pass.run(item);  // in any order
  }
  template <class Pass>
  void warps(const Pass& pass) {
    for (std::uint32_t warp = 0; warp < pass.warps(); ++warp) pass.run_warp(warp);
  }
  template <class Sum>
  void blocks(const Sum& sum) {
    Block block{Sum::kThreads};
    for (std::uint32_t index = 0; index < sum.blocks(); ++index) {
      Shared shared(Sum::kSharedBytes);
      sum.run(index, shared.words(), block);
    }
  }
  template <class T>
  void product(const gpu::ProductPlan<T>& plan, const gpu::ProductBatch<T>& batch) {
    Block block{gpu::kProductThreads};
    for (std::uint32_t index = 0; index < plan.blocks(batch.images); ++index) {
      Shared shared(plan.shared_bytes());
      gpu::with_cut(plan.cut, [&]<std::uint32_t kUnits, std::uint32_t kTiles>() {
        gpu::run_product<kUnits, kTiles>(batch, index, shared.words(), block);
      });
    }
  }
  template <class T>
  void weights(const gpu::WeightPlan<T>& plan, const gpu::WeightBatch<T>& batch) {
    Block block{gpu::kWeightThreads};
    for (std::uint32_t index = 0; index < plan.blocks(batch.images); ++index) {
      Shared shared(plan.shared_bytes());
      gpu::with_row_tiles(plan.tile.row_tiles, [&]<std::uint32_t kRows>() {
        gpu::run_weights<kRows>(batch, index, shared.words(), block);
      });
    }
  }

 private:
  /// Threads and warps one after the other.
  struct Block {
    std::uint32_t threads;
    void each_thread(auto phase) {
      for (std::uint32_t thread = 0; thread < threads; ++thread) phase(thread);
    }
    void each_warp(auto phase) {
      for (std::uint32_t warp = 0; warp < threads / gpu::kWarp; ++warp) phase(warp);
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
};

}  // namespace cnnc::test

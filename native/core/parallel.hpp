#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/error.hpp"

namespace cnnc {

/// Processors this process may really use: the smallest of the machine's, the affinity mask, the
/// cgroup's quota (rounded up) and SLURM_CPUS_PER_TASK; at least 1.
[[nodiscard]] unsigned granted_cpus();

/// Flag and counter that a running job shares with its owner, who may live in another thread.
struct JobControl {
  const std::atomic<bool>* cancel = nullptr;
  std::atomic<std::uint64_t>* done = nullptr;  ///< finished units, only ever growing

  void check() const {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) throw Cancelled();
  }
  void advance(std::uint64_t units) const noexcept {
    if (done != nullptr) done->fetch_add(units, std::memory_order_relaxed);
  }
};

/// Calls work(thread, index) for every index below `count`, on up to `threads` threads that take the
/// next index as they become free. Returns when all are done. The first exception stops the others
/// at their next index and is thrown to the caller.
template <class Work>
void parallel_for(unsigned threads, std::size_t count, Work&& work) {
  const auto workers = static_cast<unsigned>(std::min<std::size_t>(std::max(threads, 1U), count));
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto run = [&](unsigned thread) {
    try {
      for (std::size_t index = next++; index < count; index = next++) work(thread, index);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (unsigned thread = 1; thread < workers; ++thread) pool.emplace_back(run, thread);
    if (workers > 0) run(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cnnc

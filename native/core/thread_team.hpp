#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cnnc {

/// Threads that stay, for work that comes in many short pieces.
class ThreadTeam {
 public:
  /// @throws std::system_error when the machine grants no more threads
  explicit ThreadTeam(unsigned threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(pool_.size()) + 1; }

  /// Calls work(thread) once on each thread, the caller being thread 0, and returns when all are done.
  /// The first exception is thrown to the caller. One call at a time.
  void run(const std::function<void(unsigned)>& work);

 private:
  void stop();
  void serve(unsigned thread);
  void call(unsigned thread) noexcept;

  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable end_;
  const std::function<void(unsigned)>* work_ = nullptr;
  std::size_t round_ = 0;
  unsigned running_ = 0;
  bool stop_ = false;
  std::exception_ptr failure_;
  std::vector<std::jthread> pool_;
};

}  // namespace cnnc

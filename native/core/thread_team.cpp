#include "core/thread_team.hpp"

#include <utility>

namespace cnnc {

ThreadTeam::ThreadTeam(unsigned threads) {
  try {
    for (unsigned thread = 1; thread < threads; ++thread) {
      pool_.emplace_back([this, thread] { serve(thread); });
    }
  } catch (...) {
    // Those that did start are waiting for work, and would be waited for without end.
    stop();
    throw;
  }
}

ThreadTeam::~ThreadTeam() { stop(); }

void ThreadTeam::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  begin_.notify_all();
  pool_.clear();
}

void ThreadTeam::run(const std::function<void(unsigned)>& work) {
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    running_ = static_cast<unsigned>(pool_.size());
    ++round_;
  }
  begin_.notify_all();
  call(0);
  std::unique_lock lock(mutex_);
  end_.wait(lock, [this] { return running_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadTeam::serve(unsigned thread) {
  std::size_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      begin_.wait(lock, [&] { return stop_ || round_ != seen; });
      if (stop_) return;
      seen = round_;
    }
    call(thread);
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) end_.notify_one();
  }
}

void ThreadTeam::call(unsigned thread) noexcept {
  try {
    (*work_)(thread);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace cnnc

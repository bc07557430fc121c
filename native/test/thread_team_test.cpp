#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/thread_team.hpp"

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#define CNNC_CAN_LIMIT_MEMORY 1
#endif

namespace cnnc {

TEST_CASE("a team calls the work once on each thread, as often as it is asked") {
  for (const unsigned threads : {0U, 1U, 2U, 5U}) {
    CAPTURE(threads);
    ThreadTeam team(threads);
    REQUIRE(team.size() == (threads == 0 ? 1 : threads));
    std::vector<int> calls(team.size());  // each thread writes its own
    for (int round = 0; round < 200; ++round) {
      team.run([&](unsigned thread) { ++calls[thread]; });
    }
    for (const int count : calls) CHECK(count == 200);
  }
}

TEST_CASE("a team's failure reaches the caller after all threads are done, and the team goes on") {
  ThreadTeam team(4);
  for (int round = 0; round < 50; ++round) {
    for (unsigned failing = 0; failing < 4; ++failing) {
      std::atomic<int> others{0};
      const auto work = [&](unsigned thread) {
        if (thread == failing) throw std::runtime_error("thread " + std::to_string(thread));
        ++others;
      };
      const std::string expected = "thread " + std::to_string(failing);
      CHECK_THROWS_WITH_AS(team.run(work), expected.c_str(), std::runtime_error);
      CHECK(others == 3);
    }
    std::atomic<int> calls{0};
    team.run([&](unsigned /*thread*/) { ++calls; });
    CHECK(calls == 4);
  }
}

TEST_CASE("of several failures a team throws one") {
  ThreadTeam team(3);
  CHECK_THROWS_AS(team.run([](unsigned thread) { throw static_cast<int>(thread); }), int);
  CHECK_NOTHROW(team.run([](unsigned /*thread*/) {}));
}

#ifdef CNNC_CAN_LIMIT_MEMORY
TEST_CASE("a team whose last threads cannot start fails, instead of waiting for the first ones") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(10);
    // Stacks of 8 MiB each: some dozens start.
    const rlimit limit{400U << 20, 400U << 20};
    setrlimit(RLIMIT_AS, &limit);
    try {
      const ThreadTeam team(1000);
      _exit(1);
    } catch (const std::exception&) {
      _exit(42);
    }
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 42);
}
#endif

TEST_CASE("teams can be made and dropped without being used") {
  for (int i = 0; i < 50; ++i) ThreadTeam(3);
}

}  // namespace cnnc

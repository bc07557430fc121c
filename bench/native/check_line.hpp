#pragma once

#include <cstdio>
#include <string>

namespace cnnc::bench {

/// Prints what a check found. Returns `good`.
inline bool say(const char* what, const std::string& name, double value, bool good) {
  std::printf("parity  %-58s %-20s %10.3g  %s\n", what, name.c_str(), value, good ? "good" : "BAD");
  std::fflush(stdout);
  return good;
}

}  // namespace cnnc::bench

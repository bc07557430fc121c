#include "core/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

#ifdef __linux__
#include <sched.h>
#endif

namespace cnnc {
namespace {

constexpr unsigned kUnlimited = ~0U;

unsigned affinity_cpus() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
#endif
  return kUnlimited;
}

unsigned cpus_of_quota(double quota, double period) {
  return quota > 0 && period > 0 ? static_cast<unsigned>(std::ceil(quota / period)) : kUnlimited;
}

/// The quota of the cgroup mounted at the usual place (version 2, else version 1).
unsigned cgroup_cpus() {
  std::string quota;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period) {
    return quota == "max" ? kUnlimited : cpus_of_quota(std::strtod(quota.c_str(), nullptr), period);
  }
  double quota_us = 0;
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota >> quota_us && v1_period >> period) return cpus_of_quota(quota_us, period);
  return kUnlimited;
}

unsigned slurm_cpus() {
  const char* text = std::getenv("SLURM_CPUS_PER_TASK");
  const int cpus = text == nullptr ? 0 : std::atoi(text);
  return cpus > 0 ? static_cast<unsigned>(cpus) : kUnlimited;
}

}  // namespace

unsigned granted_cpus() {
  const unsigned machine = std::max(1U, std::thread::hardware_concurrency());
  return std::max(1U, std::min({machine, affinity_cpus(), cgroup_cpus(), slurm_cpus()}));
}

}  // namespace cnnc

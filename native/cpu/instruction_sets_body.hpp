// Included, outside of all namespaces, by a file that has defined CNNC_BODY as the name of another: includes that once for
// each instruction set, after lanes_body.hpp and in a namespace of its own. The body defines kKernels<T>.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

// Clang takes no instruction set from a pragma.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define CNNC_X86 1
#endif

// As many floats as a register holds: GCC takes wider vectors apart, value by value where it compares them.
#define CNNC_LANES 4
namespace cnnc::portable {
namespace {
#include "cpu/lanes_body.hpp"
#include CNNC_BODY
}  // namespace
}  // namespace cnnc::portable
#undef CNNC_LANES

#ifdef CNNC_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define CNNC_LANES 8
namespace cnnc::avx2 {
namespace {
#include "cpu/lanes_body.hpp"
#include CNNC_BODY
}  // namespace
}  // namespace cnnc::avx2
#undef CNNC_LANES
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#define CNNC_LANES 16
namespace cnnc::avx512 {
namespace {
#include "cpu/lanes_body.hpp"
#include CNNC_BODY
}  // namespace
}  // namespace cnnc::avx512
#undef CNNC_LANES
#pragma GCC pop_options
#endif

namespace cnnc {
namespace {

/// Kernels of every instruction set that this processor runs, the fastest last.
template <class NamedKernels, class T>
std::vector<NamedKernels> kernels_of_this_processor() {
  std::vector<NamedKernels> all{{"portable", portable::kKernels<T>}};
#ifdef CNNC_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back({"avx2", avx2::kKernels<T>});
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    all.push_back({"avx512", avx512::kKernels<T>});
  }
#endif
  return all;
}

}  // namespace
}  // namespace cnnc

#undef CNNC_X86
#undef CNNC_BODY

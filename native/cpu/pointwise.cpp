#include "cpu/pointwise.hpp"

#include <type_traits>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define CNNC_X86 1
#endif

namespace cnnc {

namespace portable {
namespace {
#include "cpu/lanes_body.hpp"
#include "cpu/pointwise_body.hpp"
}
}  // namespace portable

#ifdef CNNC_X86
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
namespace {
#include "cpu/lanes_body.hpp"
#include "cpu/pointwise_body.hpp"
}
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#define CNNC_AVX512 1
namespace avx512 {
namespace {
#include "cpu/lanes_body.hpp"
#include "cpu/pointwise_body.hpp"
}
}  // namespace avx512
#undef CNNC_AVX512
#pragma GCC pop_options
#endif

template <class T>
std::vector<NamedPointwiseKernels<T>> all_pointwise_kernels() {
  std::vector<NamedPointwiseKernels<T>> all{{"portable", portable::kKernels<T>}};
#ifdef CNNC_X86
  if (__builtin_cpu_supports("avx2")) all.push_back({"avx2", avx2::kKernels<T>});
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    all.push_back({"avx512", avx512::kKernels<T>});
  }
#endif
  return all;
}

template <class T>
const PointwiseKernels<T>& pointwise_kernels() {
  static const PointwiseKernels<T> fastest = all_pointwise_kernels<T>().back().kernels;
  return fastest;
}

template std::vector<NamedPointwiseKernels<float>> all_pointwise_kernels<float>();
template std::vector<NamedPointwiseKernels<Bf16>> all_pointwise_kernels<Bf16>();
template const PointwiseKernels<float>& pointwise_kernels<float>();
template const PointwiseKernels<Bf16>& pointwise_kernels<Bf16>();

}  // namespace cnnc

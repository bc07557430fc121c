#include "cpu/pointwise.hpp"

#include <bit>

#define CNNC_BODY "cpu/pointwise_body.hpp"
#include "cpu/instruction_sets_body.hpp"

namespace cnnc {

template <class T>
std::vector<NamedPointwiseKernels<T>> all_pointwise_kernels() {
  return kernels_of_this_processor<NamedPointwiseKernels<T>, T>();
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

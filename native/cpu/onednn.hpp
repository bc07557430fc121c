#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_version.h>

#include <cstddef>
#include <new>
#include <string>

#include "cnn/engine.hpp"
#include "cnn/network.hpp"
#include "core/error.hpp"

#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

/// The primitives that networks need, made alike with oneDNN 2 and 3. Activations are NHWC (`nhwc`, or `nc` for
/// vectors); weights are in whatever format the primitive likes.
namespace cnnc::onednn {

/// While it lives, oneDNN makes and runs primitives in the calling thread alone. Threads are ours: each runs
/// whole images, so that nothing waits inside a layer and results do not depend on their number.
class [[maybe_unused]] SingleThreaded {
 public:
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
  SingleThreaded() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~SingleThreaded() { omp_set_num_threads(before_); }

 private:
  int before_;
#else
  SingleThreaded() = default;
  ~SingleThreaded() = default;

 public:
#endif
  SingleThreaded(const SingleThreaded&) = delete;
  SingleThreaded& operator=(const SingleThreaded&) = delete;
};

/// Calls make(), turning oneDNN's own failures into std::bad_alloc or Error ONEDNN_FAILED.
template <class Make>
auto translated(Make&& make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    throw Error("ONEDNN_FAILED", std::string("oneDNN ") + error.what());
  }
}

[[nodiscard]] const dnnl::engine& cpu_engine();

/// Whether oneDNN runs with AVX2 or more; it may have been told not to, by ONEDNN_MAX_CPU_ISA.
[[nodiscard]] bool uses_avx2() noexcept;

/// A convolution or dense layer over `images` images.
struct Product {
  std::size_t images;
  Shape in;
  Shape out;
  bool dense;
  std::size_t kernel;    ///< 1 for dense
  std::size_t padding;   ///< on every side
  Precision precision;
};

[[nodiscard]] dnnl::memory::data_type data_type(Precision precision);
[[nodiscard]] dnnl::memory::desc source(const Product& product);
[[nodiscard]] dnnl::memory::desc destination(const Product& product);
/// The kernel as it lies in the parameter vector: float32, [kernel][kernel][in][out] or [in][out].
[[nodiscard]] dnnl::memory::desc kernel(const Product& product);
[[nodiscard]] dnnl::memory::desc bias(const Product& product);

/// The product from the derivative by the output to that by the input: the kernel of a convolution is turned by half a
/// circle, and channels change places.
[[nodiscard]] Product reversed(const Product& product);
/// Its kernel, as it lies in the parameter vector with the taps in reverse order.
[[nodiscard]] dnnl::memory::desc reversed_kernel(const Product& product);

/// A primitive with the formats it chose.
struct Primitive {
  dnnl::primitive run;
  dnnl::memory::desc weights;     ///< of the kernel, or of its gradient
  dnnl::memory::desc scratchpad;  ///< memory to pass as DNNL_ARG_SCRATCHPAD
};

/// Forward pass, with a ReLU on top if wanted.
[[nodiscard]] Primitive forward(const Product& product, bool relu, bool training);
/// Derivative by the input: the forward pass of `reversed`, which oneDNN does faster than its own backward pass. A
/// convolution takes half as long in bfloat16, nine tenths in float32.
[[nodiscard]] Primitive backward_data(const Product& product);
/// Gradients of kernel and bias, both float32.
[[nodiscard]] Primitive backward_weights(const Product& product);

}  // namespace cnnc::onednn

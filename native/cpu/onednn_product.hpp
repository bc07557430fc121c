#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "cnn/network_steps.hpp"
#include "core/aligned.hpp"
#include "cpu/image_convolution.hpp"
#include "cpu/onednn.hpp"

namespace cnnc::onednn {

/// Memory of one primitive argument. Cannot be copied: oneDNN's object points into it.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() = default;
  explicit Buffer(const dnnl::memory::desc& desc)
      : bytes_(desc.get_size()), memory_(desc, cpu_engine(), bytes_.data()) {}

  [[nodiscard]] const dnnl::memory& memory() const noexcept { return memory_; }
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return bytes_; }

 private:
  AlignedVector<std::byte> bytes_;
  dnnl::memory memory_;
};

/// The parameters of a product in the formats that its primitives like; shared by all threads.
struct ProductWeights {
  Buffer forward;
  Buffer backward;  ///< only for training
  Buffer bias;      ///< zeros where the layer has none
};

/// In the instruction set that oneDNN uses, so that what one processor computes others can, too.
/// \pre is_image_convolution(step)
template <class T>
[[nodiscard]] ImageConvolution<T> image_convolution(const ProductStep& step, PoolKind pool) {
  return {step, pool, image_convolution_kernels<T>(uses_avx2())};
}

/// The taps of a convolution's kernel in reverse order.
inline std::vector<float> reversed_taps(const Product& product, std::span<const float> weights) {
  const std::size_t taps = product.kernel * product.kernel;
  const std::size_t size = weights.size() / taps;
  std::vector<float> turned(weights.size());
  for (std::size_t tap = 0; tap < taps; ++tap) {
    std::copy_n(weights.data() + tap * size, size, turned.data() + (taps - 1 - tap) * size);
  }
  return turned;
}

/// Copies `weights` and `bias` (empty for none) from Keras' layout.
inline void load_weights(const Product& product, std::span<const float> weights, std::span<const float> bias,
                         ProductWeights& into, const dnnl::stream& stream) {
  const auto load = [&](const dnnl::memory::desc& layout, std::span<const float> values, dnnl::memory to) {
    dnnl::memory from(layout, cpu_engine(), const_cast<float*>(values.data()));
    dnnl::reorder(from, to).execute(stream, from, to);
  };
  load(kernel(product), weights, into.forward.memory());
  if (into.backward.memory() && product.kernel == 1) {
    load(reversed_kernel(product), weights, into.backward.memory());
  } else if (into.backward.memory()) {
    const std::vector<float> turned = reversed_taps(product, weights);
    load(reversed_kernel(product), turned, into.backward.memory());
    dnnl::stream(stream).wait();  // for the copy that ends here
  }
  const auto bytes = into.bias.bytes();
  const auto given = std::as_bytes(bias);
  std::copy(given.begin(), given.end(), bytes.begin());
}

}  // namespace cnnc::onednn

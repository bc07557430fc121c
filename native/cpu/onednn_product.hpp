#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "cnn/network_steps.hpp"
#include "core/aligned.hpp"
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

/// Copies `weights` and `bias` (empty for none) from Keras' layout.
inline void load_weights(const Product& product, std::span<const float> weights, std::span<const float> bias,
                         ProductWeights& into, const dnnl::stream& stream) {
  dnnl::memory from(kernel(product), cpu_engine(), const_cast<float*>(weights.data()));
  for (const Buffer* to : {&into.forward, &into.backward}) {
    dnnl::memory memory = to->memory();
    if (memory) dnnl::reorder(from, memory).execute(stream, from, memory);
  }
  const auto bytes = into.bias.bytes();
  const auto given = std::as_bytes(bias);
  std::copy(given.begin(), given.end(), bytes.begin());
}

}  // namespace cnnc::onednn

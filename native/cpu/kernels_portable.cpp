#include <bit>

#include "cpu/kernel_templates.hpp"

static_assert(std::endian::native == std::endian::little, "lanes are the bytes of a little-endian word");

namespace cnnc {
namespace {

template <class Counter>
void count(const StreamedGene& stream, const SpreadGenes& spread, Layout layout, Counter* counts) {
  if (layout == Layout::stream_rows) {
    count_entries<Layout::stream_rows>(stream, 0, spread, counts);
  } else {
    count_entries<Layout::lane_rows>(stream, 0, spread, counts);
  }
}

template <class Counter, class Count>
void complete(const CountedImage<Counter>& image, Count* out) {
  complete_image(image, out);
}

template <class Count>
std::size_t occupied(const Count* image, Count* out) {
  std::size_t size = 0;
  for (std::size_t bin = 0; bin < kImage; ++bin) {
    out[size] = image[bin];
    size += image[bin] != 0 ? 1 : 0;
  }
  return size;
}

}  // namespace

const Kernels& portable_kernels() noexcept {
  static constexpr Kernels kernels{"portable",
                                   count<std::uint16_t>,
                                   count<std::uint32_t>,
                                   complete<std::uint16_t, std::uint16_t>,
                                   complete<std::uint16_t, std::uint32_t>,
                                   complete<std::uint32_t, std::uint32_t>,
                                   occupied<std::uint16_t>,
                                   occupied<std::uint32_t>};
  return kernels;
}

const Kernels& best_kernels() noexcept {
  static const Kernels* const avx512 = avx512_kernels();
  return avx512 != nullptr ? *avx512 : portable_kernels();
}

}  // namespace cnnc

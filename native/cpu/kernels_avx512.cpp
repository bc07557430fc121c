#include "cpu/kernel_templates.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define CNNC_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,popcnt,bmi,bmi2")]]

namespace cnnc {
namespace {

/// Hits gathered before they are counted; small enough to stay in the first-level cache.
constexpr std::size_t kPendingHits = 2048;

/// Cells outside both zero bins: the lane's bin, and lane * 32 + bin of the streamed gene.
struct PendingHits {
  alignas(64) std::uint8_t lane_bin[kPendingHits + 64];
  alignas(64) std::uint8_t lane_and_bin[kPendingHits + 64];
  std::size_t size = 0;
};

template <Layout layout, class Counter>
CNNC_AVX512 void count_pending(PendingHits& hits, Counter* counts) {
  for (std::size_t i = 0; i < hits.size; ++i) {
    const std::size_t lane_and_bin = hits.lane_and_bin[i];
    const std::size_t lane_bin = hits.lane_bin[i];
    ++counts[layout == Layout::stream_rows ? lane_and_bin * kBins + lane_bin
                                           : lane_bin * kLanes * kBins + lane_and_bin];
  }
  hits.size = 0;
}

/// Eight entries of the stream at a time: 64 bins of the lanes' genes are compared with their zero
/// bins at once, and only the others are counted. Among sparse genes those are few.
template <Layout layout, class Counter>
CNNC_AVX512 void count_hits(const StreamedGene& stream, const SpreadGenes& spread, Counter* counts) {
  const __m512i zero_bins = _mm512_set1_epi64(static_cast<long long>(spread.zero_bins));
  const __m512i lane_times_32 = _mm512_set1_epi64(static_cast<long long>(0xE0C0A08060402000ULL));
  // Byte 8 e + l of a vector belongs to entry e and lane l.
  const __m512i entry_of_byte =
      _mm512_set_epi64(0x0707070707070707LL, 0x0606060606060606LL, 0x0505050505050505LL, 0x0404040404040404LL,
                       0x0303030303030303LL, 0x0202020202020202LL, 0x0101010101010101LL, 0);
  const std::uint32_t* cells = stream.cells.data();
  const std::uint64_t* lanes = spread.bins;
  const auto word = [lanes, cells](std::size_t i) { return static_cast<long long>(lanes[cells[i]]); };
  PendingHits hits;
  std::size_t i = 0;
  for (; i + 8 <= stream.cells.size(); i += 8) {
    // Eight scalar loads beat the gather instruction here.
    const __m512i lane_bins = _mm512_set_epi64(word(i + 7), word(i + 6), word(i + 5), word(i + 4), word(i + 3),
                                               word(i + 2), word(i + 1), word(i));
    const __mmask64 hit = _mm512_cmpneq_epi8_mask(lane_bins, zero_bins);
    const __m128i entry_bins = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(stream.bins + i));
    const __m512i lane_and_bin =
        _mm512_or_si512(_mm512_permutexvar_epi8(entry_of_byte, _mm512_castsi128_si512(entry_bins)), lane_times_32);
    const __m512i hit_bins = _mm512_maskz_compress_epi8(hit, lane_bins);
    const __m512i hit_lanes = _mm512_maskz_compress_epi8(hit, lane_and_bin);
    const auto count = static_cast<std::size_t>(_mm_popcnt_u64(hit));
    // Short stores: a full one nearly always crosses a cache line.
    _mm_storeu_si128(reinterpret_cast<__m128i*>(hits.lane_bin + hits.size), _mm512_castsi512_si128(hit_bins));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(hits.lane_and_bin + hits.size), _mm512_castsi512_si128(hit_lanes));
    if (count > 16) {
      _mm512_storeu_si512(hits.lane_bin + hits.size, hit_bins);
      _mm512_storeu_si512(hits.lane_and_bin + hits.size, hit_lanes);
    }
    hits.size += count;
    if (hits.size > kPendingHits) count_pending<layout>(hits, counts);
  }
  count_pending<layout>(hits, counts);
  count_entries<layout>(stream, i, spread, counts);
}

template <class Counter>
void count(const StreamedGene& stream, const SpreadGenes& spread, Layout layout, Counter* counts) {
  if (layout == Layout::stream_rows) {
    count_hits<Layout::stream_rows>(stream, spread, counts);
  } else {
    count_hits<Layout::lane_rows>(stream, spread, counts);
  }
}

/// complete_image with a row of 16-bit counts per vector. All sums are taken modulo 2^16, which the
/// results fit into.
CNNC_AVX512 void complete_16_to_16(const CountedImage<std::uint16_t>& image, std::uint16_t* out) {
  const __mmask32 zero_column = __mmask32{1} << image.zero_column;
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i column_sum = _mm512_setzero_si512();
  for (int row = 0; row < kBins; ++row) {
    if (row == image.zero_row) continue;
    const std::uint16_t* counts = image.counts + static_cast<std::size_t>(row) * image.stride;
    const __m512i hits = _mm512_maskz_loadu_epi16(~zero_column, counts);
    const auto sum = static_cast<std::uint32_t>(_mm512_reduce_add_epi32(_mm512_madd_epi16(hits, ones)));
    const auto rest = static_cast<short>(image.row_marginal[row] - sum);
    const __m512i full = _mm512_mask_set1_epi16(hits, zero_column, rest);
    column_sum = _mm512_add_epi16(column_sum, full);
    _mm512_storeu_si512(out + row * kBins, full);
  }
  const __m256i low = _mm512_cvtepi32_epi16(_mm512_loadu_si512(image.column_marginal));
  const __m256i high = _mm512_cvtepi32_epi16(_mm512_loadu_si512(image.column_marginal + 16));
  const __m512i marginal = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  _mm512_storeu_si512(out + image.zero_row * kBins, _mm512_sub_epi16(marginal, column_sum));
}

CNNC_AVX512 void complete_16_to_32(const CountedImage<std::uint16_t>& image, std::uint32_t* out) {
  complete_image(image, out);
}

CNNC_AVX512 void complete_32_to_32(const CountedImage<std::uint32_t>& image, std::uint32_t* out) {
  complete_image(image, out);
}

CNNC_AVX512 std::size_t occupied_16(const std::uint16_t* image, std::uint16_t* out) {
  std::size_t size = 0;
  for (int bin = 0; bin < kImage; bin += 32) {
    const __m512i counts = _mm512_loadu_si512(image + bin);
    const __mmask32 occupied = _mm512_test_epi16_mask(counts, counts);
    // Never beyond the end of `out`: at most `bin` counts are before this one.
    _mm512_storeu_si512(out + size, _mm512_maskz_compress_epi16(occupied, counts));
    size += static_cast<std::size_t>(_mm_popcnt_u32(occupied));
  }
  return size;
}

CNNC_AVX512 std::size_t occupied_32(const std::uint32_t* image, std::uint32_t* out) {
  std::size_t size = 0;
  for (int bin = 0; bin < kImage; bin += 16) {
    const __m512i counts = _mm512_loadu_si512(image + bin);
    const __mmask16 occupied = _mm512_test_epi32_mask(counts, counts);
    _mm512_storeu_si512(out + size, _mm512_maskz_compress_epi32(occupied, counts));
    size += static_cast<std::size_t>(_mm_popcnt_u32(occupied));
  }
  return size;
}

}  // namespace

const Kernels* avx512_kernels() noexcept {
  static constexpr Kernels kernels{"avx512",          count<std::uint16_t>, count<std::uint32_t>,
                                   complete_16_to_16, complete_16_to_32,    complete_32_to_32,
                                   occupied_16,       occupied_32};
  const bool supported = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") &&
                         __builtin_cpu_supports("avx512vbmi2");
  return supported ? &kernels : nullptr;
}

}  // namespace cnnc

#else

namespace cnnc {
const Kernels* avx512_kernels() noexcept { return nullptr; }
}  // namespace cnnc

#endif

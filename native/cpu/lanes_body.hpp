// Included for each instruction set, inside a namespace of its own: no include guard, no includes.
// Vectors of the compiler's own kind: left to itself it makes scalar code of half of these loops.

#define CNNC_INLINE_LOOP __attribute__((always_inline)) inline

/// Channels side by side. What is written for any V below runs on Lanes, and on float for the channels left over.
constexpr std::size_t kLanes = CNNC_LANES;
using Lanes [[gnu::vector_size(kLanes * sizeof(float))]] = float;
using LaneWords [[gnu::vector_size(kLanes * sizeof(std::uint32_t))]] = std::uint32_t;
using LanePairs [[gnu::vector_size(kLanes * sizeof(std::uint32_t))]] = std::uint64_t;  ///< two words each
using LaneHalves [[gnu::vector_size(kLanes * sizeof(std::uint16_t))]] = std::uint16_t;

/// Calls work.operator()<V>(first channel) for each block of channels.
template <class Work>
CNNC_INLINE_LOOP void each_block(std::size_t channels, Work&& work) {
  std::size_t first = 0;
  for (; first + kLanes <= channels; first += kLanes) work.template operator()<Lanes>(first);
  for (; first < channels; ++first) work.template operator()<float>(first);
}

#if CNNC_LANES == 16
// One instruction each, which GCC 12 does not find.
CNNC_INLINE_LOOP LaneWords words_of(LaneHalves halves) {
  return reinterpret_cast<LaneWords>(_mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(halves)));
}
CNNC_INLINE_LOOP LaneHalves halves_of(LaneWords words) {
  return reinterpret_cast<LaneHalves>(_mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(words)));
}
/// Products of the lower words.
CNNC_INLINE_LOOP LanePairs wide_products(LanePairs a, LanePairs b) {
  return reinterpret_cast<LanePairs>(_mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}
#else
CNNC_INLINE_LOOP LanePairs wide_products(LanePairs a, LanePairs b) { return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF); }
CNNC_INLINE_LOOP LaneWords words_of(LaneHalves halves) { return __builtin_convertvector(halves, LaneWords); }
CNNC_INLINE_LOOP LaneHalves halves_of(LaneWords words) { return __builtin_convertvector(words, LaneHalves); }
#endif

template <class V>
CNNC_INLINE_LOOP V load(const float* values) {
  V lanes;
  __builtin_memcpy(&lanes, values, sizeof lanes);
  return lanes;
}
template <class V>
CNNC_INLINE_LOOP V load(const Bf16* values) {
  if constexpr (std::is_same_v<V, float>) {
    return float_of(*values);
  } else {
    LaneHalves halves;
    __builtin_memcpy(&halves, values, sizeof halves);
    return reinterpret_cast<Lanes>(words_of(halves) << 16);
  }
}

template <class V>
CNNC_INLINE_LOOP void store(float* values, V lanes) {
  __builtin_memcpy(values, &lanes, sizeof lanes);
}
CNNC_INLINE_LOOP void store(Bf16* values, float value) { *values = bf16_of(value); }
/// As bf16_of.
CNNC_INLINE_LOOP void store(Bf16* values, Lanes lanes) {
  const auto bits = reinterpret_cast<LaneWords>(lanes);
  const LaneHalves halves = halves_of((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
  __builtin_memcpy(values, &halves, sizeof halves);
}

/// `value` in each lane.
template <class V>
CNNC_INLINE_LOOP V all_lanes(float value) {
  return value - V{};
}

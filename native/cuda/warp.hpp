#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cnn/bf16.hpp"
#include "core/host_device.hpp"

// What the 32 threads of a warp do together, as code that also runs on the host: there one thread stands for the warp,
// and does for lane after lane what the lanes of a GPU do at once.

namespace cnnc::gpu {

inline constexpr std::uint32_t kWarp = 32;

/// Two bfloat16 in a word, the first one below. A GPU's NaN stays one: with the bits that it has there, bf16_of would
/// make -0 of it.
CNNC_HOST_DEVICE inline std::uint32_t bf16_pair(float first, float second) {
#ifdef __CUDA_ARCH__
  std::uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  return word;
#else
  return static_cast<std::uint32_t>(bf16_of(first)) | static_cast<std::uint32_t>(bf16_of(second)) << 16;
#endif
}

/// A value that each lane has for itself.
template <class T>
class PerLane {
 public:
  CNNC_HOST_DEVICE T& operator[]([[maybe_unused]] std::uint32_t lane) {
#ifdef __CUDA_ARCH__
    return value_;
#else
    return values_[lane];
#endif
  }
  CNNC_HOST_DEVICE const T& operator[]([[maybe_unused]] std::uint32_t lane) const {
#ifdef __CUDA_ARCH__
    return value_;
#else
    return values_[lane];
#endif
  }

 private:
#ifdef __CUDA_ARCH__
  T value_;
#else
  T values_[kWarp];
#endif
};

/// A value that each warp of a block keeps from phase to phase.
template <class T, std::uint32_t kWarps>
class PerWarp {
 public:
  CNNC_HOST_DEVICE T& operator[]([[maybe_unused]] std::uint32_t warp) {
#ifdef __CUDA_ARCH__
    return value_;
#else
    return values_[warp];
#endif
  }

 private:
#ifdef __CUDA_ARCH__
  T value_;
#else
  T values_[kWarps];
#endif
};

/// Calls body(lane) for all lanes. Nothing orders the lanes.
template <class Body>
CNNC_HOST_DEVICE void each_lane(Body body) {
#ifdef __CUDA_ARCH__
  body(threadIdx.x % kWarp);
#else
  for (std::uint32_t lane = 0; lane < kWarp; ++lane) body(lane);
#endif
}

/// Sums over all lanes, in the same order everywhere; every lane gets the sum.
CNNC_HOST_DEVICE inline void sum_of_lanes(PerLane<float>& values) {
#ifdef __CUDA_ARCH__
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2) {
    values[0] += __shfl_xor_sync(0xFFFFFFFFU, values[0], distance);
  }
#else
  for (std::uint32_t distance = kWarp / 2; distance > 0; distance /= 2) {
    const PerLane<float> before = values;
    for (std::uint32_t lane = 0; lane < kWarp; ++lane) values[lane] += before[lane ^ distance];
  }
#endif
}

/// A lane's share of the factors of a tensor-core product, two bfloat16 to a word. Lane 4 g + q has
/// - of the left one, 16 x 16: rows g, g + 8, g, g + 8, from columns 2 q, 2 q, 2 q + 8, 2 q + 8 on;
/// - of the right one, 16 x 8: column g, from rows 2 q and 2 q + 8 on;
/// - of the sum, 16 x 8: row g at columns 2 q and 2 q + 1, then row g + 8
/// (PTX ISA, "Matrix Fragments for mma.m16n8k16").
struct LeftFragment {
  std::uint32_t words[4];
};
struct alignas(8) RightFragment {
  std::uint32_t words[2];
};

#ifndef __CUDA_ARCH__
/// The 16 x 8 sum += left x right, from the lanes' shares.
template <class Left, class Right, class Sum>
void multiply_add_on_host(Left left, Right right, Sum sum) {
  const auto half_of = [](std::uint32_t word, std::uint32_t index) {
    return float_of(static_cast<Bf16>(index % 2 == 0 ? word & 0xFFFF : word >> 16));
  };
  float a[16][16];
  float b[16][8];
  for (std::uint32_t lane = 0; lane < kWarp; ++lane) {
    const std::uint32_t g = lane / 4;
    const std::uint32_t q = lane % 4;
    for (std::uint32_t word = 0; word < 4; ++word) {
      for (std::uint32_t i = 0; i < 2; ++i) {
        a[g + word % 2 * 8][2 * q + word / 2 * 8 + i] = half_of(left(lane).words[word], i);
        if (word < 2) b[2 * q + word * 8 + i][g] = half_of(right(lane).words[word], i);
      }
    }
  }
  for (std::uint32_t lane = 0; lane < kWarp; ++lane) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t row = lane / 4 + i / 2 * 8;
      const std::uint32_t column = lane % 4 * 2 + i % 2;
      for (std::uint32_t k = 0; k < 16; ++k) sum(lane)[i] += a[row][k] * b[k][column];
    }
  }
}
#endif

/// One tensor-core product of the warp. `left(lane)`, `right(lane)` and `sum(lane)` give a lane's LeftFragment,
/// RightFragment and float (&)[4].
template <class Left, class Right, class Sum>
CNNC_HOST_DEVICE void multiply_add(Left left, Right right, Sum sum) {
#ifdef __CUDA_ARCH__
  const LeftFragment& a = left(0);
  const RightFragment& b = right(0);
  float(&c)[4] = sum(0);
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[0]), "r"(b.words[1]));
#else
  multiply_add_on_host(left, right, sum);
#endif
}

/// Four words of a lane: what it gets of four 8 x 8 matrices of bfloat16.
struct FourWords {
  std::uint32_t words[4];
};

/// Reads four 8 x 8 matrices of bfloat16 from shared memory and transposes them. `row(lane)` is the address, aligned to
/// 16 bytes, of row lane % 8 of matrix lane / 8; word i of `words(lane)`, a FourWords&, becomes rows 2 q and 2 q + 1 at
/// column g of matrix i, for lane 4 g + q (PTX ISA, "ldmatrix").
template <class Row, class Words>
CNNC_HOST_DEVICE void load_transposed(Row row, Words words) {
#ifdef __CUDA_ARCH__
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row(threadIdx.x % kWarp)));
  FourWords& to = words(0);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to.words[0]), "=r"(to.words[1]), "=r"(to.words[2]), "=r"(to.words[3])
               : "r"(address)
               : "memory");
#else
  for (std::uint32_t lane = 0; lane < kWarp; ++lane) {
    for (std::uint32_t matrix = 0; matrix < 4; ++matrix) {
      const auto value = [&](std::uint32_t in_pair) {
        const std::uint32_t word = row(matrix * 8 + lane % 4 * 2 + in_pair)[lane / 4 / 2];
        return lane / 4 % 2 == 0 ? word & 0xFFFF : word >> 16;
      };
      words(lane).words[matrix] = value(0) | value(1) << 16;
    }
  }
#endif
}

/// Copies kWords 32-bit words to shared memory, or zeros where `exists` is false; the block must wait_for_copies. Both
/// addresses are aligned to the size.
template <std::uint32_t kWords>
CNNC_HOST_DEVICE void copy_to_shared(std::uint32_t* to, const std::uint32_t* from, bool exists) {
#ifdef __CUDA_ARCH__
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;"
               :
               : "r"(address), "l"(from), "n"(kWords * 4), "r"(exists ? kWords * 4 : 0U)
               : "memory");
#else
  if (exists) {
    std::memcpy(to, from, kWords * 4);
  } else {
    std::memset(to, 0, kWords * 4);
  }
#endif
}

CNNC_HOST_DEVICE inline void wait_for_copies() {
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

}  // namespace cnnc::gpu

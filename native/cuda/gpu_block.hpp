#pragma once

#include "cuda/warp.hpp"

namespace cnnc::gpu {

/// The block of a GPU as code of blocks sees it: phases are this thread's or warp's share.
struct GpuBlock {
  /// Calls phase(thread); returns when all threads are done and their copies have arrived.
  template <class Phase>
  CNNC_HOST_DEVICE void each_thread([[maybe_unused]] Phase phase) {
#ifdef __CUDA_ARCH__
    phase(threadIdx.x);
    wait_for_copies();
    __syncthreads();
#endif
  }
  /// Calls phase(warp); nothing orders the warps.
  template <class Phase>
  CNNC_HOST_DEVICE void each_warp([[maybe_unused]] Phase phase) {
#ifdef __CUDA_ARCH__
    phase(threadIdx.x / kWarp);
#endif
  }
  /// Returns when all threads have come here.
  CNNC_HOST_DEVICE void meet() {
#ifdef __CUDA_ARCH__
    __syncthreads();
#endif
  }
};

}  // namespace cnnc::gpu

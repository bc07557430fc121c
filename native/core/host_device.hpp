#pragma once

// Functions marked so run on a GPU when nvcc compiles them, and on the host in any case.
#ifdef __CUDACC__
#define CNNC_HOST_DEVICE __host__ __device__
#else
#define CNNC_HOST_DEVICE
#endif

// Before a loop whose variables must be registers of a GPU.
#ifdef __CUDA_ARCH__
#define CNNC_UNROLL _Pragma("unroll")
#else
#define CNNC_UNROLL
#endif

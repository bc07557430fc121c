#!/usr/bin/env bash
# Builds and runs the tests of the native core, without Node. The GPU's kernels are compiled for one kind of GPU where
# there is nvcc. Arguments go to cmake.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build-tests
cmake -S . -B "$build" -DCNNC_TESTS=ON -DCNNC_CUDA=ON -DCNNC_CUDA_ARCHITECTURES=90-real "$@" >/dev/null
cmake --build "$build" --parallel "$(nproc)" >"$build/log" 2>&1 || { cat "$build/log"; exit 1; }
"$build/cnnc_tests"

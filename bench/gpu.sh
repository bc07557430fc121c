#!/usr/bin/env bash
# Builds the GPU path with cmake and nvcc alone, checks it against the CPU, times it, and PyTorch beside it where a
# Python has it. About seven minutes on a data-centre GPU.
#
#   bash bench/gpu.sh [BUILD_FOLDER]        PYTHON=... names the interpreter
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build-gpu}
cmake -S . -B "$build" -DCNNC_TESTS=ON -DCNNC_CUDA=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target cnnc_check_cuda

# The kernels' own checker, on what is small enough for it.
sanitizer=$(command -v compute-sanitizer || true)
if [ -n "$sanitizer" ]; then
  for tool in memcheck racecheck; do
    if timeout 60 "$sanitizer" --tool "$tool" --error-exitcode 9 "$build/cnnc_check_cuda" smoke >"$build/$tool.log" 2>&1; then
      echo "compute-sanitizer $tool: clean"
    else
      echo "compute-sanitizer $tool: NOT CLEAN, or not to be had here:"; tail -5 "$build/$tool.log"
    fi
  done
else
  echo "compute-sanitizer: not found"
fi

"$build/cnnc_check_cuda"

python=${PYTHON:-python3}
if "$python" -c 'import torch' 2>/dev/null; then
  timeout 240 "$python" bench/peers/torch_gpu.py || echo "PyTorch stopped"
else
  echo "PyTorch: $python has none"
fi

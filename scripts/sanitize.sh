#!/usr/bin/env bash
# Runs the native tests under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer.
# An argument names one of them alone: `address,undefined` or `thread`.
set -euo pipefail
cd "$(dirname "$0")/.."
if (($# == 0)); then set -- address,undefined thread; fi
for sanitizer in "$@"; do
  build="build-sanitize-${sanitizer%%,*}"
  echo "== $sanitizer"
  # Little optimised: instrumented code takes several times as long to compile otherwise.
  cmake -S . -B "$build" -DCNNC_TESTS=ON -DCNNC_CUDA=OFF -DCNNC_SANITIZE="$sanitizer" \
    -DCMAKE_CXX_FLAGS_RELEASE=-O1 >/dev/null
  cmake --build "$build" --target cnnc_tests --parallel "$(nproc)" >"$build/log" 2>&1 || { cat "$build/log"; exit 1; }
  "$build/cnnc_tests"
done

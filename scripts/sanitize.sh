#!/usr/bin/env bash
# Runs the native tests under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."
for sanitizer in address,undefined thread; do
  build="build-sanitize-${sanitizer%%,*}"
  echo "== $sanitizer"
  cmake -S . -B "$build" -DCNNC_TESTS=ON -DCNNC_CUDA=OFF -DCNNC_SANITIZE="$sanitizer" >/dev/null
  cmake --build "$build" --target cnnc_tests --parallel "$(nproc)" >"$build/log" 2>&1 || { cat "$build/log"; exit 1; }
  "$build/cnnc_tests"
done

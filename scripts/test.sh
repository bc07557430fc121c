#!/usr/bin/env bash
# Sets everything up and runs all tests: the native ones, then the TypeScript ones.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --tests
bash scripts/test-native.sh
npx --no-install vitest run

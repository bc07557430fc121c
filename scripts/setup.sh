#!/usr/bin/env bash
# Installs what is missing, and builds the native addon and the TypeScript. Safe to run again.
#
# System packages come from apt, with root's or sudo's rights; without them the line to run is printed. With --tests,
# also what only tests need.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 2; }

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null || fail "Node.js 20.17 or newer and npm are needed."
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 17) ? 0 : 1)' ||
    fail "Node.js 20.17 or newer is needed; this is $(node --version)."
}

# The packages that stand for what is missing here. libdnnl-dev (oneDNN) is for the network.
missing_packages() {
  command -v c++ >/dev/null || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v make >/dev/null || command -v ninja >/dev/null || echo make
  has_header doctest/doctest.h || echo doctest-dev
  has_header dnnl.hpp || has_header oneapi/dnnl/dnnl.hpp || echo libdnnl-dev
}

has_header() {
  command -v c++ >/dev/null && printf '#include <%s>\n' "$1" | c++ -std=c++20 -fsyntax-only -x c++ - 2>/dev/null
}

# Packages without which some things are left out, which say so when they are asked for: libxgboost-dev for boosted
# trees; for the tests (--tests), a browser that looks at the benchmark's report.
optional_packages() {
  has_header xgboost/c_api.h || echo libxgboost-dev
  [ "${1:-}" != --tests ] || command -v chromium >/dev/null || echo chromium
}

install_packages() {
  local packages
  packages=$(missing_packages | tr '\n' ' ')
  [ -n "$packages" ] || return 0
  local line="apt-get install -y --no-install-recommends $packages"
  if ! command -v apt-get >/dev/null; then
    fail "Install these with your system's package manager, then run this again: $packages"
  elif can_install; then
    say "setup: $line"
    as_root apt-get update -qq && as_root $line >/dev/null
  else
    fail "System packages are missing. Run this, then run me again:
  sudo apt-get update && sudo $line"
  fi
}

install_optional_packages() {
  local package
  for package in $(optional_packages "${1:-}"); do
    if can_install && as_root apt-get install -y --no-install-recommends "$package" >/dev/null 2>&1; then
      say "setup: installed $package"
    else
      say "setup: going on without $package; sudo apt-get install $package would add it"
    fi
  done
}

can_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then DEBIAN_FRONTEND=noninteractive "$@"; else sudo DEBIAN_FRONTEND=noninteractive "$@"; fi
}

install_node_modules() {
  # Again only when the lock file changed since. Not npm ci, which refuses a lock file that lacks the optional
  # packages of other platforms.
  [ node_modules/.package-lock.json -nt package-lock.json ] || quietly npm install --no-save --no-audit --no-fund
}

# Runs a command; shows what it printed only if it fails.
quietly() {
  local log
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log"; rm -f "$log"; fail "$* failed; its messages are above."; }
  rm -f "$log"
}

need_node
install_packages
install_optional_packages "${1:-}"
say "setup: npm packages"
install_node_modules
say "setup: building (the first time takes a minute or two)"
quietly npm run build:native
quietly npm run build:ts
say "setup: done"

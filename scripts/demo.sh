#!/usr/bin/env bash
# Sets everything up and runs the main job on the sample data, into the folder demo.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh

mkdir -p demo
run() { printf '\n$ cnnc %s\n' "$*"; node bin/cnnc.js "$@"; }
run inspect data-samples/expression.h5ad
run build-histograms data-samples/expression.h5ad --pairs data-samples/pairs.tsv -o demo/histograms.h5
# The strongest activation and the strongest repression of the true network.
read -r activator activated < <(sort -t "$(printf '\t')" -k3,3gr data-samples/network.tsv | awk 'NR == 1 { print $1, $2 }')
read -r repressor repressed < <(grep -v strength data-samples/network.tsv | sort -t "$(printf '\t')" -k3,3g | awk 'NR == 1 { print $1, $2 }')
run show-pair data-samples/expression.h5ad "$activator" "$activated" -o demo/activation.png
run show-pair data-samples/expression.h5ad "$repressor" "$repressed" -o demo/repression.png
printf '\nLook at demo/activation.png and demo/repression.png; the histograms are in demo/histograms.h5.\n'

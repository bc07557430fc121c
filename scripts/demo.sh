#!/usr/bin/env bash
# Sets everything up and goes all the way on the sample data, into the folder demo.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh

rm -rf demo && mkdir demo
run() { printf '\n$ cnnc %s\n' "$*"; node bin/cnnc.js "$@"; }
data=data-samples/expression.h5ad
run inspect $data
run build-histograms $data --pairs data-samples/pairs.tsv -o demo/histograms.h5

# Learn from the regulators of four folds, and predict the targets of those of the fifth.
run train $data --labels data-samples/pairs.tsv --fold-column fold --test-fold 0 -o demo/model
awk '$4 == 0 && !seen[$1]++ { print $1 }' data-samples/pairs.tsv > demo/new-regulators.txt
run predict-pairs $data --model demo/model --regulators demo/new-regulators.txt -o demo/ranked.tsv
printf '\n$ head -5 demo/ranked.tsv\n' && head -5 demo/ranked.tsv
run evaluate demo/ranked.tsv --truth data-samples/network.tsv

# Why the best pair is the best.
read -r regulator target < <(awk -F '\t' 'NR == 2 { print $1, $2 }' demo/ranked.tsv)
run explain $data "$regulator" "$target" --model demo/model -o demo/why.png

# The strongest activation and the strongest repression of the true network.
read -r activator activated < <(sort -t "$(printf '\t')" -k3,3gr data-samples/network.tsv | awk 'NR == 1 { print $1, $2 }')
read -r repressor repressed < <(grep -v strength data-samples/network.tsv | sort -t "$(printf '\t')" -k3,3g | awk 'NR == 1 { print $1, $2 }')
run show-pair $data "$activator" "$activated" -o demo/activation.png
run show-pair $data "$repressor" "$repressed" -o demo/repression.png
cat <<'END'

In the folder demo:
  ranked.tsv                 genes that regulators may act on which the training never saw, best first
  model/learning-curve.png   how the training went
  why.png                    what makes the best pair the best
  activation.png, repression.png, histograms.h5

To compare methods on these data, with a report (about three minutes):
  node bin/cnnc.js benchmark data-samples/expression.h5ad --labels data-samples/pairs.tsv -o report
END

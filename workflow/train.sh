#!/usr/bin/env bash
# Trains. A training that was stopped has left a checkpoint: goes on from there, unless it is of other data or options
# than those of now, or damaged.
#
#   bash train.sh CHECKPOINT LOG cnnc train ...
set -euo pipefail
checkpoint=$1 log=$2
shift 2

[ -e "$checkpoint" ] || exec "$@" 2>"$log"
"$@" --resume 2>"$log" && exit
code=$?
grep -q -e "belongs to a training with other data or settings" -e "is not a whole checkpoint" "$log" || exit $code
rm -f "$checkpoint"
echo "train.sh: that checkpoint is removed, and the training starts anew." >>"$log"
exec "$@" 2>>"$log"

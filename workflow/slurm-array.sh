#!/usr/bin/env bash
#SBATCH --job-name=cnnc
#SBATCH --output=cnnc-%A_%a.txt
#SBATCH --open-mode=append
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
# Ranks gene pairs on Slurm, without Snakemake: a job array with one job per shard, and a job that merges them.
#
#   bash workflow/slurm-array.sh SHARDS RANKED DATA [options of cnnc predict-pairs]
#   bash workflow/slurm-array.sh 16 ranked.tsv data.cnnc.h5 --model model --regulators tfs.txt
#
# DATA is best made by `cnnc prepare --values` before. What a job may use: the lines above, or SBATCH_PARTITION,
# SBATCH_ACCOUNT, SBATCH_TIMELIMIT, ... in the environment. The shards are in the folder RANKED.shards. A job that
# is killed, or at the end of its time, is put into the queue again (3 times) and goes on where it was; the same
# command, repeated, does what is still missing.
set -euo pipefail

MOST_RESTARTS=3

main() {
  case ${CNNC_STEP:-submit} in
    submit) submit "$@" ;;
    shard) score_shard "$@" ;;
    merge) merge "$@" ;;
  esac
}

# Slurm runs a copy of this script, so that cnnc's place must be told.
submit() {
  [ $# -ge 4 ] || { echo "usage: slurm-array.sh SHARDS RANKED DATA [options of cnnc predict-pairs]" >&2; exit 2; }
  [[ $1 =~ ^[1-9][0-9]*$ ]] || { echo "slurm-array.sh: SHARDS must be a whole number, and is $1" >&2; exit 2; }
  local script array
  script=$(readlink -f "${BASH_SOURCE[0]}")
  export CNNC=${CNNC:-$(dirname "$(dirname "$script")")/bin/cnnc.js}
  mkdir -p "$2.shards"
  array=$(CNNC_STEP=shard sbatch --parsable --array="1-$1" "$script" "$@")
  CNNC_STEP=merge sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes \
    --output="cnnc-${array%%;*}_merge.txt" --cpus-per-task=1 "$script" "$@" >"$2.shards/merge.job"
  echo "submitted ${array%%;*}: $1 shards, then job $(<"$2.shards/merge.job") writes $2"
}

# In the background, because a shell takes signals only between commands.
score_shard() {
  local shards=$1 ranked=$2 code=0
  shift 2
  "$CNNC" predict-pairs "$@" --shard "$SLURM_ARRAY_TASK_ID/$shards" \
    -o "$ranked.shards/$SLURM_ARRAY_TASK_ID-of-$shards.cnnc" &
  trap 'kill -TERM $! 2>/dev/null || true; time_is_over=yes' USR1
  wait $! || code=$?
  # A trap ends the first wait; cnnc then has a minute to end, and may be done by then.
  if [ -n "${time_is_over:-}" ]; then
    code=0
    wait $! || code=$?
    [ "$code" -eq 0 ] || requeue
  elif [ "$code" -gt 130 ]; then
    requeue
  fi
  exit "$code"
}

# The requeued job has the same number, so that the merge goes on waiting for it.
requeue() {
  [ "${SLURM_RESTART_COUNT:-0}" -lt $MOST_RESTARTS ] || return 0
  echo "slurm-array.sh: once more"
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  sleep 60
}

merge() {
  local shards=$1 ranked=$2 files=() i
  for ((i = 1; i <= shards; i++)); do files+=("$ranked.shards/$i-of-$shards.cnnc"); done
  exec "$CNNC" merge "${files[@]}" -o "$ranked"
}

main "$@"

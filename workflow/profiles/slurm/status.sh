#!/usr/bin/env bash
# Tells Snakemake how a Slurm job is: running, success or failed. Asks scontrol, which knows a job for some minutes
# after its end, and then the accounting, where there is one. If there is nobody to ask, it fails, and Snakemake ends.
job=$1

# A controller that is busy or being restarted may be silent for so long.
PATIENCE_SECONDS=${CNNC_SLURM_PATIENCE:-1800}
silent_since=.slurm-logs/silent-since

command -v scontrol >/dev/null || {
  echo "status.sh: there is no scontrol here to ask how job $job is: start Snakemake where Slurm's commands are." >&2
  exit 1
}

state() {
  local answer
  if answer=$(scontrol --oneliner show job "$job" 2>&1); then
    sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p' <<<"$answer" | head -1
  elif [[ $answer == *"Invalid job id"* ]]; then
    answer=$(sacct --noheader --parsable2 --allocations --format=State --jobs="$job" 2>/dev/null | head -1)
    echo "${answer:-UNKNOWN}"
  else
    echo "SILENT $answer"
  fi
}

# Running, as far as is known, unless that has been so for too long.
silent() {
  local now
  now=$(date +%s)
  mkdir -p "${silent_since%/*}"
  [ -s "$silent_since" ] || echo "$now" >"$silent_since"
  if [ $((now - $(<"$silent_since"))) -gt "$PATIENCE_SECONDS" ]; then
    rm -f "$silent_since"
    echo "status.sh: Slurm has not answered for $((PATIENCE_SECONDS / 60)) minutes: $1" >&2
    exit 1
  fi
  echo running
}

found=$(state)
[[ $found == SILENT* ]] || rm -f "$silent_since"
case $found in
  COMPLETED) echo success ;;
  PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | STOPPED | SIGNALING | STAGE_OUT | RESIZING | REQUEUE*) echo running ;;
  SILENT*) silent "${found#SILENT }" ;;
  *) echo failed ;;
esac

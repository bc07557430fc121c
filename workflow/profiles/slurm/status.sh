#!/usr/bin/env bash
# Tells Snakemake how a Slurm job is: running, success or failed. Asks scontrol, which knows a job for some minutes
# after its end, and then the accounting, where there is one.
job=$1

state() {
  local answer
  if answer=$(scontrol --oneliner show job "$job" 2>&1); then
    sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p' <<<"$answer" | head -1
  elif [[ $answer == *"Invalid job id"* ]]; then
    answer=$(sacct --noheader --parsable2 --allocations --format=State --jobs="$job" 2>/dev/null | head -1)
    echo "${answer:-UNKNOWN}"
  else
    echo UNREACHABLE
  fi
}

case $(state) in
  COMPLETED) echo success ;;
  PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | STOPPED | SIGNALING | STAGE_OUT | RESIZING | REQUEUE*) echo running ;;
  # The controller is busy or being restarted: ask again.
  UNREACHABLE) echo running ;;
  *) echo failed ;;
esac

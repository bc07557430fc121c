#!/usr/bin/env bash
# A Slurm cluster on this machine alone: munge, a controller and two nodes on 127.0.0.1, as the current user, with
# everything they write in one folder. For tests, and to try things out:
#
#   bash test/workflow/slurm-on-loopback.sh FOLDER
#
# prints "ready" when the nodes take jobs, and stops all of it when its standard input ends (Ctrl-D) or on SIGINT and
# SIGTERM. Meanwhile, in another shell: export SLURM_CONF=FOLDER/slurm.conf; sinfo; sbatch ...
#
# Needs Debian's slurmctld, slurmd, slurm-client and munge. FOLDER must be new, of a short path (munge's socket is in
# it; 100 characters at most), and in a folder that others cannot write to or that is sticky, as /tmp is.
set -euo pipefail

NODES="node1 node2"
CPUS=4
MEMORY_MB=4000
PATH=$PATH:/usr/sbin:/sbin

[ $# = 1 ] || { echo "usage: slurm-on-loopback.sh FOLDER" >&2; exit 2; }
mkdir "$1"
folder=$(cd "$1" && pwd -P)
chmod 755 "$folder"
export SLURM_CONF=$folder/slurm.conf
user=$(id -un)
host=$(hostname -s)
daemons=()

main() {
  trap stop EXIT
  trap 'exit 0' INT TERM
  start_munge
  write_configuration
  pretend_gpus
  start slurmctld -D -c
  for node in $NODES; do
    start slurmd -D -c -N "$node"
  done
  wait_until nodes_are_idle "the nodes are not idle: $(sinfo 2>&1)"
  echo ready
  exec 3<&0
  cat <&3 >/dev/null &
  wait $!
}

# The daemons stay in the foreground, so that they are children of this script.
start() {
  "$@" </dev/null >"$folder/${1##*/}-$#-${!#}.out" 2>&1 &
  daemons=($! "${daemons[@]}")
}

start_munge() {
  (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
  start munged --foreground --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" --num-threads=2
  wait_until munge_answers "munged does not start"
}

# cred_expire is also how long a requeued job waits; the default is two minutes.
write_configuration() {
  mkdir "$folder/state"
  cat >"$SLURM_CONF" <<END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n.spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=10
SlurmdTimeout=10
$(for node in $NODES; do
  echo "NodeName=$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=$CPUS RealMemory=$MEMORY_MB \
Gres=gpu:2"
done)
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
}

# Nothing that jobs could compute with, but they can ask for it.
pretend_gpus() {
  echo "NodeName=node[1-2] Name=gpu File=/dev/zero,/dev/null" >"$folder/gres.conf"
}

# Below the ports that the system gives to clients.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

munge_answers() { munge -n -S "$folder/munge.socket" >/dev/null 2>&1; }

nodes_are_idle() { [ "$(sinfo --noheader --Node --format=%T 2>/dev/null | sort | uniq -c | xargs)" = "2 idle" ]; }

wait_until() {
  for _ in $(seq 150); do
    ! "$1" || return 0
    sleep 0.2
  done
  echo "slurm-on-loopback.sh: $2; see the logs in $folder" >&2
  exit 1
}

# Jobs first: what runs them does not end with its node.
stop() {
  trap '' INT TERM
  scancel --user="$user" 2>/dev/null || true
  for _ in $(seq 100); do
    [ -n "$(squeue --noheader 2>/dev/null)" ] || break
    sleep 0.2
  done
  kill "${daemons[@]}" 2>/dev/null || true
  wait "${daemons[@]}" 2>/dev/null || true
  kill_leftovers
}

# Everything that a job starts has the name of our configuration in its environment, and so has what started it.
kill_leftovers() {
  local process
  for process in /proc/[0-9]*; do
    ! is_leftover "$process" 2>/dev/null || kill -KILL "${process#/proc/}" 2>/dev/null || true
  done
}

is_leftover() {
  local environment
  environment=$(tr '\0' '\n' <"$1/environ") && grep -qxF "SLURM_CONF=$SLURM_CONF" <<<"$environment" || return 1
  [ "$(cat "$1/comm")" = slurmstepd ] || grep -q ^SLURM_JOB_ID= <<<"$environment"
}

main

#!/usr/bin/env bash
# Installs Snakemake and Slurm from apt where they are missing (with root's or sudo's rights), and tests the workflow
# with them. The tests need no rights: they start a Slurm of their own, and stop it.
set -euo pipefail
cd "$(dirname "$0")/.."

has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

packages=()
has snakemake || packages+=(snakemake)
has slurmctld && has slurmd && has sbatch && has munged || packages+=(slurmctld slurmd slurm-client munge)
if [ ${#packages[@]} -gt 0 ]; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}" >/dev/null
fi
npm run --silent build:ts
npx --no-install vitest run test/workflow

#!/usr/bin/env bash
# What goes wrong in an installation of real processes, moment by moment: prints step, fault, the oracle's verdict, seconds and outcome of each cell, and the count.
# tests/faults/run.sh [--no-build] [--representative] [--controls] [--jobs N] [--minutes N] [--only TEXT]... [--list]
set -euo pipefail
cd "$(dirname "$0")/../.."
. compat/packages.sh

build=true
if [ "${1:-}" = --no-build ]; then build=false; shift; fi
install_packages "${dotnet_packages[@]}" openssh-server openssh-client rsync python3-libvhdi nats-server procps
command -v node >/dev/null && command -v npm >/dev/null || install_packages nodejs npm
if $build; then
  dotnet build -c Release --nologo -v quiet tests/faults
  (cd compat/mongodb && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
fi
# A hundred processes live for minutes: what the runtime would learn about them to make them fast for hours costs more than it brings.
export DOTNET_TieredPGO=0 DOTNET_TC_CallCountingDelayMs=1000
# The hosts' disks are file systems of their own, which can be filled: it takes root to mount them, and they go with the process. Below a chroot the root is no mount, whose
# propagation cannot be changed; there they go when they are unmounted.
exec unshare --mount --propagation unchanged -- sh -c 'mount --make-rprivate / 2>/dev/null; exec "$@"' sh artifacts/bin/NovaShim.Faults/release/novashim-faults "$@"

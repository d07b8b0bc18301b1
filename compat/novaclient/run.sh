#!/usr/bin/env bash
# Debian's python-novaclient against a shim of compat/serve.sh: its commands, and what they print.
#
# compat/novaclient/run.sh [--driver fake|xenserver] [--store embedded|mongodb] [--no-build]
#
# A line per check and their count at the end. Exit status 0: all hold.
set -euo pipefail
cd "$(dirname "$0")/../.."
. compat/packages.sh
. compat/processes.sh
. compat/clients/serving.sh
install_packages python3-novaclient python3-swiftclient openssh-client jq
serve_for_client novaclient "$@"
PYTHONPATH=compat/clients PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -W ignore compat/novaclient/commands.py "$work/ready.json"

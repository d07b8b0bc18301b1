#!/usr/bin/env bash
# Apache Libcloud, a client that has spoken v1.1 since 2011, against a shim of compat/serve.sh: each of its OpenStack drivers, with each login that goes with it.
#
# compat/libcloud/run.sh [--driver fake|xenserver] [--store embedded|mongodb] [--no-build]
#
# A line per check and their count at the end. Exit status 0: all hold.
set -euo pipefail
cd "$(dirname "$0")/../.."
. compat/packages.sh
. compat/processes.sh
. compat/clients/serving.sh
install_packages python3-libcloud jq
serve_for_client libcloud "$@"
PYTHONPATH=compat/clients PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -W ignore compat/libcloud/drivers.py "$work/ready.json"

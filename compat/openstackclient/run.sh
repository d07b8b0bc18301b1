#!/usr/bin/env bash
# Debian's python-openstackclient and openstacksdk against a shim of compat/serve.sh: commands and what they print, and scripts of the SDK.
#
# compat/openstackclient/run.sh [--driver fake|xenserver] [--store embedded|mongodb] [--no-build]
#
# A line per check and their count at the end. Exit status 0: all hold.
set -euo pipefail
cd "$(dirname "$0")/../.."
. compat/packages.sh
. compat/processes.sh
. compat/clients/serving.sh
install_packages python3-openstackclient python3-openstacksdk openssh-client jq
serve_for_client openstackclient "$@"
PYTHONPATH=compat/clients PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -W ignore compat/openstackclient/commands.py "$work/ready.json"

#!/usr/bin/env bash
# What no client of today tests any more: v1.1 as the clients of 2011 used it, in JSON and in XML, against a shim of compat/serve.sh, and its rate limits against a second one.
#
# compat/v11/run.sh [--driver fake|xenserver] [--store embedded|mongodb] [--no-build] [TEST...]
#
# TEST names modules, classes or tests in unittest's way (test_walls.Walls). Exit status 0: all of them held. The last line counts them.
set -euo pipefail
usage() { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
serve_options=() build=true tests=()
while [ $# -gt 0 ]; do
  case $1 in
    --driver | --store) [ $# -ge 2 ] || usage; serve_options+=("$1" "$2"); shift 2 ;;
    --no-build) build=false; shift ;;
    -*) usage ;;
    *) tests+=("$1"); shift ;;
  esac
done
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
. compat/packages.sh
. compat/processes.sh
install_packages python3
if $build; then
  for project in src/NovaShim plugins/Fake/Fake.csproj plugins/XenServer/XenServer.csproj compat/xenserver-simulator; do dotnet build -c Release --nologo -v quiet "$project"; done
fi

work=$(mktemp -d)
finish() {
  local status=$?
  end_started
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "Logs are in $work" >&2; fi
}
trap finish EXIT

start "$work/serve.log" compat/serve.sh --no-build --ready "$work/ready.json" "${serve_options[@]}"
main_pid=$started_pid
# Limits per user and minute would stop every other test.
start "$work/limited.log" compat/serve.sh --no-build --ready "$work/limited.json" "${serve_options[@]}" --set rate_limits:enabled=true
await_file "$work/limited.json" "$started_pid" "$work/limited.log"
await_file "$work/ready.json" "$main_pid" "$work/serve.log"
V11_CLOUD=$work/ready.json V11_LIMITED_CLOUD=$work/limited.json PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/suite.py" ${tests[@]+"${tests[@]}"}

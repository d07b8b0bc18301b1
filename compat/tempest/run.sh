#!/usr/bin/env bash
# The real Tempest against /v2.1 of a shim of compat/serve.sh, with the accounts that the shim has.
#
# compat/tempest/run.sh [--include FILE] [--results FILE] [--driver fake|xenserver] [--store embedded|mongodb] [--no-build]
#
# FILE of --include names tests, one a line, without what Tempest puts in brackets behind them; lines with # are comments. Without it: include.txt beside this script. --results writes a
# line per test, its outcome and its name. Exit status 0: every named test was found, and passed.
set -euo pipefail
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
include=$here/include.txt results='' serve_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --include | --results) [ $# -ge 2 ] || usage; declare "${1#--}=$(realpath -m "$2")"; shift 2 ;;
    --driver | --store) [ $# -ge 2 ] || usage; serve_options+=("$1" "$2"); shift 2 ;;
    --no-build) serve_options+=("$1"); shift ;;
    *) usage ;;
  esac
done
[ -r "$include" ] || { echo "No list of tests: $include" >&2; exit 2; }
cd "$here/../.."
. compat/packages.sh
. compat/processes.sh
install_packages tempest python3-tempest python3-stestr jq

work=$(mktemp -d)
finish() {
  local status=$?
  end_started
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "Logs are in $work" >&2; fi
}
trap finish EXIT
sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$include" | sort -u >"$work/wanted"
[ -s "$work/wanted" ] || { echo "$include names no test." >&2; exit 2; }

if [[ " ${serve_options[*]} " != *" --no-build "* ]]; then
  # A build takes longer than a start may: it is done before the wait for the start begins.
  for project in src/NovaShim plugins/Fake/Fake.csproj plugins/XenServer/XenServer.csproj compat/xenserver-simulator; do dotnet build -c Release --nologo -v quiet "$project"; done
  serve_options+=(--no-build)
fi
start "$work/serve.log" compat/serve.sh --ready "$work/ready.json" "${serve_options[@]}"
await_file "$work/ready.json" "$started_pid" "$work/serve.log"

of() { jq -r "$1" "$work/ready.json"; }
jq '[.users[] | {username: .name, project_name: .project, password, domain_name: .domain} + (if .admin then {types: ["admin"]} else {} end)]' "$work/ready.json" >"$work/accounts.yaml"
sed -e "s|@WORK@|$work|; s|@IDENTITY@|$(of .identity_url)|; s|@IMAGE@|$(of '.images[0].id')|; s|@IMAGE_ALT@|$(of '.images[1].id')|" \
  -e "s|@FLAVOR@|$(of '.flavors[0].id')|; s|@FLAVOR_ALT@|$(of '.flavors[1].id')|" "$here/tempest.conf.in" >"$work/tempest.conf"
tempest_code=$(/usr/bin/python3 -c 'import os, tempest; print(os.path.dirname(tempest.__file__))')
printf '[DEFAULT]\ntest_path=%s/test_discover\ntop_dir=%s\n' "$tempest_code" "$(dirname "$tempest_code")" >"$work/.stestr.conf"
sed 's/[.]/\\./g; s/^/^/; s/$/(\\[|$)/' "$work/wanted" >"$work/patterns"

export TEMPEST_CONFIG_DIR=$work TEMPEST_CONFIG=tempest.conf PYTHON=/usr/bin/python3
stestr() { (cd "$work" && /usr/bin/python3 -m stestr.cli "$@" 2>&1); }
# One worker: each takes two users and an administrator, and of those there is one. Its exit status says less than what is read from the results below.
stestr run --serial --include-list "$work/patterns" >"$work/run.log" || true
(cd "$work" && /usr/bin/python3 -m stestr.cli last --subunit) >"$work/subunit" || { tail -n 20 "$work/run.log" >&2; exit 1; }
/usr/bin/python3 "$here/outcomes.py" "$work/wanted" <"$work/subunit" >"$work/outcomes"
if [ -n "$results" ]; then cp "$work/outcomes" "$results"; fi
grep -v '^passed ' "$work/outcomes" || true
count() { grep -c "^$1 " "$work/outcomes" || true; }
echo "Tempest: $(count passed) passed, $(count failed) failed, $(count skipped) skipped, $(count missing) not run, of $(wc -l <"$work/wanted") named."
[ "$(count passed)" -eq "$(wc -l <"$work/wanted")" ]

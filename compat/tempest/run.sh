#!/usr/bin/env bash
# The real Tempest against /v2.1 of a shim of compat/serve.sh.
#
# compat/tempest/run.sh [--include FILE] [--accounts provisioned|dynamic] [--results FILE] [--driver fake|xenserver] [--store embedded|mongodb] [--no-build]
#
# FILE of --include names tests, one a line, without what Tempest puts in brackets behind them; lines with # are comments. They run with the accounts that the shim has, or with such as Tempest makes itself
# over the shim's Identity API, which a few tests insist on. Without --include: include.txt beside this script with the first, and include-dynamic.txt with the second.
# --results writes a line per test, its outcome and its name. The last line counts: a test that was skipped or not run has failed. Exit status 0: every named test was found, and passed.
set -euo pipefail
usage() { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
include='' accounts=provisioned results='' serve_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --include | --results) [ $# -ge 2 ] || usage; declare "${1#--}=$(realpath -m "$2")"; shift 2 ;;
    --accounts) [ $# -ge 2 ] || usage; accounts=$2; shift 2 ;;
    --driver | --store) [ $# -ge 2 ] || usage; serve_options+=("$1" "$2"); shift 2 ;;
    --no-build) serve_options+=("$1"); shift ;;
    *) usage ;;
  esac
done
case $accounts in provisioned | dynamic) ;; *) usage ;; esac
if [ -n "$include" ]; then runs=("$accounts $include"); else runs=("provisioned $here/include.txt" "dynamic $here/include-dynamic.txt"); fi
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
for run in "${runs[@]}"; do
  [ -r "${run#* }" ] || { echo "No list of tests: ${run#* }" >&2; exit 2; }
  sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "${run#* }" | sort -u >"$work/wanted.${run%% *}"
  [ -s "$work/wanted.${run%% *}" ] || { echo "${run#* } names no test." >&2; exit 2; }
done

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
  -e "s|@FLAVOR@|$(of '.flavors[0].id')|; s|@FLAVOR_ALT@|$(of '.flavors[1].id')|" "$here/tempest.conf.in" >"$work/filled"
of_admin() { of "first(.users[] | select(.admin)).$1"; }
sed "s|@ACCOUNTS@|use_dynamic_credentials = false\ntest_accounts_file = $work/accounts.yaml|" "$work/filled" >"$work/provisioned.conf"
sed "s|@ACCOUNTS@|use_dynamic_credentials = true\nadmin_username = $(of_admin name)\nadmin_password = $(of_admin password)\nadmin_project_name = $(of_admin project)\nadmin_domain_name = $(of_admin domain)|" \
  "$work/filled" >"$work/dynamic.conf"
tempest_code=$(/usr/bin/python3 -c 'import os, tempest; print(os.path.dirname(tempest.__file__))')
printf '[DEFAULT]\ntest_path=%s/test_discover\ntop_dir=%s\n' "$tempest_code" "$(dirname "$tempest_code")" >"$work/.stestr.conf"

export TEMPEST_CONFIG_DIR=$work PYTHON=/usr/bin/python3
stestr() { (cd "$work" && /usr/bin/python3 -m stestr.cli "$@"); }
for run in "${runs[@]}"; do
  accounts=${run%% *}
  export TEMPEST_CONFIG=$accounts.conf
  sed 's/[.]/\\./g; s/^/^/; s/$/(\\[|$)/' "$work/wanted.$accounts" >"$work/patterns"
  # One worker: each takes two users and an administrator, and of those there is one. Its exit status says less than what is read from the results below.
  stestr run --serial --include-list "$work/patterns" >"$work/$accounts.log" 2>&1 || true
  stestr last --subunit >"$work/subunit" || { tail -n 20 "$work/$accounts.log" >&2; exit 1; }
  /usr/bin/python3 "$here/outcomes.py" "$work/wanted.$accounts" <"$work/subunit" >>"$work/outcomes"
done
if [ -n "$results" ]; then cp "$work/outcomes" "$results"; fi
grep -v '^passed ' "$work/outcomes" || true
count() { grep -c "^$1 " "$work/outcomes" || true; }
named=$(wc -l <"$work/outcomes")
passed=$(count passed)
echo "Tempest: $(count failed) failed, $(count skipped) skipped, $(count missing) not run, of $named named."
echo "$passed passed, $((named - passed)) failed"
[ "$passed" -eq "$named" ]

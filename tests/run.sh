#!/usr/bin/env bash
# Runs all tests: installs what they need, builds, runs every suite, prints a line for each and the sum at the end.
# tests/run.sh [SUITE...]: only these (a test project's name without NovaShim. and .Tests, or faults, demo, demo-distributed, novaclient, openstackclient, libcloud, v11, keystone, glance, tempest).
set -uo pipefail
cd "$(dirname "$0")/.."
. compat/packages.sh

install_packages "${dotnet_packages[@]}" openssh-server openssh-client rsync python3-novaclient python3-swiftclient python3-openstackclient python3-openstacksdk python3-libvhdi python3-lxml libvhdi-utils qemu-utils 7zip genisoimage libarchive-tools nats-server \
  jq curl procps || exit 1
command -v node >/dev/null && command -v npm >/dev/null || install_packages nodejs npm || exit 1

# Nobody attaches a debugger, and a program that is killed would leave its sockets for one behind.
export DOTNET_EnableDiagnostics=0
logs=$(mktemp -d)

# count SUITE PASSED FAILED SECONDS: one line, and into the sum.
count() {
  printf '%-28s %5d passed %4d failed  %4d s\n' "$1" "$2" "$3" "$4"
  echo "$2 $3" >>"$logs/counts"
}

run_project() {
  local project=$1 name log status began=$SECONDS p f
  name=$(basename "$project" .csproj)
  log=$logs/$name.log
  # What the fuzz test has sent, and of which seed, is said in the output of a test that passes.
  local says=()
  [ "$name" = NovaShim.Fuzz.Tests ] && says=(--logger "console;verbosity=detailed")
  dotnet test -c Release --no-build --nologo "${says[@]}" "$project" >"$log" 2>&1
  status=$?
  p=$(grep -oE 'Passed: +[0-9]+' "$log" | grep -oE '[0-9]+' | tail -1)
  f=$(grep -oE 'Failed: +[0-9]+' "$log" | grep -oE '[0-9]+' | tail -1)
  # A suite that ran nothing, or ended badly without naming a failed test, has failed.
  if [ -z "$p" ] || { [ $status -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then f=$((${f:-0} + 1)); fi
  count "$name" "${p:-0}" "${f:-0}" $((SECONDS - began))
  sed -n 's/^ *\(NOVASHIM_FUZZ_SEED=.*\)/  \1/p' "$log" | sort -u
  if [ "${f:-0}" -ne 0 ]; then grep -E '^\s+(Failed |Error Message|Assert|Expected|Actual|System\.|Xunit|at NovaShim)|error|Stack' "$log" | head -60; fi
}

run_script() {
  local name=$1 log=$logs/$1.log began=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    count "$name" 1 0 $((SECONDS - began))
  else
    count "$name" 0 1 $((SECONDS - began))
    tail -n 60 "$log"
  fi
}

# run_faults: each cell of the representative part counts.
run_faults() {
  local log=$logs/faults.log began=$SECONDS status p f
  tests/faults/run.sh --no-build --representative >"$log" 2>"$logs/faults.errors.log"
  status=$?
  p=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$log")
  f=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$log")
  # A run that ended before its count, or badly without a failed cell, has failed.
  if [ -z "$p" ] || { [ $status -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then f=$((${f:-0} + 1)); fi
  count faults "${p:-0}" "${f:-0}" $((SECONDS - began))
  if [ "${f:-0}" -ne 0 ]; then cat "$log"; tail -n 40 "$logs/faults.errors.log"; fi
}

# run_counting SUITE COMMAND...: the command's last line but for logs says "N passed, M failed".
run_counting() {
  local name=$1 log=$logs/$1.log began=$SECONDS status p f
  shift
  "$@" >"$log" 2>&1
  status=$?
  p=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$log" | tail -1)
  f=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$log" | tail -1)
  if [ -z "$p" ] || { [ $status -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then f=$((${f:-0} + 1)); fi
  count "$name" "${p:-0}" "${f:-0}" $((SECONDS - began))
  if [ "${f:-0}" -ne 0 ]; then tail -n 80 "$log"; fi
}

# run_clients SUITE...: those of the clients' suites that are wanted, Tempest beside all others, as it takes as long as they. An interrupted run ends both.
run_clients() {
  local suite lanes
  set -m
  if wanted tempest "$@"; then run_counting tempest compat/tempest/run.sh --no-build; fi &
  lanes=($!)
  for suite in novaclient openstackclient libcloud v11 keystone glance; do
    if wanted "$suite" "$@"; then run_counting "$suite" "compat/$suite/run.sh" --no-build; fi
  done &
  lanes+=($!)
  set +m
  trap 'for lane in "${lanes[@]}"; do kill -TERM -- "-$lane"; done; wait; exit 130' INT TERM
  wait "${lanes[@]}"
  trap - INT TERM
}

wanted() {
  [ $# -eq 1 ] && return 0
  local suite=$1 name
  shift
  for name in "$@"; do [ "$name" = "$suite" ] && return 0; done
  return 1
}

echo "Building"
if ! dotnet build -c Release --nologo -v quiet NovaShim.sln >"$logs/build.log" 2>&1; then
  grep -E 'error' "$logs/build.log" | sort -u | head -40
  count build 0 1 "$SECONDS"
else
  (cd compat/mongodb && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || count "npm ci" 0 1 0
  for project in tests/*.Tests/*.csproj; do
    suite=$(basename "$project" .Tests.csproj)
    if wanted "${suite#NovaShim.}" "$@"; then run_project "$project"; fi
  done
  if wanted faults "$@"; then run_faults; fi
  if wanted demo "$@"; then run_script demo compat/demo.sh --no-build; fi
  if wanted demo-distributed "$@"; then run_script demo-distributed compat/demo.sh --no-build --distributed; fi
  run_clients "$@"
fi

read -r passed failed < <(awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }' "$logs/counts")
echo "Logs are in $logs"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

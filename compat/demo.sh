#!/usr/bin/env bash
# The main job, end to end: the real nova command resizes a running server between two simulated XenServers — once confirmed, once reverted — and every byte of it is accounted for afterwards.
#
# compat/demo.sh                 one process, embedded bus and store
# compat/demo.sh --distributed   API, scheduler and one compute process per host, over nats-server and a MongoDB-protocol server
# compat/demo.sh --no-build      with the programs as they were built last
set -euo pipefail
cd "$(dirname "$0")/.."
. compat/packages.sh
. compat/processes.sh

distributed=false
build=true
for argument in "$@"; do
  case $argument in
    --distributed) distributed=true ;;
    --no-build) build=false ;;
    *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { printf '\nFAILED: %s\n' "$*" >&2; exit 1; }

say "What it takes"
packages=("${dotnet_packages[@]}" openssh-server openssh-client rsync python3-novaclient python3-libvhdi jq curl procps)
if $distributed; then packages+=(nats-server); fi
install_packages "${packages[@]}"
if $distributed; then command -v node >/dev/null && command -v npm >/dev/null || install_packages nodejs npm; fi
if $build; then
  for project in src/NovaShim plugins/XenServer/XenServer.csproj compat/xenserver-simulator; do dotnet build -c Release --nologo -v quiet "$project"; done
fi
simulator=artifacts/bin/NovaShim.XenServerSimulator/release/xenserver-simulator
novashim=artifacts/bin/NovaShim/release/novashim
began=$SECONDS
work=$(mktemp -d)
finish() {
  local status=$?
  end_started
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "Logs and disks are in $work" >&2; fi
}
trap finish EXIT

say "Two XenServers, each with its own storage, dom0, sshd and network"
"$simulator" image --size 268435456 --content 134217728 --out "$work/image.vhd"
for host in xen1 xen2; do
  start "$work/$host.log" "$simulator" --name $host --root "$work/$host" --guest-write-rate 262144 --coalesce-delay 5 --ready "$work/$host.json"
  await_file "$work/$host.json" "$started_pid" "$work/$host.log"
  jq -c '{name, url, sr_path, ssh_host, ssh_port}' "$work/$host.json"
  # A network at which one can watch: 25 MB/s.
  "$simulator" network --root "$work/$host" slow 25000000
done

say "NovaShim"
user=demo admin=operator
# config HOST...: the settings of a process that drives these hosts.
config() {
  local hosts=() host
  for host in "$@"; do hosts+=("$work/$host.json"); done
  jq -n --arg data "$work/data" --arg image "$work/image.vhd" --arg user $user --arg admin $admin --slurpfile hosts <(cat "${hosts[@]}" /dev/null) '{
    data: $data, api: {urls: "http://127.0.0.1:0"},
    identity: {users: [{name: $user, password: "secret", project: "demo"}, {name: $admin, password: "secret", project: "operators", admin: true}]},
    images: [{id: "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10", name: "journal", path: $image, disk_format: "vhd"}],
    hosts: [$hosts[] | {name: .name, driver: "xenserver", settings: del(.name, .pid)}]
  }'
}
shim_ready=$work/novashim.json
if $distributed; then
  (cd compat/mongodb && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  mkdir "$work/mongodb"
  start "$work/mongodb.log" node compat/mongodb/server.mjs --port 0 --data "$work/mongodb" --ready "$work/mongodb.json"
  await_file "$work/mongodb.json" "$started_pid" "$work/mongodb.log"
  mkdir "$work/nats"
  start "$work/nats.log" "$(command -v nats-server || echo /usr/sbin/nats-server)" --addr 127.0.0.1 --port -1 --ports_file_dir "$work/nats"
  nats_pid=$started_pid
  await_file "$work/nats/nats-server_$nats_pid.ports" "$nats_pid" "$work/nats.log"
  shared=(--set "store:mongodb=$(jq -r .uri "$work/mongodb.json")" --set "bus:url=$(jq -r '.nats[0]' "$work/nats/nats-server_$nats_pid.ports")")
  config >"$work/control.json"
  start "$work/api.log" "$novashim" serve --role api --config "$work/control.json" "${shared[@]}" --ready "$shim_ready"
  await_file "$shim_ready" "$started_pid" "$work/api.log"
  start "$work/scheduler.log" "$novashim" serve --role scheduler --config "$work/control.json" "${shared[@]}" --ready "$work/scheduler.json"
  await_file "$work/scheduler.json" "$started_pid" "$work/scheduler.log"
  for host in xen1 xen2; do
    config $host >"$work/compute-$host.conf.json"
    start "$work/compute-$host.log" "$novashim" serve --role compute --config "$work/compute-$host.conf.json" "${shared[@]}" --ready "$work/compute-$host.json"
    await_file "$work/compute-$host.json" "$started_pid" "$work/compute-$host.log"
  done
else
  config xen1 xen2 >"$work/novashim.conf.json"
  start "$work/novashim.log" "$novashim" serve --config "$work/novashim.conf.json" --ready "$shim_ready"
  await_file "$shim_ready" "$started_pid" "$work/novashim.log"
fi
jq -c . "$shim_ready"
api=$(jq -r .api_url "$shim_ready")

# as USER COMMAND...: with that user's environment.
as() {
  local who=$1 project=demo
  shift
  [ "$who" = $admin ] && project=operators
  env OS_AUTH_URL="$api/identity/v3" OS_USERNAME="$who" OS_PASSWORD=secret OS_PROJECT_NAME=$project OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_IDENTITY_API_VERSION=3 "$@"
}
# nova_as USER ARGUMENTS...: prints the command and runs it.
nova_as() {
  printf '\n\033[1m$ nova %s\033[0m\n' "${*:2}"
  as "$1" nova "${@:2}" 2>&1 | sed '/nova CLI is deprecated/d'
}
# show FIELD: of the server, as an administrator sees it.
show() { as $admin nova show "$server" 2>/dev/null | awk -F'|' -v field="$1" '{ gsub(/^ +| +$/, "", $2); gsub(/^ +| +$/, "", $3) } $2 == field { print $3 }'; }
# expect FIELD VALUE
expect() {
  local found
  found=$(show "$1")
  [ "$found" = "$2" ] || fail "$1 is '$found', expected '$2'"
  echo "   $1 = $found"
}
# await FIELD VALUE: within two minutes.
await() {
  local tries
  for ((tries = 0; tries < 120; tries++)); do
    [ "$(show "$1")" = "$2" ] && return 0
    sleep 1
  done
  fail "$1 is '$(show "$1")', waited for '$2'"
}
# log_in: an administrator's token, in $token.
log_in() {
  token=$(curl -fsS -D - -o /dev/null -H 'Content-Type: application/json' "$api/identity/v3/auth/tokens" -d '{"auth": {"identity": {"methods": ["password"], "password": {"user":
    {"name": "'$admin'", "password": "secret", "domain": {"name": "Default"}}}}, "scope": {"project": {"name": "operators", "domain": {"name": "Default"}}}}}' | tr -d '\r' | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p')
}
# odata QUERY: what an administrator reads of the migrations.
odata() { curl -fsSG -H "X-Auth-Token: $token" "$api/odata/v1/Migrations" --data-urlencode "$1"; }
# watch_progress FILE: a line "percent bytes" whenever one of them changes, until it is ended.
watch_progress() {
  local line last=
  while sleep 0.2; do
    line=$(odata "\$orderby=id desc" 2>/dev/null | jq -r '.value[0].saga.progress | "\(.percent) \(.bytes_done)"' 2>/dev/null) || continue
    [ "$line" = "$last" ] || echo "$line" >>"$1"
    last=$line
  done
}
check() { /usr/bin/python3 compat/check_hosts.py "$@" "$work/xen1.json" "$work/xen2.json" || fail "the hosts hold something else than they should"; }

say "1. Boot"
nova_as $user flavor-list
for ((tries = 0; tries < 120; tries++)); do
  [ "$(as $admin nova service-list 2>/dev/null | grep -c 'nova-compute.*| up ')" -eq 2 ] && break
  sleep 0.5
done
nova_as $admin service-list
nova_as $user boot --flavor m1.tiny --image journal --poll demo
server=$(as $user nova list --minimal | awk '/ demo / { print $2 }')
nova_as $user list
nova_as $admin show "$server"
expect status ACTIVE
expect OS-EXT-SRV-ATTR:host xen1
check --server "$server" --running xen1

say "2. Resize"
log_in
watch_progress "$work/progress" &
watcher=$!
started_pids+=("$watcher")
nova_as $user resize --poll demo m1.small
kill "$watcher"
nova_as $admin show "$server"
expect status VERIFY_RESIZE
expect OS-EXT-SRV-ATTR:host xen2
show flavor:original_name | grep -qx m1.small || show flavor | grep -q m1.small || fail "the flavor is '$(show flavor)'"
echo "   progress, as percent and bytes sent: $(tr '\n' ',' <"$work/progress" | sed 's/,$//; s/,/, /g')"
[ "$(awk '$1 > 0 && $1 < 90 && $2 > 0' "$work/progress" | wc -l)" -ge 3 ] || fail "progress was not seen to move"
check --server "$server" --running xen2 --stopped xen1

say "3. Confirm"
nova_as $user resize-confirm demo
await status ACTIVE
expect OS-EXT-SRV-ATTR:host xen2
nova_as $user list
check --server "$server" --running xen2

say "4. Resize again, and revert"
nova_as $user resize --poll demo m1.medium
expect status VERIFY_RESIZE
expect OS-EXT-SRV-ATTR:host xen1
check --server "$server" --running xen1 --stopped xen2
nova_as $user resize-revert demo
await status ACTIVE
expect OS-EXT-SRV-ATTR:host xen2
show flavor:original_name | grep -qx m1.small || show flavor | grep -q m1.small || fail "the flavor is '$(show flavor)'"
nova_as $admin migration-list

say "5. Nothing was lost, nothing is left"
check --server "$server" --running xen2 --shut-down --journal

say "What it cost"
log_in
odata "\$orderby=id" | jq -r '
  def secs: . * 10 | round / 10;
  def moment: (sub("\\.[0-9]+"; "") | sub("Z?$"; "Z") | fromdateiso8601) + ((capture("\\.(?<f>[0-9]+)") // {f: "0"}).f | "0." + . | tonumber);
  ["migration", "pass", "guest", "bytes", "seconds"],
  (.value[] | . as $m | .saga.progress as $p
    | ($p.rounds[] | ["\($m.id) \($m.source_compute) to \($m.dest_compute), \($m.status)", .name, (if .guest_running then "runs" else "stopped" end), .bytes, (.seconds | secs)]),
      (["", "all copying", "", ([$p.rounds[].bytes] | add), ([$p.rounds[].seconds] | add | secs)]),
      (["", "downtime", "", "", (($p.started_at | moment) - ($p.stopped_at | moment) | secs)]))
  | @tsv' | awk -F'\t' '{ printf "%-32s %-14s %-8s %12s %9s\n", $1, $2, $3, $4, $5 }'

echo
echo "Everything held, in $((SECONDS - began)) seconds."

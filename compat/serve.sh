#!/usr/bin/env bash
# A whole cloud for a client to talk to: two hosts, five users in projects of their own and an administrator, two images, Nova's flavors and limits.
#
# compat/serve.sh --ready FILE [--driver fake|xenserver] [--store embedded|mongodb] [--set KEY=VALUE]... [--no-build]
#
# FILE appears when all of it can be used: JSON with identity_url, compute_url {v1.1, v2, v2.1}, image_url, users [{name, password, project, domain, admin}],
# images [{id, name}], flavors [{id, name}], pid. The URLs v1.1 and v2 lack the tenant's id, which the catalog adds. SIGTERM to pid ends all of it and takes FILE away.
set -euo pipefail
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
ready='' driver=fake store=embedded build=true settings=()
while [ $# -gt 0 ]; do
  case $1 in
    --ready | --driver | --store) [ $# -ge 2 ] || usage; declare "${1#--}=$2"; shift 2 ;;
    --set) [ $# -ge 2 ] || usage; settings+=(--set "$2"); shift 2 ;;
    --no-build) build=false; shift ;;
    *) usage ;;
  esac
done
[ -n "$ready" ] || usage
case $driver in fake | xenserver) ;; *) usage ;; esac
case $store in embedded | mongodb) ;; *) usage ;; esac
ready=$(realpath -m "$ready")
cd "$(dirname "$0")/.."
. compat/packages.sh
. compat/processes.sh

packages=("${dotnet_packages[@]}" jq curl)
if [ $driver = xenserver ]; then packages+=(openssh-server openssh-client rsync procps); fi
install_packages "${packages[@]}"
if [ $store = mongodb ]; then command -v node >/dev/null && command -v npm >/dev/null || install_packages nodejs npm; fi
projects=(src/NovaShim)
if [ $driver = fake ]; then projects+=(plugins/Fake/Fake.csproj); else projects+=(plugins/XenServer/XenServer.csproj compat/xenserver-simulator); fi
if $build; then
  for project in "${projects[@]}"; do dotnet build -c Release --nologo -v quiet "$project"; done
fi
simulator=artifacts/bin/NovaShim.XenServerSimulator/release/xenserver-simulator
novashim=artifacts/bin/NovaShim/release/novashim

rm -f "$ready"
work=$(mktemp -d)
finish() {
  local status=$?
  trap '' TERM INT
  rm -f "$ready"
  end_started
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "Logs are in $work" >&2; fi
}
trap finish EXIT
trap 'exit 0' TERM INT

if [ $driver = xenserver ]; then
  "$simulator" image --size 268435456 --content 33554432 --out "$work/journal.vhd"
  "$simulator" image --size 268435456 --content 16777216 --out "$work/small.vhd"
  image_format=vhd
  for host in host1 host2; do
    start "$work/$host.log" "$simulator" --name $host --root "$work/$host" --ready "$work/$host.json"
    await_file "$work/$host.json" "$started_pid" "$work/$host.log"
  done
  jq -n --slurpfile hosts <(cat "$work/host1.json" "$work/host2.json") '[$hosts[] | {name, driver: "xenserver", settings: (del(.name, .pid) + {use_agent: "true"})}]' >"$work/hosts.json"
else
  # The driver keeps a journal for a disk: of an image it wants to know that it is there, and its size.
  truncate -s 268435456 "$work/journal.vhd" "$work/small.vhd"
  image_format=raw
  jq -n '[range(1; 3) | {name: "host\(.)", driver: "fake", settings: {memory_mb: "131072", vcpus: "64", local_gb: "4000"}}]' >"$work/hosts.json"
fi

shared=()
if [ $store = mongodb ]; then
  (cd compat/mongodb && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  mkdir "$work/mongodb"
  start "$work/mongodb.log" node compat/mongodb/server.mjs --port 0 --data "$work/mongodb" --ready "$work/mongodb.json"
  await_file "$work/mongodb.json" "$started_pid" "$work/mongodb.log"
  shared+=(--set "store:mongodb=$(jq -r .uri "$work/mongodb.json")")
fi

password=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
jq -n --arg work "$work" --arg format $image_format --arg password "$password" --slurpfile hosts "$work/hosts.json" '{
  data: "\($work)/data", api: {urls: "http://127.0.0.1:0"},
  identity: {users: ([range(1; 6) | {name: "user\(.)", password: $password, project: "project\(.)"}] + [{name: "admin", password: $password, project: "admin", admin: true}])},
  images: [
    {id: "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10", name: "journal", path: "\($work)/journal.vhd", disk_format: $format},
    {id: "9d0f8a52-5b0e-4f6c-9a38-2f6d6f3f5b21", name: "journal-small", path: "\($work)/small.vhd", disk_format: $format}],
  hosts: $hosts[0]}' >"$work/novashim.conf.json"
chmod 600 "$work/novashim.conf.json"
start "$work/novashim.log" "$novashim" serve --config "$work/novashim.conf.json" "${shared[@]}" "${settings[@]}" --ready "$work/novashim.json"
shim_pid=$started_pid
await_file "$work/novashim.json" "$shim_pid" "$work/novashim.log"
api=$(jq -r .api_url "$work/novashim.json")

# A server can be built only on a host whose heartbeat has been seen.
headers=$(curl -fsS -D - -o /dev/null -H 'Content-Type: application/json' "$api/identity/v3/auth/tokens" -d "$(jq -n --arg password "$password" '{auth: {
  identity: {methods: ["password"], password: {user: {name: "admin", password: $password, domain: {name: "Default"}}}}, scope: {project: {name: "admin", domain: {name: "Default"}}}}}')")
token=$(tr -d '\r' <<<"$headers" | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p')
ask() { curl -fsS -H "X-Auth-Token: $token" "$api/v2.1/$1"; }
for ((tries = 0; ; tries++)); do
  [ "$(ask os-services | jq '[.services[] | select(.binary == "nova-compute" and .state == "up")] | length')" -eq 2 ] && break
  [ $tries -lt 240 ] && kill -0 "$shim_pid" 2>/dev/null || { echo "The two hosts have not come up; the end of the log:" >&2; tail -n 20 "$work/novashim.log" >&2; exit 1; }
  sleep 0.5
done

mkdir -p "$(dirname "$ready")"
(umask 077 && jq -n --arg api "$api" --argjson pid $$ --slurpfile conf "$work/novashim.conf.json" --argjson flavors "$(ask flavors)" '{
  identity_url: "\($api)/identity/v3", compute_url: {"v1.1": "\($api)/v1.1", v2: "\($api)/v2", "v2.1": "\($api)/v2.1"}, image_url: "\($api)/image",
  users: [$conf[0].identity.users[] | {name, password, project, domain: "Default", admin: (.admin // false)}],
  images: [$conf[0].images[] | {id, name}], flavors: [$flavors.flavors[] | {id, name}], pid: $pid}' >"$ready.new")
mv "$ready.new" "$ready"
echo "Ready: $ready"

# It is one whole: when the shim ends by itself, so does the rest.
status=0
wait "$shim_pid" || status=$?
echo "The shim has ended with status $status; the end of its log:" >&2
tail -n 20 "$work/novashim.log" >&2
exit 1

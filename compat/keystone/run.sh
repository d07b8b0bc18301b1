#!/usr/bin/env bash
# A shim whose users are those of a real Keystone: Debian's, on loopback, over SQLite. Real clients boot a server through both, and what must be refused is refused.
#
# compat/keystone/run.sh [--no-build]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=true
case ${1:-} in '') ;; --no-build) build=false ;; *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
cd "$here/../.."
. compat/packages.sh
. compat/processes.sh
# The library package brings the program along, and no service.
install_packages "${dotnet_packages[@]}" python3-keystone python3-novaclient python3-openstackclient jq curl
if $build; then
  for project in src/NovaShim plugins/Fake/Fake.csproj; do dotnet build -c Release --nologo -v quiet "$project"; done
fi

work=$(mktemp -d)
finish() {
  local status=$?
  end_started
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "Logs are in $work" >&2; fi
}
trap finish EXIT
checks=0
ok() { checks=$((checks + 1)); echo "ok: $*"; }
fail() { echo "failed: $*" >&2; exit 1; }

# Keystone: a store and keys of its own, its first administrator, its own address.
mkdir -m 700 "$work/fernet" "$work/credential"
cat >"$work/keystone.conf" <<CONF
[DEFAULT]
log_file = $work/keystone.log
[database]
connection = sqlite:///$work/keystone.db
sqlite_synchronous = false
[identity]
password_hash_rounds = 4
[token]
provider = fernet
[fernet_tokens]
key_repository = $work/fernet
[credential]
key_repository = $work/credential
[cache]
enabled = false
CONF
secret=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
me=$(id -un) group=$(id -gn)
keystone_manage() { keystone-manage --config-file "$work/keystone.conf" "$@" >>"$work/manage.log" 2>&1 || { tail -n 20 "$work/manage.log" >&2; fail "keystone-manage $1"; }; }
keystone_manage db_sync
# Keystone writes while it still reads, on another connection: only with a write-ahead log does SQLite bear that.
/usr/bin/python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA journal_mode=WAL")' "$work/keystone.db"
keystone_manage fernet_setup --keystone-user "$me" --keystone-group "$group"
keystone_manage credential_setup --keystone-user "$me" --keystone-group "$group"
start_keystone() {
  rm -f "$work/keystone.port"
  start "$work/serve-keystone.log" /usr/bin/python3 "$here/serve.py" "$work/keystone.conf" "$work/keystone.port" "$@"
  keystone_pid=$started_pid
  await_file "$work/keystone.port" "$keystone_pid" "$work/serve-keystone.log"
}
start_keystone
port=$(cat "$work/keystone.port")
keystone=http://127.0.0.1:$port/v3
keystone_manage bootstrap --bootstrap-password "$secret" --bootstrap-public-url "$keystone" --bootstrap-internal-url "$keystone" --bootstrap-admin-url "$keystone" --bootstrap-region-id RegionOne

# log_in USER PROJECT [PASSWORD]: prints a token of Keystone's.
log_in() {
  local body
  body=$(jq -n --arg user "$1" --arg project "$2" --arg password "${3:-$secret}" '{auth: {identity: {methods: ["password"], password: {user: {name: $user, password: $password, domain: {name: "Default"}}}},
    scope: {project: {name: $project, domain: {name: "Default"}}}}}')
  curl -fsS -D - -o /dev/null -H 'Content-Type: application/json' "$keystone/auth/tokens" -d "$body" | tr -d '\r' | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p'
}
admin=$(log_in admin admin)
[ -n "$admin" ] || fail "Keystone gives its own administrator no token"
# keystone METHOD PATH [BODY]: as its administrator; prints the answer.
keystone() { curl -fsS -X "$1" -H "X-Auth-Token: $admin" -H 'Content-Type: application/json' "$keystone/$2" ${3:+-d "$3"}; }
project() { keystone POST projects "$(jq -n --arg name "$1" '{project: {name: $name, domain_id: "default"}}')" | jq -r .project.id; }
role() { keystone GET "roles?name=$1" | jq -r '.roles[0].id'; }
user() { # NAME PROJECT-ID ROLE
  local id
  id=$(keystone POST users "$(jq -n --arg name "$1" --arg password "$secret" --arg project "$2" '{user: {name: $name, password: $password, default_project_id: $project, domain_id: "default"}}')" | jq -r .user.id)
  keystone PUT "projects/$2/users/$id/roles/$(role "$3")"
  echo "$id"
}
service=$(project service)
web=$(project web)
other=$(project other)
user nova "$service" admin >/dev/null
alice=$(user alice "$web" member)
user bob "$other" member >/dev/null

# The shim, told where Keystone is, and Keystone, told where the shim is.
truncate -s 268435456 "$work/image.raw"
jq -n --arg work "$work" --arg keystone "$keystone" --arg secret "$secret" '{
  data: "\($work)/data", api: {urls: "http://127.0.0.1:0"},
  identity: {mode: "keystone", keystone: {url: $keystone, username: "nova", password: $secret, project: "service", cache_seconds: "2", timeout_seconds: "30"}},
  images: [{id: "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10", name: "small", path: "\($work)/image.raw", disk_format: "raw"}],
  hosts: [range(1; 3) | {name: "host\(.)", driver: "fake", settings: {memory_mb: "131072", vcpus: "64", local_gb: "4000"}}]}' >"$work/novashim.conf.json"
chmod 600 "$work/novashim.conf.json"
start "$work/novashim.log" artifacts/bin/NovaShim/release/novashim serve --config "$work/novashim.conf.json" --ready "$work/novashim.json"
await_file "$work/novashim.json" "$started_pid" "$work/novashim.log"
api=$(jq -r .api_url "$work/novashim.json")
[ "$(jq -r .identity_url "$work/novashim.json")" = "$keystone" ] || fail "the ready file names another identity"
endpoint() { # TYPE NAME URL
  local id
  id=$(keystone POST services "$(jq -n --arg type "$1" --arg name "$2" '{service: {type: $type, name: $name}}')" | jq -r .service.id)
  keystone POST endpoints "$(jq -n --arg id "$id" --arg url "$3" '{endpoint: {service_id: $id, interface: "public", region_id: "RegionOne", url: $url}}')" >/dev/null
}
endpoint compute nova "$api/v2.1"
endpoint image glance "$api/image"

# status TOKEN PATH [CURL OPTIONS]: the status of the shim's answer, which is in $work/answer, its headers in $work/headers.
status() { local token=$1 path=$2; shift 2; curl -sS -o "$work/answer" -D "$work/headers" -w '%{http_code}' -H "X-Auth-Token: $token" "$@" "$api$path"; }
expect() { # STATUS WHAT TOKEN PATH [CURL OPTIONS]
  local wanted=$1 what=$2 got
  shift 2
  got=$(status "$@")
  [ "$got" = "$wanted" ] || fail "$what: $got instead of $wanted: $(cat "$work/answer")"
  ok "$what: $wanted"
}
# until_status STATUS WHAT TOKEN PATH: until it is so; half a minute at the most.
until_status() {
  local wanted=$1 what=$2 tries
  shift 2
  for ((tries = 0; tries < 60; tries++)); do
    [ "$(status "$@")" = "$wanted" ] && { ok "$what: $wanted"; return 0; }
    sleep 0.5
  done
  fail "$what: never $wanted; the last answer is $(cat "$work/answer")"
}
up() { [ "$(status "$admin" /v2.1/os-services)" = 200 ] && [ "$(jq '[.services[] | select(.binary == "nova-compute" and .state == "up")] | length' "$work/answer")" = 2 ]; }
for ((tries = 0; ; tries++)); do
  up && break
  [ $tries -lt 240 ] || fail "the hosts do not come up: $(cat "$work/answer")"
  sleep 0.5
done
ok "an administrator of Keystone's is one here"

# Real clients.
export OS_AUTH_URL=$keystone OS_USERNAME=alice OS_PASSWORD=$secret OS_PROJECT_NAME=web OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_IDENTITY_API_VERSION=3
nova boot --flavor m1.tiny --image small --poll guest >"$work/boot" 2>&1 || { cat "$work/boot" >&2; fail "nova boot"; }
nova list >"$work/list" 2>&1 || fail "nova list: $(cat "$work/list")"
grep -Eq '\| guest +\| ACTIVE' "$work/list" || fail "nova list shows no active guest: $(cat "$work/list")"
ok "nova boots a server"
openstack server show -f json guest >"$work/show" || fail "openstack server show"
[ "$(jq -r .project_id "$work/show")" = "$web" ] && [ "$(jq -r .user_id "$work/show")" = "$alice" ] || fail "the server is not alice's in web: $(cat "$work/show")"
ok "openstack shows it, with Keystone's ids of its user and project"
server=$(jq -r .id "$work/show")

# What must be refused.
alices=$(log_in alice web)
bobs=$(log_in bob other)
expect 401 "a token that was made up" made-up /v2.1/servers
grep -qi "^www-authenticate: Keystone uri=\"$keystone\"" "$work/headers" || fail "it is not said where a token can be had: $(cat "$work/headers")"
expect 401 "no token" '' /v2.1/servers
expect 404 "another project's server" "$bobs" "/v2.1/servers/$server"
expect 400 "another project's path" "$bobs" "/v1.1/$web/servers"
expect 403 "a member who asks what is an administrator's" "$alices" /v2.1/os-services
expect 200 "an administrator who asks for all" "$admin" "/v2.1/servers/detail?all_tenants=1"

# The login of 2011, by Keystone's users.
curl -sS -o /dev/null -D "$work/headers" -H 'X-Auth-User: alice' -H "X-Auth-Key: $secret" -H 'X-Auth-Project-Id: web' "$api/v1.1/"
old=$(tr -d '\r' <"$work/headers" | sed -n 's/^X-Auth-Token: //Ip')
place=$(tr -d '\r' <"$work/headers" | sed -n 's/^X-Server-Management-Url: //Ip')
[ "$place" = "$api/v1.1/$web" ] || fail "the login of 2011: $(cat "$work/headers")"
expect 200 "the token of a login by headers" "$old" "${place#"$api"}/servers/detail"
[ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'X-Auth-User: alice' -H 'X-Auth-Key: wrong' "$api/v1.1/")" = 401 ] || fail "a wrong key"
ok "a wrong key: 401"

# Revocation and shutting out, within the time that answers are believed.
expect 200 "alice's token before it is revoked" "$alices" /v2.1/servers
curl -fsS -X DELETE -H "X-Auth-Token: $alices" -H "X-Subject-Token: $alices" "$keystone/auth/tokens"
until_status 401 "alice's token after it was revoked" "$alices" /v2.1/servers
again=$(log_in alice web)
expect 200 "alice's next token" "$again" /v2.1/servers
keystone PATCH "users/$alice" '{"user": {"enabled": false}}' >/dev/null
until_status 401 "the token of a user who was disabled" "$again" /v2.1/servers

# Without Keystone nobody knows, which is no reason to send users away.
kill -TERM "$keystone_pid"
wait "$keystone_pid" 2>/dev/null || true
until_status 503 "a token while Keystone is away" "$bobs" "/v1.1/$other/servers"
jq -e '.serviceUnavailable.code == 503' "$work/answer" >/dev/null || fail "that is not Nova's fault: $(cat "$work/answer")"
grep -qi '^retry-after: ' "$work/headers" || fail "it is not said when to try again"
start_keystone "$port"
until_status 200 "the same token when Keystone is back" "$bobs" "/v1.1/$other/servers"
echo "$checks checks passed with Keystone $(dpkg-query -W -f '${Version}' python3-keystone)"

# A real Keystone: Debian's, on loopback, over SQLite, at a port that the system chooses. Sourced by the scripts that need one, after processes.sh and checks.sh; $work is their folder.

# The library package brings the program along, and no service.
keystone_packages=(python3-keystone jq curl)

# make_keystone: a store and keys of its own, its first administrator (admin, whose password is $secret, as every user's), its address in $keystone and $keystone_port, a token of that administrator's in $admin.
make_keystone() {
  local me group
  me=$(id -un) group=$(id -gn)
  secret=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
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
  keystone_manage db_sync
  # Keystone writes while it still reads, on another connection: only with a write-ahead log does SQLite bear that.
  /usr/bin/python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA journal_mode=WAL")' "$work/keystone.db"
  keystone_manage fernet_setup --keystone-user "$me" --keystone-group "$group"
  keystone_manage credential_setup --keystone-user "$me" --keystone-group "$group"
  start_keystone
  keystone_port=$(cat "$work/keystone.port")
  keystone=http://127.0.0.1:$keystone_port/v3
  keystone_manage bootstrap --bootstrap-password "$secret" --bootstrap-public-url "$keystone" --bootstrap-internal-url "$keystone" --bootstrap-admin-url "$keystone" --bootstrap-region-id RegionOne
  admin=$(log_in admin admin)
  [ -n "$admin" ] || fail "Keystone gives its own administrator no token"
}
keystone_manage() { keystone-manage --config-file "$work/keystone.conf" "$@" >>"$work/manage.log" 2>&1 || { tail -n 20 "$work/manage.log" >&2; fail "keystone-manage $1"; }; }
# start_keystone [PORT]: sets $keystone_pid.
start_keystone() {
  rm -f "$work/keystone.port"
  start "$work/serve-keystone.log" /usr/bin/python3 compat/keystone/serve.py "$work/keystone.conf" "$work/keystone.port" "$@"
  keystone_pid=$started_pid
  await_file "$work/keystone.port" "$keystone_pid" "$work/serve-keystone.log"
}
# stop_keystone: and waits for its end.
stop_keystone() { kill -TERM "$keystone_pid"; wait "$keystone_pid" 2>/dev/null || true; }

# log_in USER PROJECT [PASSWORD]: prints a token of Keystone's.
log_in() {
  token_for "$(jq -n --arg user "$1" --arg project "$2" --arg password "${3:-$secret}" '{auth: {identity: {methods: ["password"], password: {user: {name: $user, password: $password, domain: {name: "Default"}}}},
    scope: {project: {name: $project, domain: {name: "Default"}}}}}')"
}
# rescope TOKEN PROJECT: prints another token for the user of one.
rescope() { token_for "$(jq -n --arg token "$1" --arg project "$2" '{auth: {identity: {methods: ["token"], token: {id: $token}}, scope: {project: {name: $project, domain: {name: "Default"}}}}}')"; }
token_for() { curl -fsS -D - -o /dev/null -H 'Content-Type: application/json' "$keystone/auth/tokens" -d "$1" | tr -d '\r' | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p'; }

# keystone METHOD PATH [BODY]: as its administrator; prints the answer.
keystone() { curl -fsS -X "$1" -H "X-Auth-Token: $admin" -H 'Content-Type: application/json' "$keystone/$2" ${3:+-d "$3"}; }
# project NAME: prints the id of a new one.
project() { keystone POST projects "$(jq -n --arg name "$1" '{project: {name: $name, domain_id: "default"}}')" | jq -r .project.id; }
role_id() { keystone GET "roles?name=$1" | jq -r '.roles[0].id'; }
# user NAME PROJECT-ID ROLE [no-default]: prints the id of a new one, whose default project it is unless said otherwise.
user() {
  local id
  id=$(keystone POST users "$(jq -n --arg name "$1" --arg password "$secret" --arg project "$2" --arg default "${4:-default}" \
    '{user: ({name: $name, password: $password, domain_id: "default"} + if $default == "default" then {default_project_id: $project} else {} end)}')" | jq -r .user.id)
  keystone PUT "projects/$2/users/$id/roles/$(role_id "$3")"
  echo "$id"
}
# endpoint TYPE NAME URL: a service, and where it is.
endpoint() {
  local id
  id=$(keystone POST services "$(jq -n --arg type "$1" --arg name "$2" '{service: {type: $type, name: $name}}')" | jq -r .service.id)
  keystone POST endpoints "$(jq -n --arg id "$id" --arg url "$3" '{endpoint: {service_id: $id, interface: "public", region_id: "RegionOne", url: $url}}')" >/dev/null
}
# set_up_client USER PROJECT: the environment that OpenStack's clients read.
set_up_client() {
  export OS_AUTH_URL=$keystone OS_USERNAME=$1 OS_PASSWORD=$secret OS_PROJECT_NAME=$2 OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=RegionOne
}

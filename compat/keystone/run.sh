#!/usr/bin/env bash
# A shim whose users are those of a real Keystone: Debian's, on loopback, over SQLite. Real clients boot a server through both, and what must be refused is refused.
#
# compat/keystone/run.sh [--no-build]
#
# Exit status 0: all of it held. The last line counts the checks.
set -euo pipefail
build=true
case ${1:-} in '') ;; --no-build) build=false ;; *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
cd "$(dirname "$0")/../.."
. compat/packages.sh
. compat/processes.sh
. compat/checks.sh
. compat/keystone/keystone.sh
install_packages "${dotnet_packages[@]}" "${keystone_packages[@]}" python3-novaclient python3-openstackclient
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

make_keystone
service=$(project service)
web=$(project web)
other=$(project other)
user nova "$service" admin >/dev/null
alice=$(user alice "$web" member)
user bob "$other" member >/dev/null
user carol "$web" member no-default >/dev/null
operator=$(user operator "$web" member)
keystone PUT "projects/$other/users/$operator/roles/$(role_id admin)"

# The shims, told where Keystone is, and Keystone, told where the first one is. The second one has no service user, and believes an answer for an hour.
truncate -s 268435456 "$work/image.raw"
start_shim() { # NAME KEYSTONE-SETTINGS; sets $api
  jq -n --arg work "$work" --arg name "$1" --arg keystone "$keystone" --argjson more "$2" '{
    data: "\($work)/\($name)", api: {urls: "http://127.0.0.1:0"},
    identity: {mode: "keystone", keystone: ({url: $keystone, timeout_seconds: "30"} + $more)},
    images: [{id: "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10", name: "small", path: "\($work)/image.raw", disk_format: "raw"}],
    hosts: [range(1; 3) | {name: "host\(.)", driver: "fake", settings: {memory_mb: "131072", vcpus: "64", local_gb: "4000"}}]}' >"$work/$1.conf.json"
  chmod 600 "$work/$1.conf.json"
  start "$work/$1.log" artifacts/bin/NovaShim/release/novashim serve --config "$work/$1.conf.json" --ready "$work/$1.json"
  await_file "$work/$1.json" "$started_pid" "$work/$1.log"
  api=$(jq -r .api_url "$work/$1.json")
  [ "$(jq -r .identity_url "$work/$1.json")" = "$keystone" ] || fail "the ready file names another identity"
}
start_shim lasting '{"cache_seconds": "3600"}'
lasting=$api
start_shim novashim "$(jq -n --arg secret "$secret" '{username: "nova", password: $secret, project: "service", cache_seconds: "2"}')"
endpoint compute nova "$api/v2.1"
endpoint image glance "$api/image"
# at_lasting COMMAND...: a check of the second shim.
at_lasting() { local api=$lasting; "$@"; }
await_hosts "$admin" 2
ok "an administrator of Keystone's is one here"

# Real clients.
set_up_client alice web
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
[ "$(jq -r '.servers[].id' "$work/answer")" = "$server" ] || fail "the administrator does not see alice's server: $(cat "$work/answer")"

# A token that was had for another: each is worth what its user is in its project.
member=$(log_in operator web)
expect 403 "a member of one project who administers another" "$member" /v2.1/os-services
expect 200 "the same user, with a token for the other project, had for the first" "$(rescope "$member" other)" /v2.1/os-services

# Without a service user a token asks about itself.
at_lasting expect 200 "a token that asks about itself" "$alices" /v2.1/servers
at_lasting expect 403 "a member's that asks about itself, for what is an administrator's" "$alices" /v2.1/os-services
at_lasting expect 401 "a token that was made up, and asks about itself" made-up /v2.1/servers

# The login of 2011, by Keystone's users.
log_in_by_headers() { # CURL OPTIONS: sets $old and $place
  curl -sS -o /dev/null -D "$work/headers" -H "X-Auth-Key: $secret" "$@" "$api/v1.1/"
  old=$(tr -d '\r' <"$work/headers" | sed -n 's/^X-Auth-Token: //Ip')
  place=$(tr -d '\r' <"$work/headers" | sed -n 's/^X-Server-Management-Url: //Ip')
}
log_in_by_headers -H 'X-Auth-User: alice' -H 'X-Auth-Project-Id: web'
[ "$place" = "$api/v1.1/$web" ] || fail "the login of 2011: $(cat "$work/headers")"
expect 200 "the token of a login by headers" "$old" "${place#"$api"}/servers/detail"
log_in_by_headers -H 'X-Auth-User: alice' -H "X-Auth-Project-Id: $web"
[ "$place" = "$api/v1.1/$web" ] || fail "the login of 2011 with a project's id: $(cat "$work/headers")"
ok "a login by headers with a project's id"
log_in_by_headers -H 'X-Auth-User: carol'
[ "$place" = "$api/v1.1/$web" ] || fail "the login of 2011 by one who has a single project and names none: $(cat "$work/headers")"
expect 200 "the token of a login by headers that names no project" "$old" "${place#"$api"}/servers"
for wrong in 'X-Auth-User: alice|X-Auth-Key: wrong' "X-Auth-User: nobody|X-Auth-Key: $secret" "X-Auth-User: alice|X-Auth-Key: $secret|X-Auth-Project-Id: other"; do
  IFS='|' read -ra given <<<"$wrong"
  [ "$(curl -sS -o /dev/null -w '%{http_code}' "${given[@]/#/-H}" "$api/v1.1/")" = 401 ] || fail "a login by headers with ${given[0]} and what is wrong"
done
ok "a wrong key, a user who is none and another's project: 401"

# Revocation and shutting out, within the time that answers are believed.
expect 200 "alice's token before it is revoked" "$alices" /v2.1/servers
curl -fsS -X DELETE -H "X-Auth-Token: $alices" -H "X-Subject-Token: $alices" "$keystone/auth/tokens"
until_status 401 "alice's token after it was revoked" "$alices" /v2.1/servers
at_lasting expect 200 "the same token where the answer about it is still believed" "$alices" /v2.1/servers
again=$(log_in alice web)
expect 200 "alice's next token" "$again" /v2.1/servers
keystone PATCH "users/$alice" '{"user": {"enabled": false}}' >/dev/null
until_status 401 "the token of a user who was disabled" "$again" /v2.1/servers

# Without Keystone nobody knows, which is no reason to send users away.
stop_keystone
until_status 503 "a token while Keystone is away" "$bobs" "/v1.1/$other/servers"
jq -e '.serviceUnavailable.code == 503' "$work/answer" >/dev/null || fail "that is not Nova's fault: $(cat "$work/answer")"
grep -qi '^retry-after: ' "$work/headers" || fail "it is not said when to try again"
at_lasting expect 200 "a token about which an answer is believed, while Keystone is away" "$alices" /v2.1/servers
[ "$(curl -sS -o "$work/answer" -w '%{http_code}' -H 'X-Auth-User: bob' -H "X-Auth-Key: $secret" "$api/v1.1/")" = 503 ] || fail "a login by headers while Keystone is away: $(cat "$work/answer")"
ok "a login by headers while Keystone is away: 503"
start_keystone "$keystone_port"
until_status 200 "the same token when Keystone is back" "$bobs" "/v1.1/$other/servers"
log_in_by_headers -H 'X-Auth-User: bob'
expect 200 "the token of a login by headers when Keystone is back" "$old" "/v1.1/$other/servers"
echo "Keystone $(dpkg-query -W -f '${Version}' python3-keystone)"
echo "$checks passed, 0 failed"

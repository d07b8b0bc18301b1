#!/usr/bin/env bash
# A shim whose images are those of a real Glance, named by the catalog of a real Keystone: both Debian's, on loopback, over SQLite. Images are listed, changed and booted through the shim, servers become images, and what
# must be refused is refused.
#
# compat/glance/run.sh [--no-build]
#
# Exit status 0: all of it held. The last line counts the checks.
set -euo pipefail
build=true
case ${1:-} in '') ;; --no-build) build=false ;; *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
cd "$(dirname "$0")/../.."
. compat/packages.sh
. compat/processes.sh
. compat/checks.sh
. compat/keystone/keystone.sh
. compat/glance/glance.sh
install_packages "${dotnet_packages[@]}" "${keystone_packages[@]}" "${glance_packages[@]}" python3-novaclient python3-openstackclient qemu-utils
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
make_glance "$service"
user nova "$service" admin >/dev/null
user alice "$web" member >/dev/null
user bob "$other" member >/dev/null
alice=$(log_in alice web)
bob=$(log_in bob other)

# start_shim [PORT]: and waits until its hosts take servers; its process id is in $shim_pid.
start_shim() {
  jq -n --arg work "$work" --arg keystone "$keystone" --arg secret "$secret" --arg port "${1:-0}" '{
    data: "\($work)/data", api: {urls: "http://127.0.0.1:\($port)"},
    identity: {mode: "keystone", keystone: {url: $keystone, username: "nova", password: $secret, project: "service", timeout_seconds: "60"}},
    images: {mode: "glance", region: "RegionOne"},
    compute: {max_attempts: "4", retry_seconds: "0.5", lease_seconds: "3", poll_seconds: "0.5"},
    hosts: [range(1; 3) | {name: "host\(.)", driver: "fake", settings: {memory_mb: "131072", vcpus: "64", local_gb: "4000", state_file: "\($work)/world"}}]}' >"$work/novashim.conf.json"
  chmod 600 "$work/novashim.conf.json"
  rm -f "$work/novashim.json"
  start "$work/novashim.log" artifacts/bin/NovaShim/release/novashim serve --config "$work/novashim.conf.json" --ready "$work/novashim.json"
  shim_pid=$started_pid
  await_file "$work/novashim.json" "$shim_pid" "$work/novashim.log"
  api=$(jq -r .api_url "$work/novashim.json")
  await_hosts "$admin" 2
}
start_shim
endpoint compute nova "$api/v2.1"

# Images of all kinds.
head -c 3000000 /dev/urandom >"$work/raw"
truncate -s 64M "$work/disk"
head -c 1000000 /dev/urandom | dd of="$work/disk" conv=notrunc status=none
qemu-img convert -f raw -O vpc -o subformat=dynamic "$work/disk" "$work/vhd"
small=$(upload "$admin" small raw "$work/raw" public)
vhd=$(upload "$alice" "alice's disk" vhd "$work/vhd" private)
qcow=$(upload "$admin" other-format qcow2 "$work/raw" public)
broken=$(upload "$admin" broken vhd "$work/raw" public)

# Lists and images, in Nova's form.
expect 200 "a list of images" "$alice" /v2.1/images/detail
jq -e --arg vhd "$vhd" --arg glance "$glance" '(.images | length == 4) and (.images[] | select(.id == $vhd) | .status == "ACTIVE" and .progress == 100 and .name == "alice'"'"'s disk" and .["OS-EXT-IMG-SIZE:size"] > 1000000
  and any(.links[]; .rel == "alternate" and .href == "\($glance)/v2/images/\($vhd)"))' "$work/answer" >/dev/null || fail "the list is another: $(cat "$work/answer")"
[ "$(status "$bob" /v2.1/images)" = 200 ] && jq -e --arg vhd "$vhd" '(.images | length == 3) and all(.images[]; .id != $vhd)' "$work/answer" >/dev/null || fail "bob's list: $(cat "$work/answer")"
ok "another project's list has only what is public"
for filter in "name=alice%27s%20disk" "type=base&name=alice%27s%20disk" "status=ACTIVE&limit=1" "name=alice%27s+disk&minDisk=0"; do
  [ "$(status "$alice" "/v1.1/$web/images?$filter")" = 200 ] && jq -e '.images | length == 1' "$work/answer" >/dev/null || fail "the list filtered by $filter: $(cat "$work/answer")"
done
[ "$(status "$alice" "/v1.1/$web/images?name=nothing")" = 200 ] && jq -e '.images == []' "$work/answer" >/dev/null || fail "the list filtered by a name that no image has: $(cat "$work/answer")"
ok "filters of v1.1"
seen=''
for ((page = 0; page < 6; page++)); do
  [ "$(status "$alice" "/v2.1/images?limit=1${seen:+&marker=$seen}")" = 200 ] || fail "a page: $(cat "$work/answer")"
  seen=$(jq -r '.images[0].id // empty' "$work/answer")
  [ -n "$seen" ] || break
done
[ $page -eq 4 ] || fail "$page pages of one image instead of 4"
ok "pages"
expect 200 "an image of one's own" "$alice" "/v1.1/$web/images/$vhd"
expect 404 "another project's image" "$bob" "/v2.1/images/$vhd"
expect 404 "an image that there is not" "$alice" "/v2.1/images/9c0a8c63-7d5c-4d9a-8a57-7d6a5b3f1c22"
expect 404 "an image by what is no id" "$alice" "/v2.1/images/..%2Ftasks"
expect 404 "the Image API that is not here" "$alice" /image/v2/images

# Metadata, by compute's API, is Glance's properties.
expect 200 "setting metadata" "$alice" "/v1.1/$web/images/$vhd/metadata" -X POST -H 'Content-Type: application/json' -d '{"metadata": {"os/type~1": "linux", "kept": "yes"}}'
expect 204 "removing an item of it" "$alice" "/v2.1/images/$vhd/metadata/kept" -X DELETE
glance "$alice" GET "images/$vhd" | jq -e '.["os/type~1"] == "linux" and .kept == null' >/dev/null || fail "Glance has other properties: $(glance "$alice" GET "images/$vhd")"
[ "$(status "$alice" "/v2.1/images?property-os%2Ftype~1=linux")" = 200 ] && [ "$(jq -r '[.images[].id] | join(" ")' "$work/answer")" = "$vhd" ] || fail "the list filtered by a property: $(cat "$work/answer")"
ok "Glance has the property, and the list is filtered by it"
expect 404 "setting another project's metadata" "$bob" "/v2.1/images/$vhd/metadata" -X POST -H 'Content-Type: application/json' -d '{"metadata": {"a": "b"}}'
expect 403 "setting a public image's metadata" "$alice" "/v2.1/images/$small/metadata" -X POST -H 'Content-Type: application/json' -d '{"metadata": {"a": "b"}}'

# Servers from images: a real client's, and by their ids.
server_id() { jq -r .server.id "$work/answer"; }
boot() { # TOKEN NAME IMAGE: the status
  status "$1" /v2.1/servers -X POST -H 'Content-Type: application/json' -d "$(jq -n --arg name "$2" --arg image "$3" '{server: {name: $name, imageRef: $image, flavorRef: "1"}}')"
}
await_server() { await "server $2 is $1" is_server "$@"; } # STATUS ID
is_server() { has_status 200 "$admin" "/v2.1/servers/$2" && [ "$(jq -r .server.status "$work/answer")" = "$1" ]; }
await_idle() { await "server $1 has no task" is_idle "$1"; } # ID
is_idle() { is_server ACTIVE "$1" && jq -e '.server["OS-EXT-STS:task_state"] == null' "$work/answer" >/dev/null; }
set_up_client alice web
nova boot --flavor m1.tiny --image "alice's disk" --poll guest >"$work/boot" 2>&1 || { cat "$work/boot" >&2; fail "nova boot"; }
ok "nova boots a server from a VHD that Glance keeps"
[ "$(sha512sum <"$(ls "$work/data/images/$vhd".*.image)")" = "$(sha512sum <"$work/vhd")" ] || fail "what was fetched is not what was uploaded"
ok "what was fetched is what was uploaded"
[ "$(boot "$bob" bobs "$small")" = 202 ] || fail "a server from a public image: $(cat "$work/answer")"
await_server ACTIVE "$(server_id)"
ok "another project's server from a public image"
[ "$(boot "$bob" stolen "$vhd")" = 400 ] || fail "a server from another project's image: $(cat "$work/answer")"
[ "$(boot "$alice" format "$qcow")" = 400 ] || fail "a server from a format that no host reads: $(cat "$work/answer")"
[ "$(boot "$alice" none 9c0a8c63-7d5c-4d9a-8a57-7d6a5b3f1c22)" = 400 ] || fail "a server from no image: $(cat "$work/answer")"
ok "no server from another project's image, from a format that no host reads, or from none: 400"
[ "$(boot "$alice" broken "$broken")" = 202 ] || fail "a server from what says that it is a VHD: $(cat "$work/answer")"
await_server ERROR "$(server_id)"
jq -e '.server.fault.message | test("no valid VHD")' "$work/answer" >/dev/null || fail "it is not said that it is no VHD: $(cat "$work/answer")"
ok "a server from what is no VHD: ERROR, and why"
# The bytes rot where Glance keeps them, before they are fetched.
rotten=$(upload "$admin" rotten raw "$work/raw" public)
printf 'x' | dd of="$work/glance-store/$rotten" bs=1 seek=1000 conv=notrunc status=none
[ "$(boot "$alice" rotten "$rotten")" = 202 ] || fail "a server from a rotten image: $(cat "$work/answer")"
await_server ERROR "$(server_id)"
jq -e '.server.fault.message | test("did not arrive as it is kept")' "$work/answer" >/dev/null || fail "it is not said that its bytes are others: $(cat "$work/answer")"
ls "$work/data/images/" | grep -v '\.image$' && fail "parts are left behind"
ok "a server from an image whose bytes have rotted: ERROR, and why"

# Images from servers.
guest=$(openstack server show -f value -c id guest)
act() { status "$alice" "/v2.1/servers/$guest/action" -X POST -H 'Content-Type: application/json' -d "$1"; }
made() { tr -d '\r' <"$work/headers" | sed -n 's|^Location: .*/images/||Ip'; }
await_image() { # ID
  await "image $1 is active" is_image active "$1"
  await_idle "$guest"
}
is_image() { glance "$admin" GET "images/$2" >"$work/image" && [ "$(jq -r .status "$work/image")" = "$1" ]; } # STATUS ID
[ "$(act '{"createImage": {"name": "snap", "metadata": {"purpose": "test"}}}')" = 202 ] || fail "createImage: $(cat "$work/answer")"
snap=$(made)
await_image "$snap"
glance "$alice" GET "images/$snap" | jq -e --arg web "$web" --arg guest "$guest" --arg vhd "$vhd" \
  '.name == "snap" and .owner == $web and .instance_uuid == $guest and .base_image_ref == $vhd and .image_type == "snapshot" and .purpose == "test" and .container_format == "bare" and .size > 0' >/dev/null ||
  fail "the image of the server: $(glance "$alice" GET "images/$snap")"
[ "$(status "$alice" "/v2.1/images/$snap")" = 200 ] && jq -e --arg guest "$guest" '.image.status == "ACTIVE" and .image.server.id == $guest' "$work/answer" >/dev/null || fail "compute shows: $(cat "$work/answer")"
ok "a server becomes an image in Glance, its user's"
[ "$(boot "$alice" again "$snap")" = 202 ] || fail "a server from that image: $(cat "$work/answer")"
await_server ACTIVE "$(server_id)"
ok "and a server is built from that"
for name in first second; do
  [ "$(act "{\"createBackup\": {\"name\": \"$name\", \"backup_type\": \"daily\", \"rotation\": 1}}")" = 202 ] || fail "createBackup: $(cat "$work/answer")"
  await_image "$(made)"
done
[ "$(glance "$alice" GET "images?backup_type=daily" | jq -r '[.images[].name] | join(" ")')" = second ] || fail "the backups: $(glance "$alice" GET "images?backup_type=daily")"
ok "of a server's backups the newest stays"
[ "$(act '{"shelve": null}')" = 202 ] || fail "shelve: $(cat "$work/answer")"
await_server SHELVED_OFFLOADED "$guest"
[ "$(glance "$alice" GET images?name=guest-shelved | jq '.images | length')" = 1 ] || fail "the shelved server is no image"
[ "$(act '{"unshelve": null}')" = 202 ] || fail "unshelve: $(cat "$work/answer")"
await_server ACTIVE "$guest"
[ "$(glance "$alice" GET images?name=guest-shelved | jq '.images | length')" = 0 ] || fail "the image of the shelved server stays"
ok "a server goes to the shelf in Glance and comes back"

# A backup's image loses its properties in Glance, one is protected there, and an image that says of itself what a backup does is none.
patch() { glance "$1" PATCH "images/$2" -H 'Content-Type: application/openstack-images-v2.1-json-patch' -d "$3" >/dev/null; } # TOKEN ID CHANGES
back_up() { # NAME ROTATION: its image's id is in $backup
  [ "$(act "{\"createBackup\": {\"name\": \"$1\", \"backup_type\": \"daily\", \"rotation\": $2}}")" = 202 ] || fail "createBackup: $(cat "$work/answer")"
  backup=$(made)
}
names() { glance "$alice" GET "images?instance_uuid=$guest&sort=name:asc" | jq -r '[.images[].name] | join(" ")'; }
glance "$alice" DELETE "images/$snap" >/dev/null
snap=$(upload "$alice" snap raw "$work/raw" private)
back_up typeless 9
await_image "$backup"
patch "$alice" "$backup" '[{"op": "remove", "path": "/backup_type"}, {"op": "remove", "path": "/base_image_ref"}, {"op": "remove", "path": "/user_id"}]'
back_up kept 9
await_image "$backup"
patch "$alice" "$backup" '[{"op": "replace", "path": "/protected", "value": true}]'
[ "$(act '{"createImage": {"name": "no-backup", "metadata": {"backup_type": "daily"}}}')" = 202 ] || fail "createImage: $(cat "$work/answer")"
await_image "$(made)"
back_up third 1
await_image "$backup"
[ "$(names)" = "kept no-backup third typeless" ] || fail "of the images there are $(names)"
expect 200 "an image without Nova's properties" "$alice" "/v1.1/$web/images/$backup"
ok "a rotation counts what is still a backup of its type, and leaves what is protected"

# The process is killed while it sends a server's disk to Glance: the disk of a fake server is the text that an image begins with.
{ echo "novashim fake disk of 1073741824"; for ((line = 0; line < 400; line++)); do head -c 48000 /dev/urandom | base64 -w 0; echo; done; } >"$work/large"
large=$(upload "$admin" large raw "$work/large" public)
[ "$(boot "$alice" large "$large")" = 202 ] || fail "a server with a large disk: $(cat "$work/answer")"
guest=$(server_id)
await_idle "$guest"
[ "$(act '{"createImage": {"name": "whole"}}')" = 202 ] || fail "createImage: $(cat "$work/answer")"
whole=$(made)
await_image "$whole"
cut_off() { # ACTION [IMAGE-NAME]: the action, its process dead in the midst of its image, whose id is in $cut
  touch "$work/glance.port.slow"
  [ "$(act "$1")" = 202 ] || fail "$1: $(cat "$work/answer")"
  cut=$(made)
  [ -n "$cut" ] || cut=$(glance "$alice" GET "images?name=$2" | jq -r '.images[0].id')
  await "image $cut is being written" is_image saving "$cut"
  await "bytes of image $cut are there" test -s "$work/glance-store/$cut"
  kill -KILL "$shim_pid"
  wait "$shim_pid" 2>/dev/null || true
}
cut_off '{"createImage": {"name": "cut off"}}'
rm "$work/glance.port.slow"
start_shim "${api##*:}"
await_image "$cut"
cmp -s "$work/glance-store/$whole" "$work/glance-store/$cut" || fail "the image of a server is another after its process was killed"
ok "a process that is killed while it sends an image sends it again when it is back"
# And Glance with it: it says for ever that the image is being written.
cut_off '{"createImage": {"name": "cut off twice"}}'
kill -KILL "$glance_pid"
wait "$glance_pid" 2>/dev/null || true
rm "$work/glance.port.slow"
start_glance "$glance_port"
is_image saving "$cut" || fail "image $cut is not as Glance has left it: $(cat "$work/image")"
start_shim "${api##*:}"
await_idle "$guest"
is_gone() { [ "$(curl -sS -o /dev/null -w '%{http_code}' -H "X-Auth-Token: $admin" "$glance/v2/images/$1")" = 404 ]; }
await "image $cut is gone" is_gone "$cut"
expect 200 "what the server has been through" "$alice" "/v2.1/servers/$guest/os-instance-actions"
jq -e '[.instanceActions[] | select(.action == "createImage")][0].message | test("still being written")' "$work/answer" >/dev/null || fail "it is not said why there is no image: $(cat "$work/answer")"
ok "an image that Glance has lost in the midst is given up and removed, the server goes on"
cut_off '{"shelve": null}' large-shelved
rm "$work/glance.port.slow"
start_shim "${api##*:}"
await_server SHELVED_OFFLOADED "$guest"
is_image active "$cut" || fail "the server is on the shelf, and its image is none: $(cat "$work/image")"
patch "$alice" "$cut" '[{"op": "replace", "path": "/protected", "value": true}]'
[ "$(act '{"unshelve": null}')" = 202 ] || fail "unshelve: $(cat "$work/answer")"
await_idle "$guest"
is_image active "$cut" || fail "a protected image was removed"
ok "a shelved server whose image was cut off comes back, and leaves its image where that is protected"
[ "$(jq -n '[inputs | select(.status != "active")] | length' < <(glance "$admin" GET images | jq -c '.images[]'))" = 0 ] || fail "images are left behind: $(glance "$admin" GET images)"
ok "no image is left behind that is none"

# Deleting.
expect 404 "deleting another project's image" "$bob" "/v2.1/images/$snap" -X DELETE
expect 403 "deleting a public image" "$alice" "/v2.1/images/$small" -X DELETE
expect 204 "deleting one's own" "$alice" "/v2.1/images/$snap" -X DELETE
[ "$(curl -sS -o /dev/null -w '%{http_code}' -H "X-Auth-Token: $alice" "$glance/v2/images/$snap")" = 404 ] || fail "Glance still has it"
ok "it is gone in Glance"

# Without Glance.
stop_glance
until_status 503 "images while Glance is away" "$alice" /v2.1/images
jq -e '.serviceUnavailable.code == 503' "$work/answer" >/dev/null || fail "that is not Nova's fault: $(cat "$work/answer")"
grep -qi '^retry-after: ' "$work/headers" || fail "it is not said when to try again"
[ "$(boot "$alice" later "$small")" = 503 ] || fail "a server while Glance is away: $(cat "$work/answer")"
[ "$(act '{"createImage": {"name": "later"}}')" = 503 ] || fail "createImage while Glance is away: $(cat "$work/answer")"
ok "no server and no image of one while Glance is away: 503"
expect 200 "servers while Glance is away" "$alice" /v2.1/servers/detail
start_glance "$glance_port"
until_status 200 "images when Glance is back" "$alice" "/v1.1/$web/images/detail"
[ "$(boot "$alice" later "$small")" = 202 ] || fail "a server when Glance is back: $(cat "$work/answer")"
await_server ACTIVE "$(server_id)"
ok "a server when Glance is back"
echo "Glance $(dpkg-query -W -f '${Version}' python3-glance), Keystone $(dpkg-query -W -f '${Version}' python3-keystone)"
echo "$checks passed, 0 failed"

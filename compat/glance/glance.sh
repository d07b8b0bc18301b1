# A real Glance: Debian's, on loopback, over SQLite and a folder of files, at a port that the system chooses, with the Keystone of keystone.sh. Sourced by the scripts that need one; $work is their folder.

# The library package brings all of the program, and no service.
glance_packages=(python3-glance)

# make_glance SERVICE-PROJECT-ID: its user, store and folder, its address in $glance and $glance_port, and in Keystone's catalog.
make_glance() {
  user glance "$1" admin >/dev/null
  mkdir "$work/glance-store" "$work/os_glance_staging_store" "$work/os_glance_tasks_store"
  cat >"$work/glance-paste.ini" <<CONF
[pipeline:glance-api]
pipeline = versionnegotiation authtoken context root
[composite:root]
paste.composite_factory = glance.api:root_app_factory
/: versions
/v2: v2
[app:versions]
paste.app_factory = glance.api.versions:create_resource
[app:v2]
paste.app_factory = glance.api.v2.router:API.factory
[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
CONF
  cat >"$work/glance.conf" <<CONF
[DEFAULT]
log_file = $work/glance.log
enabled_backends = files:file
[database]
connection = sqlite:///$work/glance.db
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = $work/glance-store
[os_glance_staging_store]
filesystem_store_datadir = $work/os_glance_staging_store
[os_glance_tasks_store]
filesystem_store_datadir = $work/os_glance_tasks_store
[keystone_authtoken]
www_authenticate_uri = $keystone
auth_url = $keystone
auth_type = password
username = glance
password = $secret
project_name = service
user_domain_name = Default
project_domain_name = Default
[paste_deploy]
config_file = $work/glance-paste.ini
CONF
  /usr/bin/python3 -c 'import sys; from glance.cmd import manage; sys.exit(manage.main())' --config-file "$work/glance.conf" db_sync >"$work/glance-manage.log" 2>&1 ||
    { tail -n 20 "$work/glance-manage.log" >&2; fail "Glance's store cannot be made"; }
  start_glance
  glance_port=$(cat "$work/glance.port")
  glance=http://127.0.0.1:$glance_port
  endpoint image glance "$glance"
}
# start_glance [PORT]: sets $glance_pid.
start_glance() {
  rm -f "$work/glance.port"
  start "$work/serve-glance.log" /usr/bin/python3 compat/glance/serve.py "$work/glance.conf" "$work/glance.port" "$@"
  glance_pid=$started_pid
  await_file "$work/glance.port" "$glance_pid" "$work/serve-glance.log"
}
# stop_glance: and waits for its end.
stop_glance() { kill -TERM "$glance_pid"; wait "$glance_pid" 2>/dev/null || true; }
# glance TOKEN METHOD PATH [CURL OPTIONS]: prints the answer.
glance() { local token=$1 method=$2 path=$3; shift 3; curl -fsS -X "$method" -H "X-Auth-Token: $token" "$@" "$glance/v2/$path"; }
# upload TOKEN NAME DISK-FORMAT FILE VISIBILITY [CONTAINER-FORMAT]: prints the id of a new image.
upload() {
  local id
  id=$(glance "$1" POST images -H 'Content-Type: application/json' -d "$(jq -n --arg name "$2" --arg format "$3" --arg visibility "$5" --arg container "${6:-bare}" \
    '{name: $name, disk_format: $format, container_format: $container, visibility: $visibility}')" | jq -r .id)
  glance "$1" PUT "images/$id/file" -H 'Content-Type: application/octet-stream' --data-binary "@$4" >/dev/null
  echo "$id"
}

# Counted checks of a shim's answers. Sourced by the scripts that need them; $work is their folder, $api the shim's address.

checks=0
ok() { checks=$((checks + 1)); echo "ok: $*"; }
# fail WHY: the first one that fails is the last one.
fail() { echo "failed: $*" >&2; echo "$checks passed, 1 failed"; exit 1; }

# status TOKEN PATH [CURL OPTIONS]: the status of the shim's answer, which is in $work/answer, its headers in $work/headers.
status() { local token=$1 path=$2; shift 2; curl -sS -o "$work/answer" -D "$work/headers" -w '%{http_code}' -H "X-Auth-Token: $token" "$@" "$api$path"; }
# expect STATUS WHAT TOKEN PATH [CURL OPTIONS]
expect() {
  local wanted=$1 what=$2 got
  shift 2
  got=$(status "$@")
  [ "$got" = "$wanted" ] || fail "$what: $got instead of $wanted: $(cat "$work/answer")"
  ok "$what: $wanted"
}
# await WHAT COMMAND...: until the command succeeds. Five minutes at the most: it is no measure of speed, and a machine may be slow.
await() {
  local what=$1 began=$SECONDS
  shift
  until "$@"; do
    [ $((SECONDS - began)) -lt 300 ] || fail "$what: not within 300 seconds; the last answer is $(cat "$work/answer")"
    sleep 0.3
  done
}
# until_status STATUS WHAT TOKEN PATH [CURL OPTIONS]: until it is so.
until_status() {
  local wanted=$1 what=$2
  shift 2
  await "$what: $wanted" has_status "$wanted" "$@"
  ok "$what: $wanted"
}
has_status() { local wanted=$1; shift; [ "$(status "$@")" = "$wanted" ]; }
# await_hosts TOKEN COUNT: until that many hosts take servers; an administrator's token.
await_hosts() { await "$2 hosts that take servers" has_hosts "$@"; }
has_hosts() { has_status 200 "$1" /v2.1/os-services && [ "$(jq '[.services[] | select(.binary == "nova-compute" and .state == "up")] | length' "$work/answer")" = "$2" ]; }

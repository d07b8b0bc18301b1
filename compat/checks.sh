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
# until_status STATUS WHAT TOKEN PATH: until it is so; a minute at the most.
until_status() {
  local wanted=$1 what=$2 began=$SECONDS
  shift 2
  while [ $((SECONDS - began)) -lt 60 ]; do
    [ "$(status "$@")" = "$wanted" ] && { ok "$what: $wanted"; return 0; }
    sleep 0.5
  done
  fail "$what: never $wanted; the last answer is $(cat "$work/answer")"
}
# await_hosts TOKEN COUNT: until that many hosts take servers; an administrator's token.
await_hosts() {
  local began=$SECONDS
  until [ "$(status "$1" /v2.1/os-services)" = 200 ] && [ "$(jq '[.services[] | select(.binary == "nova-compute" and .state == "up")] | length' "$work/answer")" = "$2" ]; do
    [ $((SECONDS - began)) -lt 120 ] || fail "the hosts do not come up: $(cat "$work/answer")"
    sleep 0.5
  done
}

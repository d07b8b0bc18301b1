# Starts programs in the background, waits until they say that they can be used, and ends them. Sourced by the scripts that need it.

started_pids=()

# start LOG COMMAND...: in the background, its output in LOG; its process id in $started_pid.
start() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  started_pid=$!
  started_pids+=("$started_pid")
}

# await_file FILE PID LOG: until FILE is there; fails with the log's end when the process ends before, or after two minutes.
await_file() {
  local file=$1 pid=$2 log=$3 tries
  for ((tries = 0; tries < 1200; tries++)); do
    [ -s "$file" ] && return 0
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  echo "not ready: $(basename "$file"); the end of $log:" >&2
  tail -n 20 "$log" >&2
  return 1
}

# end_started: ends what start has started, the last one first, and waits for each.
end_started() {
  local i pid tries
  for ((i = ${#started_pids[@]} - 1; i >= 0; i--)); do
    pid=${started_pids[i]}
    kill -TERM "$pid" 2>/dev/null || continue
    for ((tries = 0; tries < 300; tries++)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  started_pids=()
}

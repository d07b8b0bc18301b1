# Starts the cloud of compat/serve.sh for a client's script. Sourced after packages.sh and processes.sh, from the repository's root.

# serve_for_client NAME [--no-build] [OPTION...]: builds unless told not to, starts, and waits; then $work is a folder of the script's own with ready.json in it. All of it ends with the script.
serve_for_client() {
  local name=$1
  shift
  work=$(mktemp -d "/tmp/novashim-$name-XXXXXX")
  trap finish_serving EXIT
  if [[ " $* " != *" --no-build "* ]]; then
    # A build takes longer than a start may: it is done before the wait for the start begins.
    for project in src/NovaShim plugins/Fake/Fake.csproj plugins/XenServer/XenServer.csproj compat/xenserver-simulator; do dotnet build -c Release --nologo -v quiet "$project"; done
    set -- "$@" --no-build
  fi
  start "$work/serve.log" compat/serve.sh --ready "$work/ready.json" "$@"
  await_file "$work/ready.json" "$started_pid" "$work/serve.log"
}

finish_serving() {
  local status=$?
  end_started
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "Logs are in $work" >&2; fi
}

namespace NovaShim.XenServer.Dom0;

/// <summary>Finding and ending what an earlier run has left running in dom0.</summary>
internal static class Processes
{
    /// <summary>
    /// A shell function: <c>end_those_in DIR</c> ends every process whose working directory is DIR, waits until they are gone (10 s, then hard), and fails
    /// when one will not go. A copy runs in a folder of its migration's own, at either end, and is found by that wherever it was started from.
    /// </summary>
    public const string EndThoseIn = """
        those_in() {
            for link in /proc/[0-9]*/cwd; do
                [ "$(readlink "$link" 2>/dev/null)" = "$1" ] || continue
                link=${link#/proc/}
                [ "${link%/cwd}" = $$ ] || echo "${link%/cwd}"
            done
        }
        end_those_in() {
            place=$(cd "$1" 2>/dev/null && pwd -P) || return 0
            tries=0
            while found=$(those_in "$place") && [ -n "$found" ]; do
                if [ $tries -lt 50 ]; then kill -TERM $found 2>/dev/null; else kill -KILL $found 2>/dev/null; fi
                tries=$((tries + 1))
                [ $tries -lt 100 ] || { echo "processes $found in $1 do not end" >&2; return 1; }
                sleep 0.2
            done
            return 0
        }
        """;
}

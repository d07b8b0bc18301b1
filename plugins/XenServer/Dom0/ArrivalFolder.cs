using NovaShim.Sdk;

namespace NovaShim.XenServer.Dom0;

/// <summary>
/// The place at the destination where a migration's files arrive: a folder inside the storage repository's own file system (so that moving a file into the repository is a rename; only
/// files right in the repository are scanned), and the line of authorized_keys that lets the source write there and do nothing else.
/// </summary>
internal sealed class ArrivalFolder(ControlDomain dom0, XenServerSettings settings, string migration)
{
    private readonly string _migration = MigrationId.Checked(migration);

    /// <summary>The folder's path in the destination's dom0.</summary>
    public string Path { get; } = $"{settings.SrPath}/novashim-{MigrationId.Checked(migration)}";

    /// <summary>Makes the folder and lets the owner of the key in; a line of an earlier call is replaced, and what an earlier copy has left running is ended.</summary>
    /// <exception cref="StepFailedException">rrsync is missing in dom0.</exception>
    public async Task OpenAsync(string publicKey, CancellationToken cancellation)
    {
        var rrsync = (await dom0.RunAsync("looking for rrsync", "command -v rrsync || :", [], cancellation)).Trim();
        if (!rrsync.StartsWith('/') || rrsync.Any(char.IsControl))
        {
            throw new StepFailedException(
                $"dom0 of {settings.SshHost} has no rrsync on its PATH, which comes with rsync 3.1 and later; it keeps the migration's key to the migration's folder. Install it.", StepRecovery.Unwind);
        }

        await dom0.RunAsync(
            "making the folder for the disks",
            Processes.EndThoseIn + """

            mkdir -p -- "$1" && chmod 700 -- "$1" && end_those_in "$1"
            """,
            [Path], cancellation);
        await EditKeysAsync(AuthorizedKeys.Line(publicKey, rrsync, Path, _migration), cancellation);
    }

    /// <summary>Shuts the door: takes the key away and ends what is still writing into the folder.</summary>
    public async Task CloseAsync(CancellationToken cancellation)
    {
        await EditKeysAsync("", cancellation);
        await dom0.RunAsync("ending what still writes into the folder for the disks", Processes.EndThoseIn + "\nend_those_in \"$1\"", [Path], cancellation);
    }

    /// <summary>Removes the folder with what is in it. Nothing there: success.</summary>
    public Task RemoveAsync(CancellationToken cancellation) => dom0.RunAsync("removing the folder for the disks", "rm -rf -- \"$1\"", [Path], cancellation);

    /// <summary>Bytes that the folder's file system has left, and bytes that are in the folder already.</summary>
    public async Task<(long Free, long Arrived)> MeasureAsync(CancellationToken cancellation)
    {
        var answer = await dom0.RunAsync(
            "measuring the storage repository",
            """
            set -e
            df -Pk -- "$1" | awk 'NR == 2 { print $4 }'
            if [ -d "$2" ]; then du -sk -- "$2" | cut -f1; else echo 0; fi
            """,
            [settings.SrPath, Path], cancellation);
        var lines = answer.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length == 2 && long.TryParse(lines[0], out var free) && long.TryParse(lines[1], out var arrived)
            ? (free * 1024, arrived * 1024)
            : throw new Dom0Exception($"dom0 of {settings.SshHost} did not say how much room {settings.SrPath} has.");
    }

    // One at a time, and the file is replaced whole: several migrations arrive at one host, and nobody is ever locked out by half a file.
    private Task<string> EditKeysAsync(string line, CancellationToken cancellation) =>
        dom0.RunAsync(
            line.Length > 0 ? "letting the source in" : "shutting the source out",
            """
            set -e
            mkdir -p "$HOME/.ssh"
            keys=$(readlink -f "$HOME/.ssh/authorized_keys")
            exec 9>"$HOME/.ssh/novashim.lock"
            flock -w 30 9
            [ -e "$keys" ] || { [ -n "$2" ] || exit 0; : >"$keys"; }
            new=$keys.novashim
            { grep -v " novashim:$1\$" "$keys" || [ $? -eq 1 ]; } >"$new"
            [ -z "$2" ] || printf '%s\n' "$2" >>"$new"
            if cmp -s "$new" "$keys"; then rm -f "$new"; exit 0; fi
            chmod --reference="$keys" "$new"
            sync "$new" 2>/dev/null || :
            mv -f "$new" "$keys"
            """,
            [_migration, line], cancellation);
}

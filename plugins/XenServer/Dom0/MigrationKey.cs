using NovaShim.Sdk;

namespace NovaShim.XenServer.Dom0;

/// <summary>
/// The key pair of one migration, in <c>$HOME/.novashim/&lt;migration&gt;/</c> of the source's dom0, which its private half never leaves, and the ssh configuration that goes with it.
/// </summary>
internal sealed class MigrationKey(ControlDomain dom0, string migration)
{
    private readonly string _migration = MigrationId.Checked(migration);

    /// <summary>The name by which rsync calls the destination; the ssh configuration says where that is.</summary>
    public const string Destination = "novashim-destination";

    /// <summary>Makes the key pair unless there is one, and returns its public half, <c>ssh-ed25519 AAAA…</c>.</summary>
    public async Task<string> MakeAsync(CancellationToken cancellation)
    {
        // Made under another name first: a run that is cut off leaves no half of a pair. What runs in the folder from before is of a run that has been given up.
        var publicKey = await dom0.RunAsync(
            "making the migration's key",
            """
            set -e
            dir=$HOME/.novashim/$1
            mkdir -p "$dir/nothing"
            chmod 700 "$HOME/.novashim" "$dir"
            if ! [ -s "$dir/key" ] || ! [ -s "$dir/key.pub" ]; then
                rm -f "$dir/new" "$dir/new.pub"
                ssh-keygen -q -t ed25519 -N '' -C "novashim:$1" -f "$dir/new" </dev/null >&2
                mv "$dir/new.pub" "$dir/key.pub"
                mv "$dir/new" "$dir/key"
            fi
            cat "$dir/key.pub"
            """,
            [_migration], cancellation);
        return SshSyntax.PublicKey(publicKey);
    }

    /// <summary>Writes where the destination is, and the only host key it may show. False: there is no key (any more).</summary>
    public async Task<bool> PointAtAsync(string host, int port, string user, string hostKey, TimeSpan connectTimeout, CancellationToken cancellation)
    {
        if (!SshSyntax.IsHost(host) || !SshSyntax.IsUser(user) || port is < 1 or > 65535 || !SshSyntax.TryPublicKey(hostKey, out _))
        {
            throw new StepFailedException("The destination offered an address or a host key that is none.", StepRecovery.Unwind);
        }

        // Paths are relative: rsync runs in this folder. An agent, a user's own configuration and known hosts have no say.
        var configuration = $"""
            Host {Destination}
                HostName {host}
                Port {port}
                User {user}
                IdentityFile key
                IdentitiesOnly yes
                IdentityAgent none
                PreferredAuthentications publickey
                BatchMode yes
                HostKeyAlias {Destination}
                StrictHostKeyChecking yes
                UserKnownHostsFile known_hosts
                GlobalKnownHostsFile /dev/null
                UpdateHostKeys no
                ControlMaster no
                ControlPath none
                ForwardAgent no
                ForwardX11 no
                ConnectTimeout {Math.Max(1, (int)connectTimeout.TotalSeconds)}
                ServerAliveInterval 15
                ServerAliveCountMax 4

            """;
        var answer = await dom0.RunAsync(
            "pointing the migration's key at the destination",
            """
            set -e
            cd "$HOME/.novashim/$1" 2>/dev/null && [ -s key ] || { echo absent; exit 0; }
            mkdir -p nothing
            printf '%s' "$2" >ssh_config
            printf '%s %s\n' "$4" "$3" >known_hosts
            echo ready
            """,
            [_migration, configuration.ReplaceLineEndings("\n"), SshSyntax.PublicKey(hostKey), Destination], cancellation);
        return answer.Trim() == "ready";
    }

    /// <summary>Removes the key and all that goes with it, and ends what is still copying with it. Nothing there: success.</summary>
    public async Task RemoveAsync(CancellationToken cancellation)
    {
        await dom0.RunAsync(
            "removing the migration's key",
            Processes.EndThoseIn + """

            dir=$HOME/.novashim/$1
            [ -d "$dir" ] || exit 0
            end_those_in "$dir" || exit
            rm -rf "$dir" && { rmdir "$HOME/.novashim" 2>/dev/null || :; }
            """,
            [_migration], cancellation);
    }
}

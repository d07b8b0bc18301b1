using System.Security.Cryptography;
using System.Text;
using NovaShim.Sdk;
using NovaShim.XenServer.Dom0;

namespace NovaShim.XenServer.Migrations;

/// <summary>The files of a migration at the destination: proven, linked under new names, moved into the storage repository.</summary>
internal sealed class ArrivedDisks(XenServerHost host, string migration, DiskInfo disks)
{
    private readonly string _folder = new ArrivalFolder(host.Dom0, host.Settings, migration).Path;

    /// <summary>
    /// The VDI uuid that a file gets here, and so its name: made from the migration's and its old name, so that every run comes to the same one, and so that a file
    /// that two disks stand on stays one file. The form is that of a random UUID.
    /// </summary>
    public static string NewUuid(string migration, string name)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{MigrationId.Checked(migration)}/{name}"))[..16];
        digest[6] = (byte)((digest[6] & 0x0F) | 0x40);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest, bigEndian: true).ToString("D");
    }

    /// <summary>
    /// Proves that what arrived is what the source sent: every file, its size, time, identity and parent; of each either its digest, or that nobody has written to it since it was compared whole; and every chain as
    /// vhd-util sees it. What a failing medium makes of a block after it was compared is found by reading it again only: see <c>read_again_before_start</c>.
    /// </summary>
    /// <exception cref="StepFailedException"><see cref="StepRecovery.CopyAgain"/>, naming what differs.</exception>
    public async Task ProveAsync(CancellationToken cancellation)
    {
        var files = disks.Files.ToList();
        IReadOnlyDictionary<string, VhdFact> arrived;
        try
        {
            arrived = await host.Files.InFolderAsync(_folder, files.Select(f => f.Name), cancellation);
        }
        catch (Dom0Exception e) when (e.ExitCode == -1 && e.InnerException is null)
        {
            throw Different(e.Message);
        }

        foreach (var file in files)
        {
            var difference = !arrived.TryGetValue(file.Name, out var fact) ? "is missing"
                : fact.Size != file.Size ? $"has {fact.Size} bytes instead of {file.Size}"
                : fact.Uuid != file.Uuid ? "is another VHD"
                : fact.ParentUuid != file.ParentUuid ? "has another parent"
                : !SameTime(fact.Modified, file.Modified) ? "was written to after it had arrived"
                : file is { Sha256: null, ComparedSince: null } ? "was never proven"
                : null;
            if (difference is not null)
            {
                throw Different($"{file.Name} {difference}");
            }
        }

        var compared = files.Where(f => f.ComparedSince is not null).Select(f => (f.Name, f.ComparedSince!)).ToList();
        if (await host.Files.ChangedSinceAsync(_folder, compared, cancellation) is [var changed, ..])
        {
            throw Different($"{changed} was written to after it had been compared");
        }

        var sealedFiles = files.Where(f => f.Sha256 is not null).ToList();
        var digests = await host.Files.DigestsAsync(_folder, [.. sealedFiles.Select(f => f.Name)], cancellation);
        foreach (var file in sealedFiles)
        {
            if (!string.Equals(digests.GetValueOrDefault(file.Name), file.Sha256, StringComparison.OrdinalIgnoreCase))
            {
                throw Different($"{file.Name} has another checksum");
            }
        }

        foreach (var disk in disks.Disks)
        {
            await CheckAsync(disk.Leaf.Name, cancellation);
        }
    }

    /// <summary>Gives the files their new names and links each to its parent, from the roots up: a link holds the parent's name and time of change.</summary>
    public async Task LinkAsync(CancellationToken cancellation)
    {
        var parents = disks.Disks.SelectMany(d => d.Files.Zip(d.Files.Skip(1), (parent, child) => (parent, child))).DistinctBy(p => p.child.Name).ToDictionary(p => p.child.Name, p => p.parent.Name);
        var leaves = disks.Disks.Select(d => d.Leaf.Name).ToHashSet();
        foreach (var file in disks.Files)
        {
            await host.Dom0.RunAsync(
                "linking the disks that arrived",
                """
                cd "$1" || exit
                [ ! -e "$2" ] || mv -f -- "$2" "$3" || exit
                if [ -n "$4" ]; then vhd-util modify -n "$3" -p "$4" >&2 || exit; fi
                if [ "$5" = base ]; then vhd-util set -n "$3" -f hidden -v 1 >&2 || exit; fi
                """,
                [_folder, file.Name, NewName(file.Name), parents.TryGetValue(file.Name, out var parent) ? NewName(parent) : "", leaves.Contains(file.Name) ? "leaf" : "base"],
                cancellation);
        }

        foreach (var disk in disks.Disks)
        {
            await CheckAsync(NewName(disk.Leaf.Name), cancellation);
        }
    }

    /// <summary>
    /// Moves the linked files into the repository, leaves first: a base copy without a child is garbage there and is collected, a child without its
    /// parent only waits. What is not in the folder any more has been moved before.
    /// </summary>
    public Task MoveAsync(CancellationToken cancellation) =>
        host.Dom0.RunAsync(
            "moving the disks into the storage repository",
            """
            from=$1
            to=$2
            shift 2
            for name; do
                [ -e "$from/$name" ] || continue
                [ ! -e "$to/$name" ] || { echo "$name is in the storage repository already" >&2; exit 1; }
                mv -- "$from/$name" "$to/$name" || exit
            done
            """,
            [_folder, host.Settings.SrPath, .. disks.Files.Reverse().Select(f => NewName(f.Name))], cancellation);

    /// <summary>Whether a leaf has been moved into the repository: linking is complete then, and moving must be completed.</summary>
    public async Task<bool> HasMovedAsync(CancellationToken cancellation) =>
        (await host.Dom0.RunAsync(
            "looking for the disks in the storage repository",
            """
            cd "$1" || exit
            shift
            for name; do [ ! -e "$name" ] || { echo yes; exit 0; }; done
            """,
            [host.Settings.SrPath, .. disks.Disks.Select(d => NewName(d.Leaf.Name))], cancellation)).Trim() == "yes";

    private string NewName(string name) => NewUuid(migration, name) + ".vhd";

    private async Task CheckAsync(string leaf, CancellationToken cancellation)
    {
        try
        {
            await host.Dom0.RunAsync("checking the disks that arrived", "cd \"$1\" && exec vhd-util check -n \"$2\" -p", [_folder, leaf], host.Settings.TransferTimeout, onOutput: null, cancellation);
        }
        catch (Dom0Exception e) when (e.Output.Contains("creation time in future", StringComparison.Ordinal))
        {
            throw new StepFailedException(
                $"The clock of {host.Name} is more than half an hour behind the source's: its disks were made in the future and would not be taken. Set the clocks of both hosts.", StepRecovery.Unwind, e);
        }
        catch (Dom0Exception e) when (e.ExitCode is 2 or 22)
        {
            throw Different(e.Output);
        }
    }

    private StepFailedException Different(string what) => new($"A disk that arrived on {host.Name} is not the source's: {what}. It is copied again.", StepRecovery.CopyAgain);

    // An rsync or a file system that keeps whole seconds only is none the worse for it.
    internal static bool SameTime(string arrived, string sent)
    {
        if (arrived == sent)
        {
            return true;
        }

        var (a, b) = (arrived.Split('.'), sent.Split('.'));
        return a[0] == b[0] && a.Length == 2 && a[1].All(c => c == '0');
    }
}

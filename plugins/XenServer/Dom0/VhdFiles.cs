using System.Globalization;
using NovaShim.Vhd;

namespace NovaShim.XenServer.Dom0;

/// <summary>What a VHD file of a dom0 is, told by its own footer and header.</summary>
/// <param name="Name">Its name in its folder.</param>
/// <param name="Size">Bytes of the file.</param>
/// <param name="Modified">When its content last changed, seconds since 1970 with nanoseconds, as text: to be compared, not reckoned with.</param>
/// <param name="Uuid">The uuid in its footer, which a child names.</param>
/// <param name="ParentUuid">The footer uuid of its parent; null without one.</param>
/// <param name="VirtualSize">Bytes of the disk it holds.</param>
/// <param name="Hidden">Whether it is a base copy.</param>
internal sealed record VhdFact(string Name, long Size, string Modified, Guid Uuid, Guid? ParentUuid, long VirtualSize, bool Hidden);

/// <summary>Reads the VHD files of one folder of a dom0.</summary>
internal sealed class VhdFiles(ControlDomain dom0, XenServerSettings settings, TimeProvider time)
{
    private const int HeadBytes = VhdLayout.FooterSize + VhdLayout.HeaderSize;
    private const int Tries = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    // One line a file: size, time, the first bytes, the last bytes, name. An attached leaf's last bytes are not its footer; the copy at its beginning is.
    private const string Look = """
        look() {
            facts=$(stat -c '%s %.9Y' -- "$1") || return
            head=$(head -c 1536 -- "$1" | od -An -v -tx1 | tr -d ' \n') || return
            tail=$(tail -c 512 -- "$1" | od -An -v -tx1 | tr -d ' \n') || return
            printf '%s %s %s %s\n' "$facts" "$head" "$tail" "${1##*/}"
        }
        """;

    /// <summary>
    /// The chain of a disk in the storage repository, from its root to its leaf. The repository may be coalescing the chain meanwhile: a look that does not
    /// fit together is repeated.
    /// </summary>
    /// <exception cref="Dom0Exception">The chain cannot be read.</exception>
    public async Task<IReadOnlyList<VhdFact>> ChainAsync(string vdiUuid, CancellationToken cancellation)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                var answer = await dom0.RunAsync(
                    "reading the disk's chain of VHD files",
                    Look + """

                    folder=$1
                    name=$2
                    depth=0
                    while :; do
                        look "$folder/$name" || exit
                        parent=$(vhd-util query -n "$folder/$name" -p) || { status=$?; echo "vhd-util: $parent" >&2; exit $status; }
                        case $parent in *' has no parent') exit 0 ;; esac
                        name=${parent##*/}
                        depth=$((depth + 1))
                        [ $depth -lt 64 ] || { echo "the chain of $2 does not end" >&2; exit 1; }
                    done
                    """,
                    [settings.SrPath, vdiUuid + ".vhd"], cancellation);
                var chain = Parse(answer).Reverse().ToList();
                for (var i = 0; i < chain.Count; i++)
                {
                    if (chain[i].ParentUuid != (i == 0 ? null : chain[i - 1].Uuid))
                    {
                        throw new Dom0Exception($"{chain[i].Name} in {settings.SrPath} is not the child of the file it stands on.");
                    }
                }

                return chain;
            }
            catch (Dom0Exception) when (tries < Tries)
            {
                await Task.Delay(Pause, time, cancellation);
            }
        }
    }

    /// <summary>The facts of those of the named files that are in a folder; a name that is missing in the answer is missing there.</summary>
    public async Task<IReadOnlyDictionary<string, VhdFact>> InFolderAsync(string folder, IEnumerable<string> names, CancellationToken cancellation)
    {
        var answer = await dom0.RunAsync(
            "reading the disks that arrived",
            Look + """

            folder=$1
            shift
            for name; do
                if [ -f "$folder/$name" ]; then look "$folder/$name" || exit; fi
            done
            """,
            [folder, .. names], cancellation);
        return Parse(answer).ToDictionary(f => f.Name);
    }

    /// <summary>Those of the files of a folder, each given with its mark, that were written to after the mark was put there, or whose mark is gone.</summary>
    public async Task<IReadOnlyList<string>> ChangedSinceAsync(string folder, IReadOnlyCollection<(string Name, string Mark)> files, CancellationToken cancellation)
    {
        var answer = await dom0.RunAsync(
            "looking for changes to the disks that arrived",
            """
            cd "$1" || exit
            shift
            while [ $# -gt 1 ]; do
                if ! [ -e "$2" ]; then printf '%s\n' "$1"; else find "./$1" -prune -newercc "$2" -printf '%f\n' || exit; fi
                shift 2
            done
            """,
            [folder, .. files.SelectMany(f => new[] { f.Name, f.Mark })], cancellation);
        return answer.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>SHA-256 of files of a folder, in hexadecimal digits, by name.</summary>
    public async Task<IReadOnlyDictionary<string, string>> DigestsAsync(string folder, IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        if (names.Count == 0)
        {
            return new Dictionary<string, string>();
        }

        var answer = await dom0.RunAsync(
            "computing the disks' checksums",
            """
            cd "$1" || exit
            shift
            exec sha256sum -- "$@"
            """,
            [folder, .. names], settings.TransferTimeout, onOutput: null, cancellation);
        return answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.Length > 66).ToDictionary(l => l[66..], l => l[..64]);
    }

    private static IEnumerable<VhdFact> Parse(string answer)
    {
        foreach (var line in answer.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(' ', 5);
            if (parts.Length != 5)
            {
                throw new Dom0Exception("dom0's answer about VHD files is not of the expected form.");
            }

            yield return Parse(parts[4], long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], Convert.FromHexString(parts[2]), Convert.FromHexString(parts[3]));
        }
    }

    private static VhdFact Parse(string name, long size, string modified, byte[] head, byte[] tail)
    {
        var problem = "it is too short";
        if (head.Length < HeadBytes || VhdFooter.TryParse(head, out problem) is not { } footer)
        {
            // A fixed image has its footer at its end only.
            return tail.Length == VhdLayout.FooterSize && VhdFooter.TryParse(tail, out _) is { Type: VhdType.Fixed } only
                ? new VhdFact(name, size, modified, only.Uuid, null, only.CurrentSize, only.Hidden)
                : throw new Dom0Exception($"{name} is no VHD: {problem}.");
        }

        if (VhdHeader.TryParse(head.AsSpan(VhdLayout.FooterSize), out problem) is not { } header)
        {
            throw new Dom0Exception($"{name} is no VHD: {problem}.");
        }

        return new VhdFact(name, size, modified, footer.Uuid, footer.Type == VhdType.Differencing ? header.ParentUuid : null, footer.CurrentSize, footer.Hidden);
    }
}

using System.IO.Enumeration;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>
/// scan -f -m GLOB [-p tree] [-c go on after a bad file] [F …]: one line per image. A missing parent is no error here; a bad image is.
/// </summary>
internal static class ScanCommand
{
    public const string Flags = "m:fpcav";

    private sealed record Node(string Path, string? Parent, string Line);

    public static int Run(Flags flags, TextWriter stdout)
    {
        var nodes = new List<Node>();
        var exit = 0;
        foreach (var path in Matches(flags))
        {
            try
            {
                nodes.Add(Look(path));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                exit = Errno.Of(failure);
                nodes.Add(new Node(path, null, $"vhd={path} scan-error=-{exit} error-message='opening file'"));
                if (!flags.Has('c'))
                {
                    break;
                }
            }
        }

        if (flags.Has('p'))
        {
            var names = nodes.Select(node => Path.GetFileName(node.Path)).ToHashSet(StringComparer.Ordinal);
            foreach (var root in nodes.Where(node => node.Parent is null || !names.Contains(node.Parent)))
            {
                PrintTree(root, nodes, 0, stdout);
            }
        }
        else
        {
            nodes.ForEach(node => stdout.WriteLine(node.Line));
        }

        return exit;
    }

    /// <summary>Files of the glob's directory whose names match, sorted, then those named one by one.</summary>
    private static IEnumerable<string> Matches(Flags flags)
    {
        if (flags.Get('m') is { } glob)
        {
            var directory = Path.GetDirectoryName(glob) ?? "";
            var pattern = Path.GetFileName(glob);
            var paths = Directory.Exists(directory.Length > 0 ? directory : ".")
                ? Directory.GetFiles(directory.Length > 0 ? directory : ".")
                : [];
            foreach (var name in paths.Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal))
            {
                if (FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false))
                {
                    yield return Path.Combine(directory, name);
                }
            }
        }

        foreach (var other in flags.Others)
        {
            yield return other;
        }
    }

    private static Node Look(string path)
    {
        using var file = VhdFile.Open(path);
        var parent = file.Type == VhdType.Differencing ? file.Header!.ParentName : null;
        return new Node(
            path,
            parent,
            $"vhd={path} capacity={file.VirtualSize} size={file.PhysicalUtilisation} hidden={(file.Hidden ? 1 : 0)} parent={parent ?? "none"}");
    }

    private static void PrintTree(Node node, List<Node> nodes, int depth, TextWriter stdout)
    {
        stdout.WriteLine(new string(' ', depth * 3) + node.Line);
        foreach (var child in nodes.Where(other => other.Parent == Path.GetFileName(node.Path)))
        {
            PrintTree(child, nodes, depth + 1, stdout);
        }
    }
}

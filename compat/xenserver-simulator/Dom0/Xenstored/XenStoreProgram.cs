namespace NovaShim.XenServerSimulator.Dom0.Xenstored;

/// <summary>What dom0's <c>xenstore-read</c>, <c>-write</c>, <c>-rm</c>, <c>-list</c> and <c>-exists</c> do: their flags, texts and exit statuses.</summary>
internal static class XenStoreProgram
{
    /// <summary>How the programs' names begin; the simulator's own program answers to them.</summary>
    public const string Prefix = "xenstore-";

    /// <summary>The programs there are, without the prefix: the letters of the flags each takes, and how it is used.</summary>
    private static readonly Dictionary<string, (string Flags, string Usage)> Modes = new(StringComparer.Ordinal)
    {
        ["read"] = ("sp", "[-h] [-p] [-s] key [...]"),
        ["write"] = ("s", "[-h] [-s] key value [...]"),
        ["rm"] = ("st", "[-h] [-s] [-t] key [...]"),
        ["list"] = ("sp", "[-h] [-p] [-s] key [...]"),
        ["exists"] = ("s", "[-h] [-s] key [...]"),
    };

    /// <summary>The names of the programs.</summary>
    public static IEnumerable<string> Names => Modes.Keys.Select(mode => Prefix + mode);

    /// <summary>Runs one of them.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="store">The host's store.</param>
    /// <param name="args">Flags and paths.</param>
    /// <param name="stdout">Gets what was read.</param>
    /// <param name="stderr">Gets what went wrong.</param>
    /// <returns>The exit status: 0 or 1.</returns>
    public static int Run(string name, XenStore store, ReadOnlySpan<string> args, TextWriter stdout, TextWriter stderr)
    {
        string mode = name[Prefix.Length..];
        (string known, string usage) = Modes[mode];
        HashSet<char> flags = [];
        while (args is [['-', _, ..] and not "--", ..])
        {
            flags.UnionWith(args[0][1..]);
            args = args[1..];
        }

        args = args is ["--", ..] ? args[1..] : args;
        if (flags.Any(f => !known.Contains(f, StringComparison.Ordinal)) || args.Length == 0 || (mode == "write" && args.Length % 2 != 0))
        {
            stderr.WriteLine($"{name}: Usage: {name} {usage}");
            return 1;
        }

        string[] paths = args.ToArray();
        return mode switch
        {
            "read" => Each(paths, path => Print(store.Read(path) is { } value ? [(flags.Contains('p') ? $"{path}: " : "") + XenStoreText.Show(value)] : null, stdout), "couldn't read path"),
            "list" => Each(paths, path => Print(store.List(path)?.Select(child => (flags.Contains('p') ? $"{path}/" : "") + child), stdout), "could not list path"),
            "exists" => paths.All(path => store.Read(path) is not null) ? 0 : 1,
            "write" => paths.Chunk(2).Select(pair => Each(pair[..1], path => store.Write(path, XenStoreText.Parse(pair[1])), "could not write path")).FirstOrDefault(status => status != 0),
            _ => Each(paths, path => Remove(store, path, tidy: flags.Contains('t')), "could not remove path"),
        };

        int Each(IEnumerable<string> all, Func<string, bool> work, string complaint)
        {
            foreach (string path in all)
            {
                if (!work(path))
                {
                    stderr.WriteLine($"{name}: {complaint} {path}");
                    return 1;
                }
            }

            return 0;
        }
    }

    private static bool Print(IEnumerable<string>? lines, TextWriter stdout)
    {
        foreach (string line in lines ?? [])
        {
            stdout.WriteLine(line);
        }

        return lines is not null;
    }

    /// <summary>Removes a node; when asked to be tidy, also what it was in, as long as that is empty and has no value.</summary>
    private static bool Remove(XenStore store, string path, bool tidy)
    {
        do
        {
            if (!store.Remove(path))
            {
                return false;
            }

            path = path[..Math.Max(1, path.LastIndexOf('/'))];
        }
        while (tidy && path != "/" && store.Read(path) is [] && store.List(path) is []);
        return true;
    }
}

namespace NovaShim.Vhd;

/// <summary>A directory's path with every symbolic link in it followed: a relative path between two files means the same from either side only then.</summary>
internal static class RealPath
{
    private const int MaxLinks = 40;

    public static string Of(string directory)
    {
        var resolved = "/";
        var parts = new Stack<string>(Path.GetFullPath(directory).Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        for (var links = 0; parts.TryPop(out var part);)
        {
            var next = Path.GetFullPath(Path.Combine(resolved, part));
            if (new DirectoryInfo(next).LinkTarget is { } target && ++links <= MaxLinks)
            {
                foreach (var step in Path.GetFullPath(target, resolved).Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                {
                    parts.Push(step);
                }

                resolved = "/";
            }
            else
            {
                resolved = next;
            }
        }

        return resolved;
    }
}

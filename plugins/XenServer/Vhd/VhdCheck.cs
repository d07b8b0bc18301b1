namespace NovaShim.Vhd;

/// <summary>What a check looks at; by default the file alone, without its bitmaps.</summary>
public sealed record VhdCheckOptions
{
    /// <summary>The parents too, each as thoroughly as the file, and that they are the ones their children name.</summary>
    public bool Parents { get; init; }

    /// <summary>That the batmap claims no block to be full that is not.</summary>
    public bool Bitmaps { get; init; }

    /// <summary>A broken or missing end footer is no problem: the image is attached, or its writer was killed.</summary>
    public bool IgnorePrimaryFooter { get; init; }

    /// <summary>A parent of another uuid is no problem.</summary>
    public bool IgnoreParentUuid { get; init; }

    /// <summary>A creation time in the future is no problem.</summary>
    public bool IgnoreTimes { get; init; }

    /// <summary>What "the future" is measured by.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>One file's result.</summary>
/// <param name="Path">The file.</param>
/// <param name="Problems">What is wrong, in vhd-util's words; empty when the file is valid.</param>
public sealed record VhdCheckResult(string Path, IReadOnlyList<string> Problems)
{
    public bool Valid => Problems.Count == 0;
}

/// <summary>Looks for what is wrong with an image, as vhd-util check does. Changes nothing.</summary>
public static class VhdCheck
{
    /// <summary>How far a creation time may lie ahead: hosts' clocks differ.</summary>
    private static readonly TimeSpan _clockSkew = TimeSpan.FromMinutes(30);

    /// <summary>Checks a file and, when asked to, its parents.</summary>
    /// <returns>One result per file that could be reached, the given one first.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static IReadOnlyList<VhdCheckResult> Run(string path, VhdCheckOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new VhdCheckOptions();
        var results = new List<VhdCheckResult>();
        for (string? next = Path.GetFullPath(path); next is not null && results.Count < VhdLayout.MaxChain;)
        {
            var problems = new List<string>();
            results.Add(new VhdCheckResult(next, problems));
            next = CheckFile(next, options, problems, cancellationToken);
            if (next is not null && results.Any(result => result.Path == next))
            {
                problems.Add($"invalid parent {next}: the chain runs in a circle");
                next = null;
            }
        }

        return results;
    }

    /// <summary>Checks one file and gives the path of the parent to check next.</summary>
    private static string? CheckFile(string path, VhdCheckOptions options, List<string> problems, CancellationToken cancellationToken)
    {
        using var medium = FileMedium.Open(path, writable: false);
        CheckFooters(medium, options, problems);
        if (problems.Count > 0)
        {
            return null;
        }

        try
        {
            using var file = VhdFile.Open(path);
            CheckBatmap(file, options, problems, cancellationToken);
            return options.Parents && file.Type == VhdType.Differencing ? CheckParent(file, options, problems) : null;
        }
        catch (VhdFormatException broken)
        {
            problems.Add(broken.Message.StartsWith(path + ": ", StringComparison.Ordinal) ? broken.Message[(path.Length + 2)..] : broken.Message);
            return null;
        }
    }

    private static void CheckFooters(VhdMedium medium, VhdCheckOptions options, List<string> problems)
    {
        if (medium.Length < VhdLayout.FooterSize)
        {
            problems.Add($"primary footer invalid: the file has only {medium.Length} bytes");
            return;
        }

        var primaryBytes = new byte[VhdLayout.FooterSize];
        medium.Read(medium.Length - VhdLayout.FooterSize, primaryBytes);
        var primaryProblem = CheckFooter(primaryBytes, options, out var primary);
        if (primaryProblem.Length > 0 && !options.IgnorePrimaryFooter)
        {
            problems.Add($"primary footer invalid: {primaryProblem}");
        }

        if (primary is { Type: VhdType.Fixed } || problems.Count > 0)
        {
            return;
        }

        var backupBytes = new byte[VhdLayout.FooterSize];
        medium.Read(0, backupBytes);
        var backupProblem = CheckFooter(backupBytes, options, out _);
        if (backupProblem.Length > 0)
        {
            problems.Add($"backup footer invalid: {backupProblem}");
        }
        else if (primaryProblem.Length == 0 && !primaryBytes.AsSpan().SequenceEqual(backupBytes))
        {
            problems.Add("primary and backup footers do not match");
        }
    }

    private static string CheckFooter(byte[] bytes, VhdCheckOptions options, out VhdFooter? footer)
    {
        footer = VhdFooter.TryParse(bytes, out var problem);
        if (footer is null)
        {
            return problem;
        }

        if (!options.IgnoreTimes && VhdTime.ToTime(footer.Timestamp) > options.Time.GetUtcNow() + _clockSkew)
        {
            return "creation time in future";
        }

        return footer.Geometry.Capacity > footer.CurrentSize ? "geometry too large" : "";
    }

    private static void CheckBatmap(VhdFile file, VhdCheckOptions options, List<string> problems, CancellationToken cancellationToken)
    {
        if (file.BatmapProblem() is { Length: > 0 } problem)
        {
            problems.Add(problem);
        }
        else if (options.Bitmaps)
        {
            foreach (var block in file.BlocksFullOnlyInBatmap())
            {
                cancellationToken.ThrowIfCancellationRequested();
                problems.Add($"block {block}: the batmap says it is full, its bitmap does not");
            }
        }
    }

    private static string? CheckParent(VhdFile file, VhdCheckOptions options, List<string> problems)
    {
        if (file.FindParent() is not { } path)
        {
            problems.Add($"error resolving {file.ParentLocator}: -2");
            return null;
        }

        if (!options.IgnoreParentUuid)
        {
            try
            {
                using var parent = VhdFile.Open(path);
                if (parent.Uuid != file.Header!.ParentUuid)
                {
                    problems.Add($"invalid parent {path}: invalid parent uuid");
                    return null;
                }
            }
            catch (VhdFormatException)
            {
                // The parent's own check says what is wrong with it.
                return path;
            }
        }

        return path;
    }
}

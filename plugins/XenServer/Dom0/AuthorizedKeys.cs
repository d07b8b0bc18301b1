namespace NovaShim.XenServer.Dom0;

/// <summary>The line of sshd's authorized_keys that lets one migration's key write into one folder.</summary>
internal static class AuthorizedKeys
{
    /// <summary>How the line of a migration ends, which is how it is found again.</summary>
    public static string Comment(string migration) => "novashim:" + MigrationId.Checked(migration);

    /// <summary>The line, without its end.</summary>
    /// <param name="publicKey">The public key; a comment it came with is dropped.</param>
    /// <param name="rrsync">The path of rrsync.</param>
    /// <param name="folder">The folder that may be written into.</param>
    /// <param name="migration">The migration's UUID.</param>
    /// <exception cref="FormatException">The key is none.</exception>
    /// <exception cref="ArgumentException">A path holds a control character, which would end the line.</exception>
    public static string Line(string publicKey, string rrsync, string folder, string migration)
    {
        if (rrsync.Concat(folder).Any(char.IsControl))
        {
            throw new ArgumentException("A path in authorized_keys cannot hold a control character.");
        }

        // sshd takes the option's value out of its double quotes (\" is a quote), then a shell takes the words.
        var command = $"{Shell.Quote(rrsync)} -wo {Shell.Quote(folder)}".Replace("\"", "\\\"", StringComparison.Ordinal);
        return $"restrict,command=\"{command}\" {SshSyntax.PublicKey(publicKey)} {Comment(migration)}";
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NovaShim.Compute.Identity;

/// <summary>
/// Makes and checks what is kept of passwords: PBKDF2 with HMAC-SHA-512 and a salt of each one's own, as <c>pbkdf2-sha512$rounds$salt$hash</c> (base64). It is slow on purpose; only a few run at
/// the same time, so that logins cannot keep requests with tokens from the processor.
/// </summary>
public sealed class PasswordHash(IdentityOptions options) : IDisposable
{
    private const string Scheme = "pbkdf2-sha512";
    private const int SaltSize = 16;
    private const int HashSize = 64;

    /// <summary>The longest password that is looked at, in characters.</summary>
    public const int MaxLength = 4096;

    private readonly SemaphoreSlim _room = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly Lazy<string> _decoy = new(() => Write(options.PasswordIterations, new byte[SaltSize], new byte[HashSize]));

    /// <summary>What is to be kept of a password.</summary>
    public async Task<string> MakeAsync(string password, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(password);
        var salt = RandomNumberGenerator.GetBytes(SaltSize);
        return Write(options.PasswordIterations, salt, await DeriveAsync(password, salt, options.PasswordIterations, cancellation));
    }

    /// <summary>Whether a password is the one. Without anything kept, for a user who does not exist, it is not, and takes as long.</summary>
    public async Task<bool> CheckAsync(string password, string? kept, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(password);
        if (password.Length > MaxLength)
        {
            return false;
        }

        var (rounds, salt, hash) = Read(kept ?? _decoy.Value);
        var derived = await DeriveAsync(password, salt, rounds, cancellation);
        return CryptographicOperations.FixedTimeEquals(derived, hash) && kept is not null;
    }

    /// <summary>Whether a password is to be made anew with today's number of rounds when its user comes by.</summary>
    public bool IsOutdated(string kept) => Read(kept).Rounds < options.PasswordIterations;

    /// <inheritdoc/>
    public void Dispose() => _room.Dispose();

    private static string Write(int rounds, byte[] salt, byte[] hash) =>
        string.Create(CultureInfo.InvariantCulture, $"{Scheme}${rounds}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}");

    private static (int Rounds, byte[] Salt, byte[] Hash) Read(string kept) => kept.Split('$') is [Scheme, var rounds, var salt, var hash]
        ? (int.Parse(rounds, CultureInfo.InvariantCulture), Convert.FromBase64String(salt), Convert.FromBase64String(hash))
        : throw new FormatException("What is kept of a password is not in a form that is known.");

    private async Task<byte[]> DeriveAsync(string password, byte[] salt, int rounds, CancellationToken cancellation)
    {
        await _room.WaitAsync(cancellation);
        try
        {
            return await Task.Run(() => Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, rounds, HashAlgorithmName.SHA512, HashSize), cancellation);
        }
        finally
        {
            _room.Release();
        }
    }
}

namespace NATS.NKeys;

/// <summary>A text that was given as a key is none.</summary>
public sealed class NKeysException : Exception
{
    /// <summary>A key was refused.</summary>
    public NKeysException()
    {
    }

    /// <summary>A key was refused for the reason in <paramref name="message"/>, which never holds the key.</summary>
    public NKeysException(string message)
        : base(message)
    {
    }

    /// <summary>A key was refused because of <paramref name="innerException"/>.</summary>
    public NKeysException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

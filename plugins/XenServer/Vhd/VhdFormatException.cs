namespace NovaShim.Vhd;

/// <summary>A file is not the VHD it claims to be: the message names the structure, the place and what is wrong with it.</summary>
public class VhdFormatException : IOException
{
    public VhdFormatException()
    {
    }

    public VhdFormatException(string message) : base(message)
    {
    }

    public VhdFormatException(string message, Exception innerException) : base(message, innerException)
    {
    }
}

/// <summary>A differencing image names a parent that is not where its locators say.</summary>
public sealed class VhdParentMissingException : VhdFormatException
{
    public VhdParentMissingException()
    {
    }

    public VhdParentMissingException(string message) : base(message)
    {
    }

    public VhdParentMissingException(string message, Exception innerException) : base(message, innerException)
    {
    }

    public VhdParentMissingException(string child, string locator)
        : base($"{child}: its parent {locator} cannot be found") => Locator = locator;

    /// <summary>The parent's path as the child stores it, relative to the child's directory ("./x.vhd").</summary>
    public string Locator { get; } = "";
}

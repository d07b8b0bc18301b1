namespace NovaShim.Api.Representations;

/// <summary>A document whose members stand at its root in JSON, without the one key that other documents have there. In XML they stand in an element.</summary>
internal interface IUnwrapped
{
    /// <summary>The element's name.</summary>
    string XmlName { get; }
}

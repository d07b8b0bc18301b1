using NovaShim.Api.Requests;

namespace NovaShim.Api.Extensions;

/// <summary>An extension of the core API.</summary>
internal sealed record ExtensionView(string Name, string Namespace, string Alias, string Updated, string Description, IReadOnlyList<Link> Links);

/// <summary>The extensions.</summary>
internal sealed record ExtensionsEnvelope(IReadOnlyList<ExtensionView> Extensions);

/// <summary>One of them.</summary>
internal sealed record ExtensionEnvelope(ExtensionView Extension);

namespace NovaShim.Api.ServerGroups;

/// <summary>A server group, with exactly Nova's keys.</summary>
internal sealed record ServerGroupView(string Id, string Name, IReadOnlyList<string> Policies, IReadOnlyList<string> Members, IReadOnlyDictionary<string, string> Metadata);

/// <summary>One group.</summary>
internal sealed record ServerGroupEnvelope(ServerGroupView ServerGroup);

/// <summary>Groups.</summary>
internal sealed record ServerGroupsEnvelope(IReadOnlyList<ServerGroupView> ServerGroups);

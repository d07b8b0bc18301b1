using NovaShim.Api.Representations;

namespace NovaShim.Api.Hosts;

/// <summary>A service on a host.</summary>
internal sealed record HostView(string HostName, string Service, string Zone);

/// <summary>Services by host.</summary>
internal sealed record HostsEnvelope(IReadOnlyList<HostView> Hosts);

/// <summary>What a host has, or what a project has of it.</summary>
internal sealed record HostResource(string Host, string Project, int Cpu, int MemoryMb, int DiskGb);

/// <summary>The same, by the key it stands under.</summary>
internal sealed record HostResourceView(HostResource Resource);

/// <summary>What a host has, what is used of it and by which projects.</summary>
internal sealed record HostEnvelope(IReadOnlyList<HostResourceView> Host);

/// <summary>What was changed of a host.</summary>
internal sealed record HostChange(string Host, string Status) : IUnwrapped
{
    string IUnwrapped.XmlName => "host";
}

namespace NovaShim.XenServerSimulator.XenApi.Pool;

/// <summary>What makes this process this host.</summary>
/// <param name="Name">Name label and host name, e.g. <c>xen1</c>.</param>
/// <param name="ProductVersion">The release it plays, e.g. <c>8.2.1</c>.</param>
/// <param name="UserName">Who may log in.</param>
/// <param name="Password">With which password.</param>
/// <param name="MemoryBytes">All memory of the host.</param>
internal sealed record HostIdentity(string Name, string ProductVersion, string UserName, string Password, long MemoryBytes);

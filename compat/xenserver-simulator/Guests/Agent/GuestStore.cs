using NovaShim.XenServerSimulator.Dom0.Xenstored;

namespace NovaShim.XenServerSimulator.Guests.Agent;

/// <summary>XenStore as a guest sees it: paths are relative to its domain's place.</summary>
internal sealed class GuestStore(XenStore store, int domid)
{
    private readonly string _home = XenStore.HomeOf(domid);

    /// <summary>A node's value; null when there is no such node.</summary>
    public byte[]? Read(string path) => store.Read($"{_home}/{path}");

    /// <summary>The names of the nodes in a node; none when there is no such node.</summary>
    public IReadOnlyList<string> List(string path) => store.List($"{_home}/{path}") ?? [];

    /// <summary>Removes a node.</summary>
    public void Remove(string path) => store.Remove($"{_home}/{path}");

    /// <summary>Writes a node's value, unless the domain is gone, whose place nobody may make again.</summary>
    public bool Write(string path, ReadOnlySpan<byte> value) => store.Read(_home) is not null && store.Write($"{_home}/{path}", value);
}

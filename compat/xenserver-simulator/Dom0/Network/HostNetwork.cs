namespace NovaShim.XenServerSimulator.Dom0.Network;

/// <summary>The network of one host as its folder describes it: a link to the other hosts and one for management.</summary>
internal sealed class HostNetwork(string root, TimeProvider time) : IDisposable
{
    /// <summary>Traffic between this host and other hosts.</summary>
    public NetworkLink Peers { get; } = new(time);

    /// <summary>Traffic of whoever administers the host.</summary>
    public NetworkLink Management { get; } = new(time);

    /// <summary>Takes over what the file says now.</summary>
    public void Refresh()
    {
        NetworkState state = NetworkState.Read(root);
        Peers.Apply(state);
        Management.Apply(state.All ? state : NetworkState.Whole);
    }

    public void Dispose()
    {
        Peers.Dispose();
        Management.Dispose();
    }
}

using NovaShim.Sdk;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>
/// The figures that XenServer collects of a running VM, under its names: <c>cpu0</c> (a fraction of 1), <c>memory</c> (bytes), <c>vbd_xvda_write</c> and <c>vif_0_rx</c> (bytes per second) and so on.
/// </summary>
internal sealed class ServerFigures(XenServerHost host, ServerVms vms, Instance instance)
{
    private readonly Session _session = host.Session;

    /// <summary>Nova's <c>get_diagnostics</c>. A VM that is down has none.</summary>
    public async Task<IReadOnlyDictionary<string, double>> ReadAsync(CancellationToken cancellation)
    {
        var vm = await vms.GetInFrontAsync(instance.Uuid, cancellation);
        var figures = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var source in (await VM.get_data_sources(_session, vm.Reference, cancellation)).Where(s => s.enabled))
        {
            try
            {
                var value = await VM.query_data_source(_session, vm.Reference, source.name_label, cancellation);
                if (double.IsFinite(value))
                {
                    figures[source.name_label] = value;
                }
            }
            catch (Failure f) when (f.Code == Failure.INTERNAL_ERROR)
            {
                // Named, but not collected: the VM has just gone down, or the figure is too new.
                _ = f;
            }
        }

        return figures;
    }
}

using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Limits;

/// <summary>What a tenant uses.</summary>
/// <param name="Instances">Servers.</param>
/// <param name="Cores">Virtual CPUs.</param>
/// <param name="Ram">Memory in MiB.</param>
internal sealed record QuotaUsage(int Instances, int Cores, int Ram);

/// <summary>Holds tenants to their quotas. What is used is counted from the servers themselves; two requests at the same moment may both pass.</summary>
internal sealed class Quotas(IDocumentStore store, QuotaOptions options)
{
    /// <summary>What each tenant may have.</summary>
    public QuotaOptions Limits => options;

    /// <summary>What a tenant uses.</summary>
    public async Task<QuotaUsage> UsedByAsync(string projectId, CancellationToken cancellation)
    {
        var instances = store.Collection<InstanceDocument>();
        var flavors = await instances.ListAsync(instances.Query().Where(i => i.ProjectId == projectId && !i.Deleted).Select(i => i.Flavor), cancellation);
        return new QuotaUsage(flavors.Count, flavors.Sum(f => f.Vcpus), flavors.Sum(f => f.MemoryMb));
    }

    /// <summary>
    /// Throws the surface's fault when the tenant may not have so many more servers of a flavor; 0 with <paramref name="instead"/>: a server changes its
    /// flavor.
    /// </summary>
    public async Task CheckAsync(ApiRequest request, string projectId, int instances, Flavor flavor, Flavor? instead, CancellationToken cancellation)
    {
        var used = await UsedByAsync(projectId, cancellation);
        Check(request, "instances", used.Instances, instances, options.Instances);

        // A resize brings no server, but one server's difference.
        var multiple = Math.Max(instances, 1);
        Check(request, "cores", used.Cores, (long)multiple * flavor.Vcpus - (instead?.Vcpus ?? 0), options.Cores);
        Check(request, "ram", used.Ram, (long)multiple * flavor.MemoryMb - (instead?.MemoryMb ?? 0), options.Ram);
    }

    /// <summary>How many more servers of a flavor the tenant may have, between two bounds.</summary>
    public async Task<int> MostAsync(string projectId, int least, int most, Flavor flavor, CancellationToken cancellation)
    {
        var used = await UsedByAsync(projectId, cancellation);
        var room = new[]
        {
            Room(options.Instances, used.Instances, 1), Room(options.Cores, used.Cores, flavor.Vcpus), Room(options.Ram, used.Ram, flavor.MemoryMb), (long)most,
        };
        return (int)Math.Max(least, room.Min());
    }

    private static long Room(int limit, int used, int each) => limit < 0 || each == 0 ? long.MaxValue : (limit - used) / each;

    private static void Check(ApiRequest request, string resource, int used, long more, int limit)
    {
        if (limit >= 0 && more > 0 && used + more > limit)
        {
            throw Fault.OverQuota(request.Surface, $"Quota exceeded for {resource}: Requested {more}, but already used {used} of {limit} {resource}");
        }
    }
}

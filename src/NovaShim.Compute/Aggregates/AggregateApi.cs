using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;

namespace NovaShim.Compute.Aggregates;

/// <summary>
/// The verbs of aggregates. A host is in one zone only: aggregates are documents of their own, so that what could put a host into two is looked at again after it is written, and taken back.
/// Where the process dies in between, the older aggregate's zone counts.
/// </summary>
public sealed class AggregateApi(IDocumentStore store)
{
    private const string Add = "add_host_to_aggregate";

    private readonly IDocumentCollection<AggregateDocument> _aggregates = store.Collection<AggregateDocument>();

    /// <summary>All aggregates, by id.</summary>
    public Task<IReadOnlyList<AggregateDocument>> ListAsync(CancellationToken cancellation) => _aggregates.ListAsync(_aggregates.Query().OrderBy(a => a.Id), cancellation);

    /// <summary>One of them.</summary>
    public async Task<AggregateDocument> GetAsync(int id, CancellationToken cancellation) =>
        await _aggregates.FirstOrDefaultAsync(a => a.Id == id, cancellation) ?? throw NotFound(id);

    /// <summary>Makes one.</summary>
    public async Task<AggregateDocument> CreateAsync(string name, string? zone, CancellationToken cancellation)
    {
        try
        {
            return await _aggregates.InsertAsync(
                new AggregateDocument
                {
                    Key = Guid.NewGuid().ToString(), Id = await store.NextIdAsync<AggregateDocument>(cancellation), Name = name,
                    Metadata = zone is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [AggregateDocument.ZoneKey] = zone },
                },
                cancellation);
        }
        catch (DuplicateKeyException)
        {
            throw NameTaken(name);
        }
    }

    /// <summary>Gives it another name and other metadata; an item that is null is taken out.</summary>
    public async Task<AggregateDocument> UpdateAsync(int id, string? name, IReadOnlyDictionary<string, string?> metadata, CancellationToken cancellation)
    {
        var before = await GetAsync(id, cancellation);
        var changed = metadata.TryGetValue(AggregateDocument.ZoneKey, out var zone) && zone != before.Zone();
        if (changed && zone is not null)
        {
            await CheckZonesAsync(before, zone, before.Hosts, "update aggregate", cancellation);
        }

        AggregateDocument? after;
        try
        {
            after = await _aggregates.UpdateAsync(before.Key, a => a with { Name = name ?? a.Name, Metadata = Merge(a.Metadata, metadata) }, cancellation) ?? throw NotFound(id);
        }
        catch (DuplicateKeyException)
        {
            throw NameTaken(name!);
        }

        if (changed && zone is not null)
        {
            await CheckedAgainAsync(after, zone, after.Hosts, "update aggregate", a => a with { Name = before.Name, Metadata = before.Metadata }, cancellation);
        }

        return after;
    }

    /// <summary>Removes it; not while hosts are in it.</summary>
    public async Task DeleteAsync(int id, CancellationToken cancellation)
    {
        while (true)
        {
            var aggregate = await GetAsync(id, cancellation);
            if (aggregate.Hosts.Count > 0)
            {
                throw Invalid("delete", id, "Host aggregate is not empty");
            }

            if (await _aggregates.DeleteAsync(aggregate, cancellation))
            {
                return;
            }
        }
    }

    /// <summary>Puts a host into it.</summary>
    public async Task<AggregateDocument> AddHostAsync(int id, string host, CancellationToken cancellation)
    {
        var before = await GetAsync(id, cancellation);
        if (await store.Collection<ServiceDocument>().FirstOrDefaultAsync(s => s.Host == host && s.Binary == ServiceGroup.ComputeBinary, cancellation) is null)
        {
            throw new AggregateRefusedException(AggregateRefusal.NoHost, $"Compute host {host} could not be found.");
        }

        if (before.Zone() is { } zone)
        {
            await CheckZonesAsync(before, zone, [host], Add, cancellation);
        }

        var after = await _aggregates.UpdateAsync(
            before.Key,
            a => a.Hosts.Contains(host) ? throw new AggregateRefusedException(AggregateRefusal.HostThere, $"Aggregate {id} already has host {host}.") : a with { Hosts = [.. a.Hosts, host] },
            cancellation) ?? throw NotFound(id);
        if (after.Zone() is { } now)
        {
            await CheckedAgainAsync(after, now, [host], Add, a => Without(a, host), cancellation);
        }

        return after;
    }

    /// <summary>Takes a host out of it.</summary>
    public async Task<AggregateDocument> RemoveHostAsync(int id, string host, CancellationToken cancellation) =>
        await _aggregates.UpdateAsync(
            (await GetAsync(id, cancellation)).Key,
            a => a.Hosts.Contains(host) ? Without(a, host) : throw new AggregateRefusedException(AggregateRefusal.HostNotThere, $"Cannot remove host {host} in aggregate {id}"),
            cancellation) ?? throw NotFound(id);

    /// <summary>Takes a host that is no more out of all of them.</summary>
    public async Task ForgetHostAsync(string host, CancellationToken cancellation)
    {
        foreach (var aggregate in await ListAsync(cancellation))
        {
            await _aggregates.UpdateAsync(aggregate.Key, a => a.Hosts.Contains(host) ? Without(a, host) : null, cancellation);
        }
    }

    private async Task CheckedAgainAsync(
        AggregateDocument written, string zone, IReadOnlyList<string> hosts, string action, Func<AggregateDocument, AggregateDocument> takeBack, CancellationToken cancellation)
    {
        try
        {
            await CheckZonesAsync(written, zone, hosts, action, cancellation);
        }
        catch (AggregateRefusedException)
        {
            await _aggregates.UpdateAsync(written.Key, takeBack, CancellationToken.None);
            throw;
        }
    }

    private async Task CheckZonesAsync(AggregateDocument aggregate, string zone, IReadOnlyList<string> hosts, string action, CancellationToken cancellation)
    {
        foreach (var other in await ListAsync(cancellation))
        {
            if (other.Id != aggregate.Id && other.Zone() is { } elsewhere && elsewhere != zone && other.Hosts.FirstOrDefault(hosts.Contains) is { } host)
            {
                throw Invalid(action, aggregate.Id, $"Host {host} already in availability zone \"{elsewhere}\"", action == Add ? AggregateRefusal.HostInAnotherZone : AggregateRefusal.InvalidAction);
            }
        }
    }

    private static AggregateDocument Without(AggregateDocument aggregate, string host) => aggregate with { Hosts = [.. aggregate.Hosts.Where(h => h != host)] };

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> now, IReadOnlyDictionary<string, string?> given)
    {
        var merged = now.Where(item => !given.ContainsKey(item.Key)).ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in given)
        {
            if (value is not null)
            {
                merged[key] = value;
            }
        }

        return merged;
    }

    private static AggregateRefusedException NotFound(int id) => new(AggregateRefusal.NoAggregate, $"Aggregate {id} could not be found.");

    private static AggregateRefusedException NameTaken(string name) => new(AggregateRefusal.NameTaken, $"Aggregate {name} already exists.");

    private static AggregateRefusedException Invalid(string action, int id, string why, AggregateRefusal reason = AggregateRefusal.InvalidAction) =>
        new(reason, $"Cannot perform action '{action}' on aggregate {id}. Reason: {why}.");
}

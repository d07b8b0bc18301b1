using NovaShim.Api.Tests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;

namespace NovaShim.Fuzz.Tests;

/// <summary>
/// The cloud that is fuzzed: a server, an image and a flavor that the requests are about, put back whenever a request did something to them, and others that no request is about, which must be as they
/// were at the end.
/// </summary>
internal sealed class Scene : IAsyncDisposable
{
    /// <summary>The flavor requests are about.</summary>
    public const string FlavorId = "fuzzed";

    private static readonly string[] Users = ["alice", "bob", "admin"];

    private readonly List<InstanceDocument> _bystanders = [];
    private InstanceDocument _pristine = null!;
    private IReadOnlyList<ImageDocument> _images = [];
    private IReadOnlyList<FlavorDocument> _flavors = [];

    private Scene(Face face) => (Face, Http) = (face, new RawHttp(new Uri(face.BaseUrl)));

    /// <summary>The face.</summary>
    public Face Face { get; }

    /// <summary>Sends to it.</summary>
    public RawHttp Http { get; }

    /// <summary>The routes.</summary>
    public IReadOnlyList<FuzzedRoute> Routes { get; private set; } = [];

    /// <summary>The server requests are about.</summary>
    public string ServerId => _pristine.Uuid;

    /// <summary>A server that belongs to another tenant.</summary>
    public string OthersServerId => _bystanders[0].Uuid;

    /// <summary>The tokens, by user.</summary>
    public IReadOnlyDictionary<string, string> Tokens { get; private set; } = new Dictionary<string, string>();

    /// <summary>The tenants, by user.</summary>
    public IReadOnlyDictionary<string, string> Tenants { get; private set; } = new Dictionary<string, string>();

    private IDocumentCollection<InstanceDocument> Instances => Face.Store.Collection<InstanceDocument>();

    private IDocumentCollection<ImageDocument> Images => Face.Store.Collection<ImageDocument>();

    private IDocumentCollection<FlavorDocument> Flavors => Face.Store.Collection<FlavorDocument>();

    public static async Task<Scene> StartAsync()
    {
        // With quotas as they ship: what is made by requests that happen to be right is bounded by them.
        var scene = new Scene(await Face.StartAsync(("quota:instances", "10"), ("quota:cores", "20"), ("quota:ram", "51200")));
        scene._bystanders.Add(await scene.Face.AddServerAsync("bob", "bystander", change: i => i with { Metadata = new Dictionary<string, string> { ["kept"] = "as it is" } }));
        scene._bystanders.Add(await scene.Face.AddServerAsync("alice", "bystander", change: i => i with { Metadata = new Dictionary<string, string> { ["kept"] = "as it is" } }));
        scene._pristine = await scene.Face.AddServerAsync("alice", "subject", change: i => i with { Metadata = new Dictionary<string, string> { ["k"] = "v" } });
        scene._images = await scene.Images.WhereAsync(_ => true, default);
        scene._flavors = await scene.Flavors.WhereAsync(_ => true, default);
        scene.Routes = RouteTable.Of(scene.Face);
        scene.Tenants = Users.ToDictionary(u => u, scene.Face.ProjectIdOf);
        await scene.LogInAsync();
        return scene;
    }

    /// <summary>New tokens: a request may have ended the old ones.</summary>
    public async Task LogInAsync()
    {
        var tokens = new Dictionary<string, string>();
        foreach (var user in Tenants.Keys)
        {
            tokens[user] = await Face.LogInAsync(user);
        }

        Tokens = tokens;
    }

    /// <summary>How often the subject has been written: a refused request leaves it alone.</summary>
    public async Task<long> RevisionAsync() => (await Instances.GetAsync(_pristine.Key, default))?.Revision ?? -1;

    /// <summary>Puts back what requests are about, when one of them had its way with it.</summary>
    public async Task RestageAsync()
    {
        if (await Instances.GetAsync(_pristine.Key, default) is not { } subject)
        {
            await Instances.InsertAsync(_pristine, default);
        }
        else if (subject.TaskState is not null || subject.Deleted || subject.Locked || subject.VmState != _pristine.VmState || subject.Metadata.Count > 20)
        {
            await Instances.UpdateAsync(_pristine.Key, i => _pristine with { Revision = i.Revision }, default);
        }

        if (await Flavors.FirstOrDefaultAsync(f => f.FlavorId == FlavorId, default) is null)
        {
            await Flavors.InsertAsync(_flavors[0] with { Key = Guid.NewGuid().ToString(), FlavorId = FlavorId, Name = $"fuzzed-{Guid.NewGuid():N}", Id = await Face.Store.NextIdAsync<FlavorDocument>(default) }, default);
        }

        var kept = _bystanders.Select(b => b.Key).Append(_pristine.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var made in (await Instances.WhereAsync(_ => true, default)).Where(i => !kept.Contains(i.Key)))
        {
            await Instances.DeleteAsync(made, default);
        }
    }

    /// <summary>What of the things no request was about is not as it was.</summary>
    public async Task<IReadOnlyList<string>> ChangesAsync()
    {
        var changes = new List<string>();
        foreach (var bystander in _bystanders)
        {
            var now = await Instances.GetAsync(bystander.Key, default);
            if (now?.Revision != bystander.Revision || now.DisplayName != bystander.DisplayName || now.Metadata["kept"] != "as it is")
            {
                changes.Add($"server {bystander.Uuid} of {bystander.ProjectId}: {now}");
            }
        }

        foreach (var image in _images)
        {
            if ((await Images.GetAsync(image.Key, default))?.Revision != image.Revision || !File.Exists(image.Location))
            {
                changes.Add($"image {image.Uuid} {image.Name}");
            }
        }

        foreach (var flavor in _flavors)
        {
            if ((await Flavors.GetAsync(flavor.Key, default))?.Revision != flavor.Revision)
            {
                changes.Add($"flavor {flavor.FlavorId}");
            }
        }

        return changes;
    }

    public async ValueTask DisposeAsync() => await Face.DisposeAsync();
}

using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NovaShim.Api.Images;
using NovaShim.Api.Tests.Spec;
using NovaShim.Compute;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Documents.Embedded;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Identity;
using NovaShim.Compute.Images;
using NovaShim.Compute.Messaging.InProcess;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests;

/// <summary>The face on a real port over the embedded store and the real verbs, without anybody who acts on them: what servers come to is put into the store by the tests.</summary>
public sealed class Face : IAsyncLifetime
{
    public const string ImageId = "70a599e0-31e7-49b7-b260-868f441e862b";
    public const string PrivateImageId = "155d900f-4e14-4e4c-a73d-069cbf4541e6";

    private readonly Dictionary<string, string?> _settings;
    private readonly string _folder = Directory.CreateTempSubdirectory("novashim-api-").FullName;
    private readonly SocketsHttpHandler _handler = new() { AllowAutoRedirect = false, UseCookies = false };
    private readonly AnswerWatch _watch = new();
    private WebApplication? _app;

    public Face() : this([])
    {
    }

    private Face(Dictionary<string, string?> settings) => _settings = settings;

    public string BaseUrl { get; private set; } = "";

    public HttpClient Http { get; private set; } = null!;

    /// <summary>Judges every answer by <c>api-spec</c>.</summary>
    internal AnswerWatch Watch => _watch;

    public IDocumentStore Store => _app!.Services.GetRequiredService<IDocumentStore>();

    public IServiceProvider Services => _app!.Services;

    public static async Task<Face> StartAsync(params (string Key, string Value)[] settings)
    {
        var face = new Face(settings.ToDictionary(s => s.Key, s => (string?)s.Value));
        await face.InitializeAsync();
        return face;
    }

    public async Task InitializeAsync()
    {
        var settings = new Dictionary<string, string?>
        {
            // What a password costs is no matter of these tests.
            ["identity:password_iterations"] = "1000",
            ["quota:instances"] = "-1", ["quota:cores"] = "-1", ["quota:ram"] = "-1",
            ["identity:users:0:name"] = "alice", ["identity:users:0:password"] = "alice's secret", ["identity:users:0:project"] = "alpha",
            ["identity:users:1:name"] = "bob", ["identity:users:1:password"] = "bob's secret", ["identity:users:1:project"] = "beta",
            ["identity:users:2:name"] = "admin", ["identity:users:2:password"] = "admin's secret", ["identity:users:2:project"] = "admin", ["identity:users:2:admin"] = "true",
        };
        foreach (var (key, value) in _settings)
        {
            settings[key] = value;
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(settings);
        builder.WebHost.UseKestrelCore().UseUrls(settings.GetValueOrDefault("api:urls") ?? "http://127.0.0.1:0");
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddRouting().AddInProcessMessageBus().AddEmbeddedDocumentStore(Path.Combine(_folder, "store.db"))
            .AddNovaCompute(new ComputeOptions(), ProcessIdentity.OnlyOne, new ImageStoreOptions { Path = Path.Combine(_folder, "images"), MaxBytes = 1 << 20 }).AddExternalImages(builder.Configuration).AddNovaApi(builder.Configuration);
        _app = builder.Build();
        _app.Use(_watch.InvokeAsync);
        _app.MapNovaApi();
        await Store.InitializeAsync(default);
        await FlavorSeeds.PlantAsync(Store, builder.Configuration, default);
        await _app.StartAsync();
        await AddImageAsync(ImageId, "debian", projectId: null);
        if (!settings.ContainsKey("identity:mode"))
        {
            await AddImageAsync(PrivateImageId, "bob's own", ProjectIdOf("bob"));
        }

        BaseUrl = _app.Urls.Single();
        Http = new HttpClient(_handler, disposeHandler: false) { BaseAddress = new Uri(BaseUrl) };
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        _handler.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        await _watch.ThrowIfFoundAsync();
    }

    public string ProjectIdOf(string user)
    {
        var users = Store.Collection<UserDocument>();
        return users.Query().Single(u => u.Name == user).DefaultProjectId!;
    }

    public async Task<string> LogInAsync(string user)
    {
        using var answer = await Http.PostAsJsonAsync("/v3/auth/tokens", PasswordBody(user, $"{user}'s secret"));
        Assert.Equal(201, (int)answer.StatusCode);
        return answer.Headers.GetValues("X-Subject-Token").Single();
    }

    public static JsonObject PasswordBody(string user, string password, JsonObject? scope = null)
    {
        var auth = new JsonObject
        {
            ["identity"] = new JsonObject
            {
                ["methods"] = new JsonArray("password"),
                ["password"] = new JsonObject { ["user"] = new JsonObject { ["name"] = user, ["domain"] = new JsonObject { ["name"] = "Default" }, ["password"] = password } },
            },
        };
        if (scope is not null)
        {
            auth["scope"] = scope;
        }

        return new JsonObject { ["auth"] = auth };
    }

    /// <summary>Sends as a user. A path that begins with <c>v1.1:</c>, <c>v2:</c> or <c>v2.1:</c> goes below that surface's root, with the user's tenant where the surface wants it.</summary>
    public async Task<Reply> SendAsync(string? user, string method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        if (path.Split(':', 2) is [("v1.1" or "v2" or "v2.1") and var version, var tail])
        {
            path = version == "v2.1" ? $"/v2.1{tail}" : $"/{version}/{ProjectIdOf(user!)}{tail}";
        }

        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (user is not null)
        {
            request.Headers.Add("X-Auth-Token", await LogInAsync(user));
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        foreach (var (name, value) in headers)
        {
            if (name == "Content-Type")
            {
                request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        await _watch.ThrowIfFoundAsync(answer.Headers.TryGetValues("x-openstack-request-id", out var ids) ? ids.First() : null);
        var isJson = answer.Content.Headers.ContentType?.MediaType == "application/json";
        return new Reply((int)answer.StatusCode, text, isJson && text.Length > 0 ? JsonNode.Parse(text) : null, answer.Headers.ToDictionary(h => h.Key, h => string.Join(',', h.Value), StringComparer.OrdinalIgnoreCase));
    }

    public async Task<InstanceDocument> AddServerAsync(string user, string name = "server", string vmState = VmStates.Active, Func<InstanceDocument, InstanceDocument>? change = null, string flavorId = "2")
    {
        var uuid = Guid.NewGuid().ToString();
        var flavor = (await Store.Collection<FlavorDocument>().FirstOrDefaultAsync(f => f.FlavorId == flavorId, default))!.ToFlavor();
        var instance = new InstanceDocument
        {
            Key = uuid, Uuid = uuid, Id = await Store.NextIdAsync<InstanceDocument>(default), DisplayName = name, ProjectId = ProjectIdOf(user), UserId = user, ImageRef = ImageId, Flavor = flavor,
            Host = "xen1", Node = "xen1.example", VmState = vmState, PowerState = PowerState.Running, Progress = 100, Addresses = ["10.0.0.2"], ReservationId = "r-1",
        };
        return await Store.Collection<InstanceDocument>().InsertAsync(change is null ? instance : change(instance), default);
    }

    private Task AddImageAsync(string id, string name, string? projectId)
    {
        var path = Path.Combine(_folder, id);
        File.WriteAllBytes(path, [1, 2, 3]);
        return Store.Collection<ImageDocument>().InsertAsync(new ImageDocument { Key = id, Uuid = id, Name = name, DiskFormat = "vhd", Size = 3, Location = path, ProjectId = projectId }, default);
    }
}

/// <summary>What came back.</summary>
public sealed record Reply(int Status, string Text, JsonNode? Json, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The fault's name and message.</summary>
    public (string Name, string Message) Fault => Json!.AsObject().Single() is var (name, fault) && fault!["code"]!.GetValue<int>() == Status ? (name, fault["message"]!.GetValue<string>()) : default;
}

/// <summary>Tests that share one face and clean nothing away: each works with servers of its own.</summary>
[CollectionDefinition(Name)]
public sealed class SharedFace : ICollectionFixture<Face>
{
    public const string Name = "face";
}

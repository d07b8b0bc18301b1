using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Agents;
using NovaShim.Compute.Documents;

namespace NovaShim.Api.Agents;

/// <summary>The builds of the guest agent, for administrators.</summary>
internal sealed partial class AgentEndpoints(IDocumentStore store) : IComputeCapability
{
    private IDocumentCollection<AgentBuildDocument> Builds => store.Collection<AgentBuildDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-agents", ListAsync).AdminOnly();
        routes.OnPost("/os-agents", CreateAsync).AdminOnly();
        routes.OnPut("/os-agents/{id}", UpdateAsync).AdminOnly();
        routes.OnDelete("/os-agents/{id}", DeleteAsync).AdminOnly();
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var all = Builds.Query();
        var found = await Builds.ListAsync((request.QueryValue("hypervisor") is { } hypervisor ? all.Where(b => b.Hypervisor == hypervisor) : all).OrderBy(b => b.Id), cancellation);
        return Answer.Of(new AgentsEnvelope([.. found.Select(View)]), ApiJson.Default.AgentsEnvelope);
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        (await request.BodyAsync(cancellation)).Only(request.Surface, "agent");
        var body = (await request.BodyAsync("agent", cancellation)).Only(request.Surface, "hypervisor", "os", "architecture", "version", "url", "md5hash");
        var build = new AgentBuildDocument
        {
            Key = Guid.NewGuid().ToString(), Id = 0, Hypervisor = Word(body, "hypervisor"), Os = Word(body, "os"), Architecture = Word(body, "architecture"),
            Version = Word(body, "version"), Url = UrlOf(body), Md5Hash = HashOf(body),
        };
        try
        {
            return Show(View(await Builds.InsertAsync(build with { Id = await store.NextIdAsync<AgentBuildDocument>(cancellation) }, cancellation)));
        }
        catch (DuplicateKeyException)
        {
            throw Fault.Conflict($"Agent-build with hypervisor {build.Hypervisor} os {build.Os} architecture {build.Architecture} exists.");
        }
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var build = await RequireAsync(request, cancellation);
        (await request.BodyAsync(cancellation)).Only(request.Surface, "para");
        var body = (await request.BodyAsync("para", cancellation)).Only(request.Surface, "version", "url", "md5hash");
        var (version, url, hash) = (Word(body, "version"), UrlOf(body), HashOf(body));
        var updated = await Builds.UpdateAsync(build.Key, b => b with { Version = version, Url = url, Md5Hash = hash }, cancellation) ?? throw NotFound(request);
        return Show(new AgentView(request.Route("id"), null, null, null, updated.Version, updated.Url, updated.Md5Hash));
    }

    private async Task<Answer> DeleteAsync(ApiRequest request, CancellationToken cancellation)
    {
        while (!await Builds.DeleteAsync(await RequireAsync(request, cancellation), cancellation))
        {
            // Somebody changed it meanwhile: it is still to go.
        }

        return Answer.Empty(200);
    }

    private async Task<AgentBuildDocument> RequireAsync(ApiRequest request, CancellationToken cancellation) =>
        int.TryParse(request.Route("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && await Builds.FirstOrDefaultAsync(b => b.Id == id, cancellation) is { } found
            ? found
            : throw NotFound(request);

    private static FaultException NotFound(ApiRequest request) => Fault.NotFound($"No agent-build associated with id {request.Route("id")}.");

    private static string Word(BodyField body, string name) =>
        body.Require(name) is var field && field.Text() is { Length: <= 255 } text && WellFormedWord().IsMatch(text) ? text : throw field.Invalid("at most 255 letters, digits, spaces, '-', '.' and '_' are expected");

    private static string HashOf(BodyField body) =>
        body.Require("md5hash") is var field && field.Text() is { Length: <= 255 } text && Hexadecimal().IsMatch(text) ? text : throw field.Invalid("hexadecimal digits are expected");

    private static string UrlOf(BodyField body) =>
        body.Require("url") is var field && field.Text() is { Length: <= 255 } text && Uri.IsWellFormedUriString(text, UriKind.Absolute) ? text : throw field.Invalid("a URL is expected");

    private static Answer Show(AgentView view) => Answer.Of(new AgentEnvelope(view), ApiJson.Default.AgentEnvelope);

    private static AgentView View(AgentBuildDocument b) => new(b.Id, b.Hypervisor, b.Os, b.Architecture, b.Version, b.Url, b.Md5Hash);

    [GeneratedRegex("^[a-zA-Z0-9-._ ]*\\z")]
    private static partial Regex WellFormedWord();

    [GeneratedRegex("^[a-fA-F0-9]*\\z")]
    private static partial Regex Hexadecimal();
}

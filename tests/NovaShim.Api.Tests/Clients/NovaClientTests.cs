namespace NovaShim.Api.Tests.Clients;

/// <summary>The real <c>nova</c> (Debian's python3-novaclient 18) against the face, on each surface it can be pointed at.</summary>
[Collection(SharedFace.Name)]
public sealed class NovaClientTests(Face face)
{
    /// <summary>How the client is told where to go: by Identity v3, by v2.0, by the login of 2011, by a token and a URL.</summary>
    public static TheoryData<string> Ways => ["v3", "v2.0", "v1.1", "v2", "token"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task It_boots_resizes_confirms_and_reverts(string way)
    {
        await using var stagehand = new Stagehand(face.Store);
        var nova = await NovaAsync("alice", way);
        var name = $"guest-{way}";

        await OkAsync(nova, "boot", "--flavor", "m1.tiny", "--image", "debian", "--meta", "purpose=test", "--poll", name);
        var list = await OkAsync(nova, "list");
        Assert.Matches($@"\| {name} +\| ACTIVE +\| - +\| Running +\| private=10\.0\.0\.9", list);
        var show = await OkAsync(nova, "show", name);
        Assert.Contains("m1.tiny", show, StringComparison.Ordinal);
        Assert.Contains("debian", show, StringComparison.Ordinal);
        Assert.Contains("\"purpose\": \"test\"", show, StringComparison.Ordinal);

        Assert.Contains("Finished", await OkAsync(nova, "resize", "--poll", name, "m1.small"), StringComparison.Ordinal);
        Assert.Contains("VERIFY_RESIZE", await OkAsync(nova, "show", name), StringComparison.Ordinal);
        await OkAsync(nova, "resize-confirm", name);
        await UntilAsync(nova, name, "ACTIVE");

        await OkAsync(nova, "resize", "--poll", name, "m1.medium");
        await OkAsync(nova, "resize-revert", name);
        await UntilAsync(nova, name, "ACTIVE");
        Assert.Contains("m1.small", await OkAsync(nova, "show", name), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_told_why_when_something_cannot_be_done()
    {
        var server = await face.AddServerAsync("alice", "idle");
        var nova = await NovaAsync("alice", "v3");
        var (status, output) = await nova("resize", [server.Uuid, "m1.small"]);
        Assert.NotEqual(0, status);
        Assert.Contains("When resizing, instances must change flavor! (HTTP 400) (Request-ID: req-", output, StringComparison.Ordinal);
        (status, output) = await nova("resize-confirm", [server.Uuid]);
        Assert.NotEqual(0, status);
        Assert.Contains("(HTTP 409)", output, StringComparison.Ordinal);
        (status, output) = await nova("migrate", [server.Uuid]);
        Assert.NotEqual(0, status);
        Assert.Contains("(HTTP 403)", output, StringComparison.Ordinal);
        (status, output) = await nova("show", ["no-such-server"]);
        Assert.NotEqual(0, status);
        Assert.Contains("No server with a name or ID of 'no-such-server' exists", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_other_commands_print_their_tables()
    {
        await using var stagehand = new Stagehand(face.Store);
        var server = await face.AddServerAsync("alice", "tabled");
        var nova = await NovaAsync("alice", "v3");
        Assert.Matches(@"\| 5 +\| m1\.xlarge +\| 16384 +\| 160 +\| 0 +\| 0? +\| 8 +\| 1\.0 +\| True", await OkAsync(nova, "flavor-list"));
        Assert.Contains("m1.small", await OkAsync(nova, "flavor-show", "m1.small"), StringComparison.Ordinal);
        Assert.Contains("tabled", await OkAsync(nova, "list", "--name", "^tabled$", "--status", "ACTIVE", "--limit", "1"), StringComparison.Ordinal);
        Assert.Contains("renamed", await OkAsync(nova, "update", "--name", "renamed", server.Uuid) + await OkAsync(nova, "show", server.Uuid), StringComparison.Ordinal);
        await OkAsync(nova, "meta", server.Uuid, "set", "key=value");
        Assert.Contains("\"key\": \"value\"", await OkAsync(nova, "show", server.Uuid), StringComparison.Ordinal);
        await OkAsync(nova, "meta", server.Uuid, "delete", "key");
        await OkAsync(nova, "reboot", "--poll", server.Uuid);
        Assert.Contains("reboot", await OkAsync(nova, "instance-action-list", server.Uuid), StringComparison.Ordinal);
        Assert.Contains("Instances", await OkAsync(nova, "limits"), StringComparison.Ordinal);
        Assert.Contains("v2.1", await OkAsync(nova, "version-list"), StringComparison.Ordinal);
        await OkAsync(nova, "availability-zone-list");
        Assert.Contains("instances", await OkAsync(nova, "quota-show"), StringComparison.Ordinal);

        var admin = await NovaAsync("admin", "v3");
        await OkAsync(admin, "migrate", "--poll", server.Uuid);
        Assert.Matches("xen1 +\\|.* xen2 +\\|", await OkAsync(admin, "migration-list"));
        Assert.Contains(server.Uuid, await OkAsync(admin, "list", "--all-tenants"), StringComparison.Ordinal);
        await OkAsync(nova, "resize-confirm", server.Uuid);
        await UntilAsync(nova, server.Uuid, "ACTIVE");
        await OkAsync(nova, "delete", server.Uuid);
        await OkAsync(admin, "service-list");
        await OkAsync(admin, "hypervisor-list");
    }

    private static async Task UntilAsync(Func<string, string[], Task<(int Status, string Output)>> nova, string name, string status)
    {
        var deadline = DateTime.UtcNow.AddMinutes(1);
        while (!(await OkAsync(nova, "show", name)).Contains($"| {status} ", StringComparison.Ordinal))
        {
            Assert.True(DateTime.UtcNow < deadline, $"{name} does not become {status}.");
        }
    }

    private static async Task<string> OkAsync(Func<string, string[], Task<(int Status, string Output)>> nova, string command, params string[] arguments)
    {
        var (status, output) = await nova(command, arguments);
        Assert.True(status == 0, $"nova {command} {string.Join(' ', arguments)}: {output}");
        return output;
    }

    private async Task<Func<string, string[], Task<(int Status, string Output)>>> NovaAsync(string user, string way)
    {
        var environment = new Dictionary<string, string> { ["OS_USERNAME"] = user, ["OS_PASSWORD"] = $"{user}'s secret", ["OS_PROJECT_NAME"] = user == "admin" ? "admin" : "alpha" };
        string[] options = [];
        switch (way)
        {
            case "v2.0":
                environment["OS_AUTH_URL"] = $"{face.BaseUrl}/v2.0";
                break;
            case "token":
                environment["OS_AUTH_URL"] = "http://127.0.0.1:1/";
                options = ["--os-auth-type", "admin_token", "--os-token", await face.LogInAsync(user), "--os-endpoint", $"{face.BaseUrl}/v1.1/{face.ProjectIdOf(user)}"];
                break;
            default:
                environment["OS_AUTH_URL"] = $"{face.BaseUrl}/identity/v3";
                environment["OS_USER_DOMAIN_NAME"] = "Default";
                environment["OS_PROJECT_DOMAIN_NAME"] = "Default";
                environment["OS_IDENTITY_API_VERSION"] = "3";
                options = way == "v3" ? [] : ["--os-endpoint-override", $"{face.BaseUrl}/{way}/{face.ProjectIdOf(user)}"];
                break;
        }

        return (command, arguments) => CommandLine.RunAsync("nova", environment, [.. options, command, .. arguments]);
    }
}

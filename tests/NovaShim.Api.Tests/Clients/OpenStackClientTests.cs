namespace NovaShim.Api.Tests.Clients;

/// <summary>The real <c>openstack</c> (Debian's python3-openstackclient 6) against the face.</summary>
[Collection(SharedFace.Name)]
public sealed class OpenStackClientTests(Face face)
{
    [Fact]
    public async Task It_creates_lists_shows_resizes_and_deletes()
    {
        await using var stagehand = new Stagehand(face.Store);
        await OkAsync("server", "create", "--flavor", "m1.tiny", "--image", "debian", "--wait", "osc guest");
        Assert.Contains("osc guest", await OkAsync("server", "list"), StringComparison.Ordinal);
        var show = await OkAsync("server", "show", "osc guest");
        Assert.Contains("m1.tiny", show, StringComparison.Ordinal);
        Assert.Contains("ACTIVE", show, StringComparison.Ordinal);
        Assert.Contains("Complete", await OkAsync("server", "resize", "--flavor", "m1.small", "--wait", "osc guest"), StringComparison.Ordinal);
        Assert.Contains("VERIFY_RESIZE", await OkAsync("server", "show", "osc guest"), StringComparison.Ordinal);
        await OkAsync("server", "resize", "revert", "osc guest");
        Assert.Contains("resize", await OkAsync("server", "event", "list", "osc guest"), StringComparison.Ordinal);
        await OkAsync("server", "delete", "--wait", "osc guest");
        Assert.Contains("m1.medium", await OkAsync("flavor", "list"), StringComparison.Ordinal);
        Assert.Contains("debian", await OkAsync("image", "list"), StringComparison.Ordinal);
        Assert.Contains("compute_legacy", await OkAsync("catalog", "list"), StringComparison.Ordinal);
    }

    private async Task<string> OkAsync(params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["OS_USERNAME"] = "alice", ["OS_PASSWORD"] = "alice's secret", ["OS_PROJECT_NAME"] = "alpha", ["OS_AUTH_URL"] = $"{face.BaseUrl}/v3", ["OS_USER_DOMAIN_NAME"] = "Default",
            ["OS_PROJECT_DOMAIN_NAME"] = "Default", ["OS_IDENTITY_API_VERSION"] = "3",
        };
        var (status, output) = await CommandLine.RunAsync("openstack", environment, arguments);
        Assert.True(status == 0, $"openstack {string.Join(' ', arguments)}: {output}");
        return output;
    }
}

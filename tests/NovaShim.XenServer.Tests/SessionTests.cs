using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Tests;

/// <summary>How the client takes what XenAPI answers, against a server that answers as told.</summary>
public sealed class SessionTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly WebApplication _server;
    private readonly string _url;
    private Func<string, JsonArray, JsonNode> _answer = (_, _) => Result("ok");

    public SessionTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        // Two addresses, for a pool's member and its master, which share a port as XenServers do.
        var port = FreePort();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}", $"http://127.0.0.2:{port}");
        _server = builder.Build();
        _server.MapPost("/jsonrpc", async (HttpContext context) =>
        {
            var call = (await JsonNode.ParseAsync(context.Request.Body))!;
            var method = call["method"]!.GetValue<string>();
            _calls.Enqueue(method);
            await context.Response.WriteAsync(_answer(method, call["params"]!.AsArray()).ToJsonString());
        });
        _server.StartAsync().GetAwaiter().GetResult();
        _url = $"http://127.0.0.1:{port}";
    }

    [Fact]
    public async Task A_forgotten_session_is_renewed_and_the_call_repeated()
    {
        var logins = 0;
        _answer = (method, parameters) => method == "session.login_with_password" ? Result($"OpaqueRef:{++logins}")
            : parameters[0]!.GetValue<string>() == "OpaqueRef:1" ? Error("SESSION_INVALID", "OpaqueRef:1") : Result("here");
        await using var session = Session(_url);

        Assert.Equal("here", await session.CallAsync("VM.get_uuid", XenApiJson.Default.String, CancellationToken.None, "x"));
        Assert.Equal(2, logins);
    }

    [Fact]
    public async Task A_session_that_is_never_taken_ends_after_three_logins_without_being_told_to_anybody()
    {
        _answer = (method, _) => method == "session.login_with_password" ? Result("OpaqueRef:secret") : Error("SESSION_INVALID", "OpaqueRef:secret");
        await using var session = Session(_url);

        var failure = await Assert.ThrowsAsync<Failure>(() => session.CallAsync("VM.get_uuid", CancellationToken.None, "x"));

        Assert.Equal("SESSION_INVALID", failure.Code);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
        Assert.Equal(4, _calls.Count(c => c == "session.login_with_password"));
    }

    [Fact]
    public async Task A_member_of_a_pool_sends_to_its_master()
    {
        var first = true;
        _answer = (method, _) =>
        {
            if (method == "session.login_with_password" && first)
            {
                first = false;
                return Error("HOST_IS_SLAVE", "127.0.0.1");
            }

            return Result("x");
        };

        await using var session = Session(_url.Replace("127.0.0.1", "127.0.0.2", StringComparison.Ordinal));

        Assert.Equal("x", await session.CallAsync("VM.get_uuid", XenApiJson.Default.String, CancellationToken.None, "x"));
        Assert.Equal(2, _calls.Count(c => c == "session.login_with_password"));
    }

    [Fact]
    public async Task A_failure_has_its_code_and_parameters()
    {
        _answer = (method, _) => method == "session.login_with_password" ? Result("x") : Error("VM_BAD_POWER_STATE", "OpaqueRef:1", "halted", "running");
        await using var session = Session(_url);

        var failure = await Assert.ThrowsAsync<Failure>(() => session.CallAsync("VM.start", CancellationToken.None, "x"));

        Assert.Equal(["VM_BAD_POWER_STATE", "OpaqueRef:1", "halted", "running"], failure.ErrorDescription);
    }

    [Fact]
    public async Task A_task_that_fails_is_a_failure_of_its_call()
    {
        _answer = (method, _) => method switch
        {
            "task.get_record" => Result(new JsonObject { ["status"] = "failure", ["progress"] = 1.0, ["error_info"] = new JsonArray("SR_BACKEND_FAILURE_81", "", "error 28") }),
            _ => Result("OpaqueRef:task"),
        };
        await using var session = Session(_url);

        var failure = await Assert.ThrowsAsync<Failure>(() => VM.snapshot(session, "vm", "name", CancellationToken.None));

        Assert.Equal("SR_BACKEND_FAILURE_81", failure.Code);
        Assert.Contains("task.destroy", _calls);
    }

    [Fact]
    public async Task A_task_that_never_ends_is_cancelled_and_given_up()
    {
        _answer = (method, _) => method == "task.get_record" ? Result(new JsonObject { ["status"] = "pending", ["progress"] = 0 }) : Result("OpaqueRef:task");
        await using var session = Session(_url);

        await Assert.ThrowsAsync<TimeoutException>(() => VM.clean_shutdown(session, "vm", TimeSpan.FromMilliseconds(300), CancellationToken.None));

        Assert.Contains("task.cancel", _calls);
    }

    [Fact]
    public async Task Numbers_may_come_as_text_and_unknown_fields_do_not_matter()
    {
        _answer = (_, _) => Result(new JsonObject { ["uuid"] = "u", ["virtual_size"] = "1073741824", ["something_new"] = new JsonObject() });
        _answer = Login(_answer);
        await using var session = Session(_url);

        Assert.Equal(1L << 30, (await VDI.get_record(session, "x", CancellationToken.None)).virtual_size);
    }

    [Fact]
    public async Task An_answer_that_is_no_XenAPI_is_told_as_such()
    {
        _answer = (_, _) => new JsonObject { ["hello"] = "world" };
        await using var session = Session(_url);

        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => session.CallAsync("VM.start", CancellationToken.None, "x"));
        Assert.Contains("no XenAPI", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_is_not_there_is_told_without_the_password()
    {
        await _server.StopAsync();
        await using var session = Session(_url);

        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => session.CallAsync("VM.start", CancellationToken.None, "x"));
        Assert.Contains("cannot be reached", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("pa55word", failure.ToString(), StringComparison.Ordinal);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static Session Session(string url) => new(
        new XenServerSettings
        {
            Url = new Uri(url), Username = "root", Password = "pa55word", SrUuid = "", SrPath = "", SshHost = "", SshPrivateKeyFile = "", SshHostKey = "", CommandTimeout = TimeSpan.FromSeconds(20),
        },
        TimeProvider.System, NullLogger<Session>.Instance);

    private static Func<string, JsonArray, JsonNode> Login(Func<string, JsonArray, JsonNode> others) =>
        (method, parameters) => method is "session.login_with_password" or "session.logout" ? Result("OpaqueRef:1") : others(method, parameters);

    private static JsonObject Result(JsonNode result) => new() { ["jsonrpc"] = "2.0", ["id"] = 1, ["result"] = result };

    private static JsonObject Error(string code, params string[] parameters) => new()
    {
        ["jsonrpc"] = "2.0", ["id"] = 1, ["error"] = new JsonObject { ["code"] = 1, ["message"] = code, ["data"] = new JsonArray([.. parameters.Select(p => (JsonNode)p)]) },
    };
}

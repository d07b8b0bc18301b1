using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using NovaShim.Api.Tests;
using Xunit.Abstractions;

namespace NovaShim.Fuzz.Tests;

/// <summary>
/// Thousands of requests nobody should send, over every route there is. <c>NOVASHIM_FUZZ_SEED</c> and <c>NOVASHIM_FUZZ_REQUESTS</c> choose others than a run's own; a failure names the seed and the number
/// of its request.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const long MemoryAllowance = 48L << 20;
    private const int Reported = 15;

    private Scene _scene = null!;

    public async Task InitializeAsync() => _scene = await Scene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Fact]
    public async Task Whatever_is_sent_gets_an_answer_and_harms_nothing()
    {
        var seed = Setting("NOVASHIM_FUZZ_SEED") ?? Random.Shared.Next();
        var count = Setting("NOVASHIM_FUZZ_REQUESTS") ?? Math.Max(4000, 8 * _scene.Routes.Count);
        output.WriteLine($"NOVASHIM_FUZZ_SEED={seed}: {count} requests over {_scene.Routes.Count} routes");
        var maker = new RequestMaker(_scene);
        var failures = new List<string>();
        var statuses = new SortedDictionary<int, int>();
        long memory = 0;
        for (var number = 0; number < count && failures.Count < Reported; number++)
        {
            if (number == count / 4)
            {
                memory = GC.GetTotalMemory(forceFullCollection: true);
            }

            var request = maker.Make(seed, number);
            var before = await _scene.RevisionAsync();
            var answer = await _scene.Http.SendAsync(request.Raw);
            statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
            string? found = null;
            var pattern = request.Route.Pattern;
            try
            {
                // A path with another method or other names in it may be a path of another route.
                pattern = await _scene.Face.Watch.ThrowIfFoundAsync(answer.FromFace ? answer.Header("x-openstack-request-id") : null) ?? pattern;
            }
            catch (Xunit.Sdk.XunitException described)
            {
                found = described.Message;
            }

            found ??= Verdict.Of(request, answer, pattern);
            if (answer.Status >= 400 && await _scene.RevisionAsync() != before)
            {
                found ??= $"refused with {answer.Status}, and yet the server was changed";
            }

            if (found is not null)
            {
                failures.Add($"number {number}: {found}\n  {request.Raw}\n");
            }

            await _scene.RestageAsync();
            if (request.Raw.Target.Contains("tokens", StringComparison.Ordinal) && request.Raw.Method != "POST")
            {
                await _scene.LogInAsync();
            }
        }

        var grown = GC.GetTotalMemory(forceFullCollection: true) - memory;
        output.WriteLine(string.Join(", ", statuses.Select(s => $"{s.Key}: {s.Value}")) + $"; memory grew by {grown >> 10} KiB over the last three quarters");
        Assert.True(failures.Count == 0, $"seed {seed}\n{string.Join('\n', failures)}");
        Assert.True(statuses.Where(s => s.Key is >= 200 and < 300).Sum(s => s.Value) > count / 20, "Hardly anything was right: the requests are not near enough to what is taken.");
        Assert.True(grown < MemoryAllowance, $"Memory grew by {grown} bytes.");
        Assert.Empty(await _scene.ChangesAsync());
    }

    [Fact]
    public async Task A_wrong_type_in_any_field_is_a_bad_request_that_names_the_field()
    {
        string[] wrong = ["{\"x\":1}", "[[1]]", "123456789012345678901234567890", "\"\\u0000\"", "true", $"\"{new string('x', 300)}\""];
        var maker = new RequestMaker(_scene);
        var failures = new List<string>();
        var refused = new HashSet<string>();
        var asked = 0;
        foreach (var route in _scene.Routes.Where(r => !r.Pattern.StartsWith("/v2/", StringComparison.Ordinal) && !r.Pattern.StartsWith("/v2.1/{tenant_id}", StringComparison.Ordinal)))
        {
            var user = route.AdminOnly ? "admin" : "alice";
            async Task<(RawRequest Request, RawAnswer Answer)> SendAsync(string body)
            {
                asked++;
                var request = new RawRequest(route.Method, maker.PlainPath(route, user), [("X-Auth-Token", _scene.Tokens[user]), ("Content-Type", "application/json")], Encoding.UTF8.GetBytes(body));
                var answer = await _scene.Http.SendAsync(request);
                await _scene.RestageAsync();
                return (request, answer);
            }

            foreach (var body in ValidBodies.Of(route, _scene))
            {
                var (_, plain) = await SendAsync(body.ToJsonString());
                foreach (var place in Mutation.Places(body))
                {
                    foreach (var value in wrong)
                    {
                        var (request, answer) = await SendAsync(Mutation.Replace(body, place, value));
                        if (Verdict.Of(new FuzzedRequest(route, request, false, false), answer, route.Pattern) is { } found)
                        {
                            failures.Add($"{found}\n  {request}");
                        }
                        else if (answer.Status == 400 && !Spoken(body, place).Any(s => answer.Body.Contains(s, StringComparison.OrdinalIgnoreCase)))
                        {
                            // A body that is refused as it is, for another field, is refused for that one still.
                            if (plain.Status == 400 && plain.Body == answer.Body)
                            {
                                refused.Add($"{route}: {plain.Body}");
                                continue;
                            }

                            failures.Add($"{place} = {value}: {answer.Body}\n  {route}");
                        }
                    }
                }
            }
        }

        output.WriteLine($"{asked} bodies; refused as they are:\n{string.Join('\n', refused)}");
        Assert.True(failures.Count == 0, $"{failures.Count}\n" + string.Join('\n', failures.Take(40 * Reported)));
        Assert.True(asked > 500, $"Only {asked} bodies were tried.");
        Assert.Empty(await _scene.ChangesAsync());
    }

    [Fact]
    public async Task Twenty_megabytes_are_refused_without_being_kept()
    {
        var body = new byte[20 << 20];
        Array.Fill(body, (byte)' ');
        body[0] = (byte)'{';
        var maker = new RequestMaker(_scene);
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var asked = 0;
        foreach (var route in _scene.Routes.Where(r => ValidBodies.Of(r, _scene).Count > 0 && !r.Pattern.StartsWith("/v2/", StringComparison.Ordinal)))
        {
            var user = route.AdminOnly ? "admin" : "alice";
            foreach (var type in route.SpeaksXml ? new[] { "application/json", "application/xml" } : ["application/json"])
            {
                asked++;
                var request = new RawRequest(route.Method, maker.PlainPath(route, user), [("X-Auth-Token", _scene.Tokens[user]), ("Content-Type", type), ("Accept", type)], body);
                var answer = await _scene.Http.SendAsync(request);
                Assert.True(answer.Status is >= 400 and < 500 && answer.Body.Length > 0, $"{route}: {answer.Status} {answer.Body}");
                await _scene.Face.Watch.ThrowIfFoundAsync(answer.FromFace ? answer.Header("x-openstack-request-id") : null);
                await _scene.RestageAsync();
            }
        }

        Assert.True(asked > 10);
        var grown = GC.GetTotalMemory(forceFullCollection: true) - memory;
        Assert.True(grown < MemoryAllowance, $"Memory grew by {grown} bytes.");
        Assert.Empty(await _scene.ChangesAsync());
    }

    [Fact]
    public async Task A_body_that_trickles_in_is_waited_for_only_so_long_and_holds_nobody_up()
    {
        var name = $"{{\"server\": {{\"name\": \"{new string('s', 60)}\"}}}}";
        RawRequest Put(string body, params (string Name, string Value)[] headers) =>
            new("PUT", $"/v2.1/servers/{_scene.ServerId}", [("X-Auth-Token", _scene.Tokens["alice"]), ("Content-Type", "application/json"), .. headers], Encoding.UTF8.GetBytes(body));

        // In pieces, but in time.
        Assert.Equal(200, (await _scene.Http.SendSlowlyAsync(Put(name), 20, TimeSpan.FromMilliseconds(20))).Status);

        // Forty that never end, and meanwhile somebody in a hurry.
        var slow = Enumerable.Range(0, 40).Select(_ => _scene.Http.SendSlowlyAsync(Put(name, ("Content-Length", "100000")), 60, TimeSpan.FromSeconds(1))).ToList();
        for (var hurried = 0; hurried < 20; hurried++)
        {
            var answer = await _scene.Http.SendAsync(new RawRequest("GET", "/v2.1/servers/detail", [("X-Auth-Token", _scene.Tokens["alice"])], null));
            Assert.Equal(200, answer.Status);
        }

        foreach (var answer in await Task.WhenAll(slow))
        {
            Assert.True(answer.Status is 408 or 400 && answer.FromFace && answer.Body.Contains("message", StringComparison.Ordinal), $"{answer.Status} {answer.Body}");
        }

        Assert.Empty(await _scene.ChangesAsync());
    }

    /// <summary>
    /// The names a fault may have for a place. Of a reference that leads nowhere Nova says what was not found: a flavor for <c>flavorRef</c>, a security group for <c>security_groups</c>; of an object that is
    /// none, what it should have had in it.
    /// </summary>
    private static IEnumerable<string> Spoken(JsonNode body, Place place) => place.Steps.OfType<string>()
        .Concat(Mutation.Places(Mutation.At(body, place)).Select(p => p.Field)).Where(s => s.Length > 0)
        .SelectMany(s => new[] { s, s.EndsWith("Ref", StringComparison.Ordinal) ? s[..^3] : s, s.EndsWith("_ref", StringComparison.Ordinal) ? s.Split('_')[^2] : s, s.EndsWith('s') ? s[..^1].Replace('_', ' ') : s });

    private static int? Setting(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;
}

using System.Globalization;
using System.Xml.Linq;
using Microsoft.Extensions.Configuration;
using NovaShim.Api.RateLimits;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Tests.RateLimits;

public sealed class RateLimitTests
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    [Fact]
    public async Task Beyond_a_limit_a_user_is_told_to_wait_and_others_are_not()
    {
        var face = await Face.StartAsync(("rate_limits:enabled", "true"));
        try
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(200, (await face.SendAsync("alice", "GET", "v1.1:/servers/detail?changes-since=2026-01-01T00:00:00Z")).Status);
            }

            var over = await face.SendAsync("alice", "GET", "v1.1:/servers?changes-since=2026-01-01T00:00:00Z");
            Assert.Equal((413, "overLimit", "This request was rate-limited."), (over.Status, over.Fault.Name, over.Fault.Message));
            Assert.Equal("Only 3 GET request(s) can be made to *changes-since* every minute.", over.Json!["overLimit"]!["details"]!.GetValue<string>());
            Assert.InRange(int.Parse(over.Headers["Retry-After"], CultureInfo.InvariantCulture), 1, 20);
            Assert.Equal(over.Headers["Retry-After"], over.Json["overLimit"]!["retryAfter"]!.GetValue<string>());

            // v2 is the same API under another name, and counts the same user's requests; 2.1 has no such limits.
            Assert.Equal(413, (await face.SendAsync("alice", "GET", "v2:/servers?changes-since=2026-01-01T00:00:00Z")).Status);
            Assert.Equal(200, (await face.SendAsync("alice", "GET", "v2.1:/servers?changes-since=2026-01-01T00:00:00Z")).Status);
            Assert.Equal(200, (await face.SendAsync("alice", "GET", "v1.1:/servers")).Status);
            Assert.Equal(200, (await face.SendAsync("bob", "GET", "v1.1:/servers?changes-since=2026-01-01T00:00:00Z")).Status);

            var xml = await face.SendAsync("alice", "GET", "v1.1:/servers.xml?changes-since=2026-01-01T00:00:00Z");
            var fault = XDocument.Parse(xml.Text).Root!;
            Assert.Equal((413, Compute + "overLimit", "413"), (xml.Status, fault.Name, (string)fault.Attribute("code")!));
            Assert.Equal(["message", "details", "retryAfter"], fault.Elements().Select(e => e.Name.LocalName));
            Assert.True(xml.Headers.ContainsKey("Retry-After"));
        }
        finally
        {
            await face.DisposeAsync();
        }
    }

    [Fact]
    public async Task Limits_are_shown_where_they_are_held()
    {
        var face = await Face.StartAsync(("rate_limits:enabled", "true"));
        try
        {
            await face.SendAsync("alice", "POST", "v1.1:/servers", "{}");
            var shown = (await face.SendAsync("alice", "GET", "v1.1:/limits")).Json!["limits"]!["rate"]!.AsArray();
            Assert.Equal(["*", "*/servers", "*changes-since*"], shown.Select(r => r!["uri"]!.GetValue<string>()));
            Assert.Equal(["POST", "PUT", "DELETE"], shown[0]!["limit"]!.AsArray().Select(l => l!["verb"]!.GetValue<string>()));
            Assert.Equal(9, shown[0]!["limit"]![0]!["remaining"]!.GetValue<int>());
            Assert.Equal((50, 49, "DAY"), (shown[1]!["limit"]![0]!["value"]!.GetValue<int>(), shown[1]!["limit"]![0]!["remaining"]!.GetValue<int>(), shown[1]!["limit"]![0]!["unit"]!.GetValue<string>()));
            Assert.Matches("^20[0-9-]+T[0-9:]+Z$", shown[1]!["limit"]![0]!["next-available"]!.GetValue<string>());
            Assert.Empty((await face.SendAsync("alice", "GET", "v2.1:/limits")).Json!["limits"]!["rate"]!.AsArray());

            var rates = XDocument.Parse((await face.SendAsync("alice", "GET", "v1.1:/limits.xml")).Text).Root!.Element(Compute + "rates")!;
            var rate = rates.Elements().First();
            Assert.Equal((Compute + "rate", "*", ".*"), (rate.Name, (string)rate.Attribute("uri")!, (string)rate.Attribute("regex")!));
            Assert.Equal(["POST", "PUT", "DELETE"], rate.Elements(Compute + "limit").Select(l => (string)l.Attribute("verb")!));
            Assert.NotNull(rate.Elements().First().Attribute("next-available"));
        }
        finally
        {
            await face.DisposeAsync();
        }
    }

    [Fact]
    public async Task Without_configuration_nothing_is_held_or_shown()
    {
        var face = await Face.StartAsync();
        try
        {
            for (var i = 0; i < 12; i++)
            {
                Assert.Equal(400, (await face.SendAsync("alice", "POST", "v1.1:/servers", "{}")).Status);
            }

            Assert.Empty((await face.SendAsync("alice", "GET", "v1.1:/limits")).Json!["limits"]!["rate"]!.AsArray());
        }
        finally
        {
            await face.DisposeAsync();
        }
    }

    [Fact]
    public void A_bucket_leaks()
    {
        var time = new HandClock();
        var limiter = new RateLimiter(Options(("rules", "(POST, *, .*, 4, MINUTE); (POST, */servers, ^/servers, 2, HOUR)")), time);
        Assert.Null(limiter.Count("u", "POST", "/servers"));
        Assert.Null(limiter.Count("u", "POST", "/servers?fresh=1"));
        var refused = limiter.Count("u", "POST", "/servers")!.Value;
        Assert.Equal(("*/servers", 1800), (refused.Limit.Uri, (int)Math.Round(refused.Seconds)));
        Assert.Null(limiter.Count("u", "POST", "/os-keypairs"));
        Assert.Equal(15, (int)Math.Round(limiter.Count("u", "POST", "/os-keypairs")!.Value.Seconds));
        Assert.Null(limiter.Count("u", "GET", "/servers"));
        Assert.Null(limiter.Count("other", "POST", "/servers"));
        time.Now += TimeSpan.FromSeconds(15);
        Assert.Null(limiter.Count("u", "POST", "/elsewhere/servers"));
        Assert.NotNull(limiter.Count("u", "POST", "/elsewhere/servers"));
        time.Now += TimeSpan.FromMinutes(30);
        Assert.Equal([4, 1], limiter.StandingsOf("u", Surface.V11).Select(s => s.Remaining));
        Assert.Empty(limiter.StandingsOf("u", Surface.V21));
    }

    [Theory]
    [InlineData("rules", "POST, *, .*, 10, MINUTE", "(VERB, URI, REGEX, VALUE, UNIT)")]
    [InlineData("rules", "(POST, *, .*, 10)", "(VERB, URI, REGEX, VALUE, UNIT)")]
    [InlineData("rules", "(POST, *, .*, 0, MINUTE)", "'0'")]
    [InlineData("rules", "(POST, *, .*, ten, MINUTE)", "'ten'")]
    [InlineData("rules", "(POST, *, .*, 10, 60)", "'60'")]
    [InlineData("rules", "(POST, *, (, 10, MINUTE)", "'('")]
    [InlineData("surfaces:0", "v3", "'v3'")]
    public void A_rule_that_makes_no_sense_stops_the_program_at_its_start(string key, string value, string names) =>
        Assert.Contains(names, Assert.Throws<InvalidOperationException>(() => Options((key, value))).Message, StringComparison.Ordinal);

    private static RateLimitOptions Options(params (string Key, string Value)[] settings) => RateLimitOptions.Of(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Append(("enabled", "true")).ToDictionary(s => "rate_limits:" + s.Item1, s => (string?)s.Item2)).Build());

    private sealed class HandClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}

using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Servers;

/// <summary>Lists as long as a page may be.</summary>
public sealed class LongListTests(LongListTests.Many many) : IClassFixture<LongListTests.Many>
{
    private const int Count = 1050;

    private readonly Face _face = many.Face;

    [Theory]
    [InlineData("/servers", 1000, 2)]
    [InlineData("/servers/detail", 1000, 2)]
    [InlineData("/servers/detail?limit=250", 250, 5)]
    [InlineData("/servers/detail?limit=5000", 1000, 2)]
    [InlineData("/servers?name=server-&status=ACTIVE", 1000, 2)]
    public async Task A_thousand_servers_come_in_pages_that_miss_and_repeat_none(string path, int pageSize, int pages)
    {
        var seen = new List<string>();
        var page = 0;
        for (var next = "v2.1:" + path; next is not null; page++)
        {
            var body = (await _face.SendAsync("alice", "GET", next)).Json!;
            var names = body["servers"]!.AsArray().Select(s => s!["name"]!.GetValue<string>()).ToList();
            Assert.True(names.Count == pageSize || page == pages - 1, $"page {page} has {names.Count}");
            seen.AddRange(names);
            next = body["servers_links"]?[0]!["href"]!.GetValue<string>();
        }

        Assert.Equal(pages, page);
        Assert.Equal(Enumerable.Range(0, Count).Reverse().Select(n => $"server-{n}"), seen);
    }

    [Fact]
    public async Task The_same_page_comes_in_XML()
    {
        var reply = await _face.SendAsync("alice", "GET", "v1.1:/servers/detail.xml");
        Assert.Equal(1000, System.Xml.Linq.XDocument.Parse(reply.Text).Root!.Elements().Count(e => e.Name.LocalName == "server"));
    }

    [Fact]
    public async Task A_long_list_is_on_its_way_before_its_last_server_is_made()
    {
        var made = 0;
        var instance = (await _face.Store.Collection<InstanceDocument>().WhereAsync(i => i.DisplayName == "server-0", default))[0];
        var http = new DefaultHttpContext { RequestServices = _face.Services };
        http.Request.Path = "/v2.1/servers/detail";
        var request = new ApiRequest(http, Surface.V21, "req-1", DateTime.UtcNow, MediaFormat.Json);
        request.Attach();
        using var wire = new FirstWrite(() => made);
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(wire));
        var servers = Enumerable.Repeat(instance, 1000).Select(i =>
        {
            made++;
            return ServerViews.Full(request, i);
        });
        await AnswerWriter.WriteAsync(http, Answer.Of(new ServersEnvelope(servers, null), ApiJson.Default.ServersEnvelope), default);
        await http.Response.BodyWriter.FlushAsync();
        Assert.Equal(1000, made);
        Assert.Equal(1000, JsonNode.Parse(wire.ToArray())!["servers"]!.AsArray().Count);
        Assert.InRange(wire.MadeAtFirst!.Value, 1, 100);
    }

    [Fact]
    public void No_document_is_written_by_reflection()
    {
        // The generated context alone knows how: what it does not know is refused by it. What an external Keystone says is only read, and has a context of its own.
        Assert.All(
            typeof(ApiJson).Assembly.GetTypes().Where(t => t.Name.EndsWith("Envelope", StringComparison.Ordinal) && !t.IsGenericType && t.Namespace != "NovaShim.Api.Identity.Keystone"),
            t => Assert.True(ApiJson.Default.GetTypeInfo(t) is { } known && ReferenceEquals(known.OriginatingResolver, ApiJson.Default), t.Name));
    }

    /// <summary>A face with that many servers, made once.</summary>
    public sealed class Many : IAsyncLifetime
    {
        public Face Face { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Face = await Face.StartAsync();
            var first = await Face.AddServerAsync("alice", "server-0");
            for (var made = 1; made < Count; made++)
            {
                var uuid = Guid.NewGuid().ToString();
                await Face.Store.Collection<InstanceDocument>().InsertAsync(first with { Key = uuid, Uuid = uuid, Id = first.Id + made, DisplayName = $"server-{made}" }, default);
            }
        }

        public Task DisposeAsync() => Face.DisposeAsync();
    }

    /// <summary>Remembers how many servers there were when the first bytes were written.</summary>
    private sealed class FirstWrite(Func<int> made) : MemoryStream
    {
        public int? MadeAtFirst { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            MadeAtFirst ??= made();
            return base.WriteAsync(buffer, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }
}

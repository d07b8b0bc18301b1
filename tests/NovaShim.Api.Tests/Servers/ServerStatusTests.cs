using System.Text.Json.Nodes;
using NovaShim.Api.Servers;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Servers;

[Collection(SharedFace.Name)]
public sealed class ServerStatusTests(Face face)
{
    [Fact]
    public async Task Every_state_of_the_table_is_shown_as_the_table_says()
    {
        foreach (var row in SpecTable.Rows("server-statuses.json", "statuses"))
        {
            var server = await face.AddServerAsync("alice", "stated", row["vm_state"]!.GetValue<string>(), i => i with { TaskState = row["task_state"]?.GetValue<string>() });
            foreach (var surface in new[] { "v1.1", "v2.1" })
            {
                var shown = (await face.SendAsync("alice", "GET", $"{surface}:/servers/{server.Uuid}")).Json!["server"]!;
                Assert.Equal(row["status"]!.GetValue<string>(), shown["status"]!.GetValue<string>());
                Assert.Equal(row[surface]![0]?.GetValue<string>(), shown["OS-EXT-STS:vm_state"]?.GetValue<string>());
                Assert.Equal(row[surface]![1]?.GetValue<string>(), shown["OS-EXT-STS:task_state"]?.GetValue<string>());
                Assert.True(shown.AsObject().ContainsKey("OS-EXT-STS:task_state"));
            }
        }
    }

    [Fact]
    public void Every_state_that_the_control_plane_knows_is_in_the_table()
    {
        var known = SpecTable.Rows("server-statuses.json", "statuses").Select(r => (r["vm_state"]?.GetValue<string>(), r["task_state"]?.GetValue<string>())).ToList();
        string[] ConstantsOf(Type type) => [.. type.GetFields().Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!)];
        Assert.Empty(ConstantsOf(typeof(VmStates)).Except([.. known.Select(k => k.Item1!), VmStates.Deleted]));
        Assert.Empty(ConstantsOf(typeof(TaskStates)).Except(known.Select(k => k.Item2!)));
    }

    [Theory]
    [InlineData("", "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f")]
    [InlineData("abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7")]
    [InlineData("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525")]
    public void SHA_224_gives_the_standards_own_examples(string text, string digest) => Assert.Equal(digest, Sha224.HexOf(text));
}

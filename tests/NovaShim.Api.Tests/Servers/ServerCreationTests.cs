using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Servers;

public sealed class ServerCreationTests : IAsyncLifetime
{
    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync(("quota:instances", "4"), ("quota:cores", "6"), ("quota:metadata_items", "2"), ("quota:injected_files", "2"));

    public Task DisposeAsync() => _face.DisposeAsync();

    [Fact]
    public async Task V1_1_answers_the_whole_server_and_2_1_the_short_form()
    {
        var body = """{"server": {"name": "new", "imageRef": "@image", "flavorRef": "1", "metadata": {"k": "v"}}}""".Replace("@image", Face.ImageId, StringComparison.Ordinal);
        var reply = await _face.SendAsync("alice", "POST", "v1.1:/servers", body);
        Assert.Equal(202, reply.Status);
        var server = reply.Json!["server"]!;
        Assert.Equal(("BUILD", "1", Face.ImageId), (server["status"]!.GetValue<string>(), server["flavor"]!["id"]!.GetValue<string>(), server["image"]!["id"]!.GetValue<string>()));
        Assert.Equal(12, server["adminPass"]!.GetValue<string>().Length);
        Assert.EndsWith("/servers/" + server["id"]!.GetValue<string>(), reply.Headers["Location"], StringComparison.Ordinal);

        reply = await _face.SendAsync("alice", "POST", "v2.1:/servers", body);
        Assert.Equal(202, reply.Status);
        Assert.Equal(["OS-DCF:diskConfig", "adminPass", "id", "links", "security_groups"], reply.Json!["server"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        var stored = await _face.Store.Collection<InstanceDocument>().GetAsync(reply.Json["server"]!["id"]!.GetValue<string>(), default);
        Assert.Equal(("new", "v", VmStates.Building), (stored!.DisplayName, stored.Metadata["k"], stored.VmState));
    }

    public static TheoryData<string, string> Accepted => new()
    {
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "metadata": null, "security_groups": null, "networks": null, "min_count": null, "max_count": null, "key_name": null, "personality": null}}""" },
        { "v1.1", """{"server": {"name": " n ", "imageId": "@image", "flavorId": 1}}""" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "http://elsewhere/v1.1/t/images/@image", "flavorRef": "http://elsewhere/v1.1/t/flavors/1"}}""" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": 1, "min_count": "1", "max_count": 1, "personality": [], "unheard-of": true}}""" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": "auto", "security_groups": [{"name": "default"}], "config_drive": false, "user_data": ""}}""" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"uuid": "@image", "source_type": "image", "destination_type": "local", "boot_index": 0}]}}""" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "", "flavorRef": "1", "block_device_mapping_v2": [{"uuid": "@image", "source_type": "image", "destination_type": "local", "boot_index": "0"}]}}""" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": "none", "config_drive": "yes", "user_data": "aGVsbG8=\n"}}""" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/etc/motd", "contents": "aGk="}, {"path": "/b", "contents": "@10k"}], "user_data": null, "networks": []}}""" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "min_count": 4, "max_count": 1}}""" },
        { "v2.1", """{"server": {"name": "\u540d\u524d", "imageRef": "@image", "flavorRef": "1", "accessIPv4": "10.0.0.1", "accessIPv6": "::1", "OS-DCF:diskConfig": "AUTO"}, "os:scheduler_hints": {}}""" },
    };

    [Theory]
    [MemberData(nameof(Accepted))]
    public async Task What_clients_send_is_understood(string surface, string body) =>
        Assert.Equal(202, (await _face.SendAsync("alice", "POST", $"{surface}:/servers", Filled(body))).Status);

    public static TheoryData<string, string, int, string> Refused => new()
    {
        { "v2.1", """{"server": {"imageRef": "@image", "flavorRef": "1"}}""", 400, "server.name" },
        { "v2.1", """{"server": {"name": "", "imageRef": "@image", "flavorRef": "1"}}""", 400, "server.name" },
        { "v1.1", """{"server": {"name": "   ", "imageRef": "@image", "flavorRef": "1"}}""", 400, "server.name" },
        { "v2.1", """{"server": {"name": " n", "imageRef": "@image", "flavorRef": "1"}}""", 400, "server.name" },
        { "v2.1", """{"server": {"name": 5, "imageRef": "@image", "flavorRef": "1"}}""", 400, "server.name" },
        { "v2.1", """{"server": {"name": "a\u0000b", "imageRef": "@image", "flavorRef": "1"}}""", 400, "server.name" },
        { "v2.1", """{"server": {"name": "\ud800", "imageRef": "@image", "flavorRef": "1"}}""", 400, "server.name" },
        { "v2.1", """{"server": {"name": "n", "flavorRef": "1"}}""", 400, "server.imageRef" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "nowhere", "flavorRef": "1"}}""", 400, "imageRef" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@other", "flavorRef": "1"}}""", 400, "imageRef" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image"}}""", 400, "server.flavorRef" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "77"}}""", 400, "flavorRef" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": {}}}""", 400, "server.flavorRef" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "min_count": 0}}""", 400, "server.min_count" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "max_count": "many"}}""", 400, "server.max_count" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "min_count": 3, "max_count": 2}}""", 400, "min_count" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "min_count": 2147483648}}""", 400, "server.min_count" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "metadata": {"": "v"}}}""", 400, "server.metadata" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "metadata": {"k": 1}}}""", 400, "server.metadata.k" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "metadata": {"a": "1", "b": "2", "c": "3"}}}""", 403, "metadata" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "metadata": {"a": "1", "b": "2", "c": "3"}}}""", 413, "metadata" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "accessIPv4": "1.1"}}""", 400, "server.accessIPv4" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "accessIPv6": "10.0.0.1"}}""", 400, "server.accessIPv6" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "OS-DCF:diskConfig": "auto"}}""", 400, "diskConfig" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "key_name": "mine"}}""", 400, "key_name" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "adminPass": ""}}""", 400, "server.adminPass" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "adminPass": 5}}""", 400, "server.adminPass" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "adminPass": {}}}""", 400, "server.adminPass" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "user_data": "%%%"}}""", 400, "server.user_data" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "user_data": "no-base64"}}""", 400, "server.user_data" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "user_data": "@64k"}}""", 400, "server.user_data" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a", "contents": ""}, {"path": "/b", "contents": ""}, {"path": "/c", "contents": ""}]}}""", 403, "Personality file limit exceeded" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/@long", "contents": ""}]}}""", 403, "Personality file path" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a", "contents": "@12k"}]}}""", 403, "Personality file content" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a", "contents": "%"}]}}""", 400, "server.personality[0].contents" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"contents": "aGk="}]}}""", 400, "server.personality[0].path" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a"}]}}""", 400, "server.personality[0].contents" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [5]}}""", 400, "server.personality[0]" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a", "contents": ""}, {"path": "/b", "contents": ""}, {"path": "/c", "contents": ""}]}}""", 413, "Personality file limit exceeded" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/@long", "contents": ""}]}}""", 413, "Personality file path" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a", "contents": "@12k"}]}}""", 413, "Personality file content" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a", "contents": "%"}]}}""", 400, "server.personality[0].contents" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"contents": "aGk="}]}}""", 400, "server.personality[0].path" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a"}]}}""", 400, "server.personality[0].contents" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [5]}}""", 400, "server.personality[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": {"path": "/a", "contents": ""}}}""", 400, "server.personality" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a", "contents": "", "mode": 7}]}}""", 400, "mode" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "personality": [{"path": "/a\nb", "contents": ""}]}}""", 400, "server.personality[0].path" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": [{"uuid": "a"}]}}""", 400, "server.networks[0].uuid" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": [{"uuid": "6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1"}]}}""", 400, "could not be found: server.networks[0].uuid" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": [{"uuid": "6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1", "fixed_ip": "10.0.0.300"}]}}""", 400, "server.networks[0].fixed_ip" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": [{"port": "6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1"}]}}""", 400, "server.networks[0].port" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": [{}]}}""", 400, "server.networks[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "networks": "every"}}""", 400, "server.networks" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "security_groups": [{"name": "web"}]}}""", 400, "web" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "config_drive": "maybe"}}""", 400, "server.config_drive" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"uuid": "v", "source_type": "volume", "destination_type": "volume", "boot_index": 1}]}}""", 400, "failed to get volume v. server.block_device_mapping_v2[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"uuid": "s", "source_type": "snapshot", "destination_type": "volume"}]}}""", 400, "failed to get snapshot s. server.block_device_mapping_v2[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"source_type": "blank", "destination_type": "volume", "volume_size": 1}]}}""", 400, "server.block_device_mapping_v2[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"uuid": "@image", "source_type": "image", "destination_type": "volume", "boot_index": 0}]}}""", 400, "server.block_device_mapping_v2[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"uuid": "@image", "source_type": "image", "destination_type": "local", "boot_index": 1}]}}""", 400, "server.block_device_mapping_v2[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"source_type": "blank", "destination_type": "local", "volume_size": 1}]}}""", 400, "Ephemeral disks" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"source_type": "blank", "destination_type": "local", "guest_format": "swap"}]}}""", 400, "Swap drive" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": [{"source_type": "tape"}]}}""", 400, "server.block_device_mapping_v2[0].source_type" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping_v2": ["x"]}}""", 400, "server.block_device_mapping_v2[0]" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "block_device_mapping": [{"volume_id": "7", "device_name": "vda"}]}}""", 400, "failed to get volume 7. server.block_device_mapping[0]" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "availability_zone": "nowhere"}}""", 400, "availability zone" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "availability_zone": "nova:xen1"}}""", 403, "administrator" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "unheard-of": true}}""", 400, "unheard-of" },
        { "v2.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "5"}}""", 403, "cores" },
        { "v1.1", """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "min_count": 5}}""", 413, "instances" },
        { "v2.1", """{"server": []}""", 400, "server" },
        { "v2.1", """{"servers": {}}""", 400, "server" },
        { "v2.1", """[]""", 400, "body" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task What_cannot_be_is_refused_and_named_and_leaves_nothing(string surface, string body, int status, string names)
    {
        var reply = await _face.SendAsync("alice", "POST", $"{surface}:/servers", Filled(body));
        Assert.Equal(status, reply.Status);
        Assert.Contains(names, reply.Fault.Message, StringComparison.Ordinal);
        var instances = _face.Store.Collection<InstanceDocument>();
        Assert.Equal(0, await instances.CountAsync(i => true, default));
    }

    [Fact]
    public async Task Several_are_created_at_once_as_many_as_the_quota_has_room_for()
    {
        var body = """{"server": {"name": "many", "imageRef": "@image", "flavorRef": "1", "min_count": 2, "max_count": 9, "return_reservation_id": true}}""".Replace("@image", Face.ImageId, StringComparison.Ordinal);
        var reply = await _face.SendAsync("alice", "POST", "v2.1:/servers", body);
        Assert.Equal(202, reply.Status);
        var reservation = reply.Json!["reservation_id"]!.GetValue<string>();
        var listed = await _face.SendAsync("alice", "GET", $"v2.1:/servers?reservation_id={reservation}");
        Assert.Equal(4, listed.Json!["servers"]!.AsArray().Count);
        Assert.Equal(403, (await _face.SendAsync("alice", "POST", "v2.1:/servers", body)).Status);
        Assert.Equal(202, (await _face.SendAsync("bob", "POST", "v2.1:/servers", body)).Status);
    }

    [Theory]
    [InlineData("mandatory", "True")]
    [InlineData("optional", "")]
    public async Task An_image_may_want_its_servers_to_have_a_config_drive(string property, string shown)
    {
        await _face.Store.Collection<ImageDocument>().UpdateAsync(Face.ImageId, i => i with { Metadata = new Dictionary<string, string> { ["img_config_drive"] = property } }, default);

        var reply = await _face.SendAsync("alice", "POST", "v1.1:/servers", Filled("""{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1"}}"""));

        Assert.Equal(shown, reply.Json!["server"]!["config_drive"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_is_for_the_guest_is_kept_for_the_driver_and_for_nobody_else()
    {
        var reply = await _face.SendAsync("alice", "POST", "v1.1:/servers", Filled(
            """{"server": {"name": "n", "imageRef": "@image", "flavorRef": "1", "adminPass": "chosen one", "config_drive": true, "networks": "none", "user_data": "aGVsbG8=", "personality": [{"path": "/etc/motd", "contents": "aGk="}]}}"""));
        Assert.Equal(202, reply.Status);
        var server = reply.Json!["server"]!;
        Assert.Equal(("chosen one", "True"), (server["adminPass"]!.GetValue<string>(), server["config_drive"]!.GetValue<string>()));
        var stored = (await _face.Store.Collection<InstanceDocument>().GetAsync(server["id"]!.GetValue<string>(), default))!;
        Assert.Equal(("aGVsbG8=", true, true), (stored.UserData, stored.ConfigDrive, stored.WithoutNetwork));
        var guest = stored.Work!.Guest!;
        Assert.Equal(("chosen one", new GuestFile("/etc/motd", "aGk=")), (guest.AdminPassword, guest.Files.Single()));
        Assert.Equal("hi"u8.ToArray(), guest.ToInjectedFiles().Single().Contents.ToArray());
        Assert.DoesNotContain("chosen one", (await _face.SendAsync("admin", "GET", $"v2.1:/servers/{stored.Uuid}")).Text, StringComparison.Ordinal);
    }

    private static string Filled(string body) => body
        .Replace("@image", Face.ImageId, StringComparison.Ordinal).Replace("@other", Face.PrivateImageId, StringComparison.Ordinal)
        .Replace("@long", new string('p', 255), StringComparison.Ordinal).Replace("@10k", Convert.ToBase64String(new byte[10_240]), StringComparison.Ordinal)
        .Replace("@12k", Convert.ToBase64String(new byte[10_241]), StringComparison.Ordinal).Replace("@64k", new string('A', 65_536), StringComparison.Ordinal);
}

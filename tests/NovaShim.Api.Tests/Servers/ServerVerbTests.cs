using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Representations;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests.Servers;

/// <summary>What is done to servers where they are, as every surface takes it and answers.</summary>
[Collection(SharedFace.Name)]
public sealed class ServerVerbTests(Face face)
{
    private static readonly XNamespace Ns = XmlAnswers.Namespace;

    /// <summary>Actions without a body: who may ask, the state they are taken in, the task_state they are shown with, and the status.</summary>
    public static TheoryData<string, string, string, string, string> Plain => new()
    {
        { "os-stop", "alice", VmStates.Active, TaskStates.PoweringOff, "ACTIVE" },
        { "os-start", "alice", VmStates.Stopped, TaskStates.PoweringOn, "SHUTOFF" },
        { "pause", "alice", VmStates.Active, TaskStates.Pausing, "ACTIVE" },
        { "unpause", "alice", VmStates.Paused, TaskStates.Unpausing, "PAUSED" },
        { "suspend", "alice", VmStates.Active, TaskStates.Suspending, "ACTIVE" },
        { "resume", "alice", VmStates.Suspended, TaskStates.Resuming, "SUSPENDED" },
        { "unrescue", "alice", VmStates.Rescued, TaskStates.Unrescuing, "RESCUE" },
        { "shelve", "alice", VmStates.Active, TaskStates.Shelving, "ACTIVE" },
        { "shelveOffload", "admin", VmStates.Shelved, TaskStates.ShelvingOffloading, "SHELVED" },
        { "unshelve", "alice", VmStates.ShelvedOffloaded, TaskStates.Unshelving, "SHELVED_OFFLOADED" },
        { "resetNetwork", "admin", VmStates.Active, TaskStates.Networking, "ACTIVE" },
        { "injectNetworkInfo", "admin", VmStates.Stopped, TaskStates.Networking, "SHUTOFF" },
    };

    [Theory]
    [MemberData(nameof(Plain))]
    public async Task An_action_without_a_body_is_taken_on_every_surface_in_every_format(string action, string user, string vmState, string taskState, string status)
    {
        foreach (var (surface, xml) in new[] { ("v1.1", false), ("v1.1", true), ("v2", false), ("v2.1", false) })
        {
            var server = await ServerAsync(vmState);
            if (user == "admin")
            {
                Assert.Equal(403, (await ActAsync("alice", surface, server, action, xml)).Status);
            }

            var reply = await ActAsync(user, surface, server, action, xml);
            Assert.Equal((202, ""), (reply.Status, reply.Text));
            var shown = (await face.SendAsync(user, "GET", $"{surface}:/servers/{server.Uuid}")).Json!["server"]!;
            Assert.Equal((status, taskState), (shown["status"]!.GetValue<string>(), shown["OS-EXT-STS:task_state"]!.GetValue<string>()));
            if (taskState == TaskStates.Networking)
            {
                // Of these one waits for the other.
                continue;
            }

            // It is under way: asked for again, it is a conflict in the surface's words.
            reply = await ActAsync(user, surface, server, action, xml);
            var verb = action.Replace("os-", "", StringComparison.Ordinal);
            Assert.Equal(
                (409, surface == "v2.1" ? $"Cannot '{verb}' instance {server.Uuid} while it is in task_state {taskState}" : $"Cannot '{verb}' while instance is in task_state {taskState}"),
                (reply.Status, reply.Fault.Message));
            Assert.Equal(verb, (await face.SendAsync(user, "GET", $"{surface}:/servers/{server.Uuid}/os-instance-actions")).Json!["instanceActions"]![0]!["action"]!.GetValue<string>());
        }
    }

    [Theory]
    [InlineData("os-start", VmStates.Active)]
    [InlineData("os-stop", VmStates.Stopped)]
    [InlineData("os-stop", VmStates.Paused)]
    [InlineData("pause", VmStates.Stopped)]
    [InlineData("unpause", VmStates.Active)]
    [InlineData("suspend", VmStates.Paused)]
    [InlineData("unrescue", VmStates.Active)]
    [InlineData("shelve", VmStates.Error)]
    [InlineData("unshelve", VmStates.Active)]
    [InlineData("os-stop", VmStates.Resized)]
    public async Task An_action_in_the_wrong_state_is_a_conflict(string action, string vmState)
    {
        var server = await ServerAsync(vmState);
        var reply = await ActAsync("alice", "v2.1", server, action, xml: false);
        Assert.Equal((409, "conflictingRequest"), (reply.Status, reply.Fault.Name));
        Assert.EndsWith($"while it is in vm_state {vmState}", reply.Fault.Message, StringComparison.Ordinal);
        reply = await ActAsync("alice", "v1.1", server, action, xml: true);
        Assert.Equal((409, "inProgress"), (reply.Status, reply.Fault.Name));
        Assert.Equal(404, (await ActAsync("bob", "v2.1", server, action, xml: false)).Status);
    }

    [Fact]
    public async Task A_server_that_never_ran_is_not_stopped_out_of_error()
    {
        var server = await face.AddServerAsync("alice", vmState: VmStates.Error);
        Assert.Equal(409, (await ActAsync("alice", "v2.1", server, "os-stop", xml: false)).Status);
    }

    [Fact]
    public async Task The_routes_of_2011_do_the_same_as_the_actions()
    {
        foreach (var (route, vmState, status, task) in new[]
        {
            ("pause", VmStates.Active, 202, TaskStates.Pausing), ("unpause", VmStates.Paused, 202, TaskStates.Unpausing), ("suspend", VmStates.Active, 202, TaskStates.Suspending),
            ("resume", VmStates.Suspended, 202, TaskStates.Resuming), ("rescue", VmStates.Active, 200, TaskStates.Rescuing), ("unrescue", VmStates.Rescued, 202, TaskStates.Unrescuing),
            ("reset_network", VmStates.Active, 202, TaskStates.Networking), ("inject_network_info", VmStates.Active, 202, TaskStates.Networking), ("lock", VmStates.Active, 202, null),
        })
        {
            var server = await ServerAsync(vmState);
            Assert.Equal(status, (await face.SendAsync("admin", "POST", $"v1.1:/servers/{server.Uuid}/{route}")).Status);
            Assert.Equal(task, (await StoredAsync(server)).TaskState);
        }
    }

    [Fact]
    public async Task A_rebuild_answers_with_the_server_it_is_to_be()
    {
        var json = $$$"""{"rebuild": {"imageRef": "{{{Face.ImageId}}}", "name": "anew", "adminPass": "chosen", "metadata": {"a": "b"}, "accessIPv4": "1.2.3.4", "personality": [{"path": "/etc/motd", "contents": "aGk="}]}}""";
        var xml = $"""
            <rebuild xmlns="{XmlAnswers.Namespace}" name="anew" adminPass="chosen" accessIPv4="1.2.3.4" imageRef="http://here/v1.1/t/images/{Face.ImageId}">
              <metadata><meta key="a">b</meta></metadata><personality><file path="/etc/motd">aGk=</file></personality></rebuild>
            """;
        foreach (var (surface, body) in new[] { ("v1.1", json), ("v1.1", xml), ("v2.1", json) })
        {
            foreach (var (from, status) in new[] { (VmStates.Active, "REBUILD"), (VmStates.Stopped, "REBUILD"), (VmStates.Error, "REBUILD") })
            {
                var server = await ServerAsync(from);
                var reply = await SendAsync("alice", surface, server, body);
                Assert.Equal(202, reply.Status);
                Assert.EndsWith($"/servers/{server.Uuid}", reply.Headers["Location"], StringComparison.Ordinal);
                var shown = reply.Json!["server"]!;
                Assert.Equal(("anew", "chosen", "b", "1.2.3.4", status), (
                    shown["name"]!.GetValue<string>(), shown["adminPass"]!.GetValue<string>(), shown["metadata"]!["a"]!.GetValue<string>(), shown["accessIPv4"]!.GetValue<string>(), shown["status"]!.GetValue<string>()));
                var work = (await StoredAsync(server)).Work!;
                Assert.Equal(("chosen", "/etc/motd", from), (work.Guest!.AdminPassword, work.Guest.Files.Single().Path, work.PreviousVmState));
            }
        }
    }

    [Theory]
    [InlineData("""{"rebuild": {}}""", "Could not parse imageRef from request.", "rebuild.imageRef")]
    [InlineData("""{"rebuild": null}""", "Could not parse imageRef from request.", "rebuild.imageRef")]
    [InlineData("""{"rebuild": {"imageRef": "155d900f-4e14-4e4c-a73d-069cbf4541e6"}}""", "Cannot find requested image", "Cannot find image for rebuild")]
    [InlineData("""{"rebuild": {"imageRef": "@", "name": ""}}""", "rebuild.name", "rebuild.name")]
    [InlineData("""{"rebuild": {"imageRef": "@", "metadata": {"a": 1}}}""", "rebuild.metadata.a", "rebuild.metadata.a")]
    [InlineData("""{"rebuild": {"imageRef": "@", "personality": [{"path": "/x", "contents": "?"}]}}""", "decoded", "contents")]
    [InlineData("""{"rebuild": {"imageRef": "@", "accessIPv4": "1.2"}}""", "rebuild.accessIPv4", "rebuild.accessIPv4")]
    [InlineData("""{"rebuild": {"imageRef": "@", "preserve_ephemeral": true}}""", "preserve_ephemeral", "preserve_ephemeral")]
    public async Task A_rebuild_that_cannot_be_is_a_bad_request_and_changes_nothing(string body, string v11, string v21)
    {
        foreach (var (surface, words) in new[] { ("v1.1", v11), ("v2.1", v21) })
        {
            var server = await ServerAsync(VmStates.Active);
            var reply = await SendAsync("alice", surface, server, body.Replace("@", Face.ImageId, StringComparison.Ordinal));
            Assert.Equal(400, reply.Status);
            Assert.Contains(words, reply.Fault.Message, StringComparison.Ordinal);
            Assert.Equal(server, await StoredAsync(server));
        }
    }

    [Fact]
    public async Task An_image_of_a_server_is_there_at_once_and_not_yet_whole()
    {
        var json = """{"createImage": {"name": "saved", "metadata": {"purpose": "test"}}}""";
        var xml = $"""<createImage xmlns="{XmlAnswers.Namespace}" name="saved"><metadata><meta key="purpose">test</meta></metadata></createImage>""";
        foreach (var (surface, body) in new[] { ("v1.1", json), ("v1.1", xml), ("v2", json), ("v2.1", json) })
        {
            var server = await ServerAsync(VmStates.Stopped);
            var reply = await SendAsync("alice", surface, server, body);
            Assert.Equal((202, ""), (reply.Status, reply.Text));
            var id = reply.Headers["Location"].Split('/')[^1];
            var image = (await face.SendAsync("alice", "GET", $"{surface}:/images/{id}")).Json!["image"]!;
            Assert.Equal(("saved", "SAVING", "test", "snapshot", server.Uuid), (
                image["name"]!.GetValue<string>(), image["status"]!.GetValue<string>(), image["metadata"]!["purpose"]!.GetValue<string>(), image["metadata"]!["image_type"]!.GetValue<string>(),
                image["server"]!["id"]!.GetValue<string>()));
            Assert.Equal(404, (await face.SendAsync("bob", "GET", $"v2.1:/images/{id}")).Status);
            Assert.Equal(id, (await StoredAsync(server)).Work!.Args["image_id"]);

            // It cannot be booted before it is whole.
            var boot = await face.SendAsync("alice", "POST", "v2.1:/servers", $$$"""{"server": {"name": "early", "imageRef": "{{{id}}}", "flavorRef": "2"}}""");
            Assert.Equal(400, boot.Status);
        }
    }

    [Theory]
    [InlineData("""{"createImage": {}}""", "createImage entity requires name attribute", "createImage.name")]
    [InlineData("""{"createImage": null}""", "Malformed createImage entity", "createImage")]
    [InlineData("""{"createImage": "x"}""", "Malformed createImage entity", "createImage")]
    [InlineData("""{"createImage": {"name": ""}}""", "createImage.name", "createImage.name")]
    [InlineData("""{"createImage": {"name": 1}}""", "createImage.name", "createImage.name")]
    [InlineData("""{"createImage": {"name": "x", "metadata": []}}""", "createImage.metadata", "createImage.metadata")]
    [InlineData("""{"createImage": {"name": "x", "metadata": {"": "b"}}}""", "createImage.metadata", "createImage.metadata")]
    [InlineData("""{"createBackup": {"name": "x", "rotation": 1}}""", "createBackup entity requires backup_type attribute", "createBackup.backup_type")]
    [InlineData("""{"createBackup": {"name": "x", "backup_type": "daily", "rotation": -1}}""", "createBackup.rotation", "createBackup.rotation")]
    [InlineData("""{"createBackup": {"name": "x", "backup_type": "daily", "rotation": "often"}}""", "createBackup.rotation", "createBackup.rotation")]
    public async Task An_image_that_cannot_be_made_is_a_bad_request_and_none_is_made(string body, string v11, string v21)
    {
        foreach (var (surface, words) in new[] { ("v1.1", v11), ("v2.1", v21) })
        {
            var server = await ServerAsync(VmStates.Active);
            var reply = await SendAsync("alice", surface, server, body);
            Assert.Equal(400, reply.Status);
            Assert.Contains(words, reply.Fault.Message, StringComparison.Ordinal);
            Assert.Empty(await face.Store.Collection<ImageDocument>().WhereAsync(i => i.SnapshotOf == server.Uuid, default));
        }
    }

    [Fact]
    public async Task An_image_of_a_busy_server_is_a_conflict_and_more_metadata_than_the_quota_is_refused()
    {
        var server = await face.AddServerAsync("alice", change: i => i with { TaskState = TaskStates.PoweringOff });
        Assert.Equal(409, (await SendAsync("alice", "v2.1", server, """{"createImage": {"name": "x"}}""")).Status);
        Assert.Empty(await face.Store.Collection<ImageDocument>().WhereAsync(i => i.SnapshotOf == server.Uuid, default));
        server = await ServerAsync(VmStates.Active);
        var many = string.Join(',', Enumerable.Range(0, 129).Select(n => $"\"k{n}\": \"v\""));
        foreach (var (surface, status) in new[] { ("v1.1", 413), ("v2.1", 403) })
        {
            var reply = await SendAsync("alice", surface, server, """{"createImage": {"name": "x", "metadata": {""" + many + "}}}");
            Assert.Equal((status, "Image metadata limit exceeded"), (reply.Status, reply.Fault.Message));
        }
    }

    [Fact]
    public async Task What_is_done_to_a_network_waits_for_what_is_being_done_to_it()
    {
        var server = await ServerAsync(VmStates.Active);
        Assert.Equal(202, (await SendAsync("admin", "v2.1", server, """{"resetNetwork": null}""")).Status);
        var second = SendAsync("admin", "v2.1", server, """{"injectNetworkInfo": null}""");
        var servers = face.Store.Collection<InstanceDocument>();
        await servers.UpdateAsync(server.Key, i => i with { TaskState = null, Work = null }, default);
        Assert.Equal(202, (await second).Status);
        Assert.Equal(InstanceSteps.InjectNetworkInfo, (await servers.GetAsync(server.Key, default))!.Work!.Step);
    }

    [Fact]
    public async Task What_a_user_says_of_an_image_goes_before_what_is_said_of_it_here()
    {
        var server = await ServerAsync(VmStates.Active);
        Assert.Equal(202, (await SendAsync("alice", "v2.1", server, """{"createImage": {"name": "own", "metadata": {"image_type": "mine"}}}""")).Status);
        var image = Assert.Single(await face.Store.Collection<ImageDocument>().WhereAsync(i => i.SnapshotOf == server.Uuid, default));
        Assert.Equal(("mine", server.Uuid), (image.Metadata["image_type"], image.Metadata["instance_uuid"]));
    }

    [Fact]
    public async Task A_backup_is_an_image_of_its_type()
    {
        foreach (var (surface, rotation, hasLocation) in new[] { ("v1.1", "1", true), ("v2.1", "\"2\"", true), ("v2.1", "0", false) })
        {
            var server = await ServerAsync(VmStates.Active);
            var reply = await SendAsync("alice", surface, server, $$$"""{"createBackup": {"name": "b", "backup_type": "daily", "rotation": {{{rotation}}}}}""");
            Assert.Equal((202, hasLocation), (reply.Status, reply.Headers.ContainsKey("Location")));
            var image = Assert.Single(await face.Store.Collection<ImageDocument>().WhereAsync(i => i.SnapshotOf == server.Uuid, default));
            Assert.Equal(("backup", "daily"), (image.Metadata["image_type"], image.Metadata["backup_type"]));
        }
    }

    [Fact]
    public async Task A_rescue_answers_with_a_password()
    {
        foreach (var surface in new[] { "v1.1", "v2.1" })
        {
            var server = await ServerAsync(VmStates.Active);
            var reply = await SendAsync("alice", surface, server, """{"rescue": {"adminPass": "chosen"}}""");
            Assert.Equal((200, "chosen"), (reply.Status, reply.Json!["adminPass"]!.GetValue<string>()));
            Assert.Equal("chosen", (await StoredAsync(server)).Work!.Guest!.AdminPassword);

            server = await ServerAsync(VmStates.Stopped);
            reply = await SendAsync("alice", surface, server, """{"rescue": null}""");
            Assert.Equal((await StoredAsync(server)).Work!.Guest!.AdminPassword, reply.Json!["adminPass"]!.GetValue<string>());
        }

        var rescued = await ServerAsync(VmStates.Active);
        var wrong = await SendAsync("alice", "v2.1", rescued, $$$"""{"rescue": {"rescue_image_ref": "{{{Face.PrivateImageId}}}"}}""");
        Assert.Equal(400, wrong.Status);
        var xml = await SendAsync("alice", "v1.1", rescued, $"""<rescue xmlns="{XmlAnswers.Namespace}" adminPass="in &quot;XML&quot;" rescue_image_ref="{Face.ImageId}"/>""", ("Accept", "application/xml"));
        Assert.Equal(200, xml.Status);
        Assert.Equal("in \"XML\"", XDocument.Parse(xml.Text).Root!.Value);
        Assert.Equal(Ns + "adminPass", XDocument.Parse(xml.Text).Root!.Name);
    }

    [Fact]
    public async Task A_password_is_changed_and_must_be_one()
    {
        foreach (var (surface, body) in new[] { ("v1.1", """{"changePassword": {"adminPass": "new"}}"""), ("v1.1", $"""<changePassword xmlns="{XmlAnswers.Namespace}" adminPass="new"/>"""), ("v2.1", """{"changePassword": {"adminPass": "new"}}""") })
        {
            var server = await ServerAsync(VmStates.Active);
            Assert.Equal(202, (await SendAsync("alice", surface, server, body)).Status);
            Assert.Equal("PASSWORD", (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!["status"]!.GetValue<string>());
            Assert.DoesNotContain("new", (await face.SendAsync("admin", "GET", $"/odata/v1/Instances?$filter=uuid eq '{server.Uuid}'")).Text.Replace("renew", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }

        foreach (var (body, words) in new[] { ("""{"changePassword": null}""", "No adminPass was specified"), ("""{"changePassword": {"adminPass": ""}}""", "Invalid adminPass"), ("""{"changePassword": {"adminPass": 1}}""", "Invalid adminPass") })
        {
            var server = await ServerAsync(VmStates.Active);
            var reply = await SendAsync("alice", "v1.1", server, body);
            Assert.Equal(400, reply.Status);
            Assert.Contains(words, reply.Fault.Message, StringComparison.Ordinal);
            Assert.Equal(400, (await SendAsync("alice", "v2.1", server, body)).Status);
        }
    }

    [Fact]
    public async Task An_owner_locks_and_unlocks_but_not_what_an_administrator_has_locked()
    {
        var server = await ServerAsync(VmStates.Active);
        Assert.Equal(403, (await SendAsync("alice", "v1.1", server, """{"lock": null}""")).Status);
        Assert.Equal(202, (await SendAsync("alice", "v2.1", server, """{"lock": null}""")).Status);
        var refused = await SendAsync("alice", "v2.1", server, """{"os-stop": null}""");
        Assert.Equal((409, $"Instance {server.Uuid} is locked"), (refused.Status, refused.Fault.Message));
        Assert.Equal(202, (await SendAsync("alice", "v2.1", server, """{"unlock": null}""")).Status);
        Assert.Equal(202, (await SendAsync("alice", "v2.1", server, """{"os-stop": null}""")).Status);

        server = await ServerAsync(VmStates.Active);
        Assert.Equal(202, (await SendAsync("admin", "v1.1", server, $"""<lock xmlns="{XmlAnswers.Namespace}"/>""")).Status);
        Assert.Equal(202, (await SendAsync("alice", "v2.1", server, """{"lock": null}""")).Status);
        Assert.Equal(403, (await SendAsync("alice", "v2.1", server, """{"unlock": null}""")).Status);
        Assert.Equal(409, (await SendAsync("alice", "v2.1", server, """{"rebuild": {"imageRef": "x"}}""")).Status);
        Assert.Equal(202, (await SendAsync("admin", "v2.1", server, """{"pause": null}""")).Status);
        Assert.Equal(202, (await SendAsync("admin", "v2.1", server, """{"unlock": null}""")).Status);
        Assert.False((await StoredAsync(server)).Locked);
    }

    [Fact]
    public async Task A_console_is_what_the_host_says_it_is()
    {
        var server = await face.AddServerAsync("alice", change: i => i with { Host = "talks" });
        await using var host = await AnswerAsync("talks", new() { ["output"] = JsonSerializer.SerializeToElement("<one>\u0001\ntwo\n") });

        foreach (var body in new[] { """{"os-getConsoleOutput": {}}""", """{"os-getConsoleOutput": {"length": 5}}""", """{"os-getConsoleOutput": {"length": "5"}}""", """{"os-getConsoleOutput": {"length": -1}}""", """{"os-getConsoleOutput": null}""" })
        {
            var reply = await SendAsync("alice", "v2.1", server, body);
            Assert.Equal((200, "<one>\ntwo\n"), (reply.Status, reply.Json!["output"]!.GetValue<string>()));
        }

        var xml = await SendAsync("alice", "v1.1", server, $"""<os-getConsoleOutput xmlns="{XmlAnswers.Namespace}" length="5"/>""", ("Accept", "application/xml"));
        Assert.Equal((Ns + "output", "<one>\ntwo\n"), (XDocument.Parse(xml.Text).Root!.Name, XDocument.Parse(xml.Text).Root!.Value));
        Assert.Equal(400, (await SendAsync("alice", "v2.1", server, """{"os-getConsoleOutput": {"length": "many"}}""")).Status);
        Assert.Equal(400, (await SendAsync("alice", "v2.1", server, """{"os-getConsoleOutput": {"length": -2}}""")).Status);
        Assert.Equal(404, (await SendAsync("bob", "v2.1", server, """{"os-getConsoleOutput": {}}""")).Status);
    }

    [Fact]
    public async Task A_host_that_cannot_answer_is_a_fault_of_its_own()
    {
        var server = await face.AddServerAsync("alice", change: i => i with { Host = "cannot" });
        await using (await AnswerAsync("cannot", new() { ["unsupported"] = JsonSerializer.SerializeToElement("get_console_output") }))
        {
            var reply = await SendAsync("alice", "v2.1", server, """{"os-getConsoleOutput": {}}""");
            Assert.Equal((501, "notImplemented"), (reply.Status, reply.Fault.Name));
        }

        await using (await AnswerAsync("cannot", new() { ["failure"] = JsonSerializer.SerializeToElement("no VM") }))
        {
            var reply = await SendAsync("alice", "v2.1", server, """{"os-getConsoleOutput": {}}""");
            Assert.Equal((409, "no VM"), (reply.Status, reply.Fault.Message));
        }

        Assert.Equal((503, "serviceUnavailable"), (await SendAsync("alice", "v2.1", server, """{"os-getConsoleOutput": {}}""")) is var away ? (away.Status, away.Fault.Name) : default);
        server = await face.AddServerAsync("alice", vmState: VmStates.Building, change: i => i with { Host = null });
        var early = await SendAsync("alice", "v2.1", server, """{"os-getConsoleOutput": {}}""");
        Assert.Equal((409, $"Instance {server.Uuid} is not ready"), (early.Status, early.Fault.Message));
    }

    [Fact]
    public async Task Figures_are_for_administrators()
    {
        var server = await face.AddServerAsync("alice", change: i => i with { Host = "counts" });
        await using var host = await AnswerAsync("counts", new() { ["figures"] = JsonSerializer.SerializeToElement(new Dictionary<string, double> { ["memory"] = 524288, ["cpu0 time"] = 1.5 }) });

        Assert.Equal(403, (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/diagnostics")).Status);
        var reply = await face.SendAsync("admin", "GET", $"v2.1:/servers/{server.Uuid}/diagnostics");
        Assert.Equal((524288, 1.5), (reply.Json!["memory"]!.GetValue<int>(), reply.Json["cpu0 time"]!.GetValue<double>()));
        var xml = XDocument.Parse((await face.SendAsync("admin", "GET", $"v1.1:/servers/{server.Uuid}/diagnostics.xml")).Text).Root!;
        Assert.Equal(Ns + "diagnostics", xml.Name);
        Assert.Equal("524288", xml.Attribute("memory")!.Value);
    }

    [Fact]
    public async Task What_no_driver_can_do_has_Novas_own_fault()
    {
        var server = await ServerAsync(VmStates.Active);
        foreach (var (body, status, words) in new[]
        {
            ("""{"os-getVNCConsole": {"type": "novnc"}}""", 400, "Unavailable console type novnc."),
            ("""{"os-getVNCConsole": {"type": "telnet"}}""", 400, "os-getVNCConsole.type"),
            ("""{"os-getVNCConsole": {}}""", 400, "os-getVNCConsole.type"),
            ("""{"os-getSPICEConsole": {"type": "spice-html5"}}""", 400, "Unavailable console type"),
            ("""{"os-getRDPConsole": {"type": "rdp-html5"}}""", 400, "Unavailable console type"),
            ("""{"os-getSerialConsole": {"type": "serial"}}""", 400, "Unavailable console type"),
            ("""{"addSecurityGroup": {"name": "default"}}""", 400, "already associated"),
            ("""{"addSecurityGroup": {"name": "nowhere"}}""", 404, "Security group nowhere not found"),
            ("""{"removeSecurityGroup": {"name": "nowhere"}}""", 404, "Security group nowhere not found"),
            ("""{"removeSecurityGroup": {}}""", 400, "removeSecurityGroup.name"),
            ("""{"restore": null}""", 409, "Cannot 'restore'"),
            ("""{"addFixedIp": {"networkId": 1}}""", 501, "The requested functionality is not supported."),
            ("""{"addFixedIp": {}}""", 400, "addFixedIp.networkId"),
            ("""{"removeFixedIp": {"address": "10.0.0.2"}}""", 501, "The requested functionality is not supported."),
            ("""{"addFloatingIp": {"address": "10.0.0.2"}}""", 501, "The requested functionality is not supported."),
            ("""{"addFloatingIp": null}""", 400, "addFloatingIp"),
            ("""{"addFloatingIp": {"address": ""}}""", 400, "addFloatingIp.address"),
            ("""{"addFloatingIp": {"address": "10.0.0.2", "fixed_address": "10.0"}}""", 400, "addFloatingIp.fixed_address"),
            ("""{"addFloatingIp": {"address": "10.0.0.2", "pool": "public"}}""", 400, "'pool' was unexpected"),
            ("""{"removeFixedIp": {"address": "fuzz"}}""", 400, "removeFixedIp.address"),
            ("""{"removeFloatingIp": {"address": "10.0.0.2"}}""", 501, "The requested functionality is not supported."),
        })
        {
            var reply = await SendAsync("alice", "v2.1", server, body);
            Assert.Equal(status, reply.Status);
            Assert.Contains(words, reply.Fault.Message, StringComparison.Ordinal);
        }

        Assert.Equal("""{"password":""}""", (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/os-server-password")).Text);
        Assert.Equal(204, (await face.SendAsync("alice", "DELETE", $"v2.1:/servers/{server.Uuid}/os-server-password")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "GET", $"v2.1:/servers/{server.Uuid}/os-server-password")).Status);
    }

    [Fact]
    public async Task A_server_is_deleted_at_once_and_its_actions_are_told_as_2011_told_them()
    {
        var server = await ServerAsync(VmStates.Active);
        Assert.Equal(202, (await SendAsync("alice", "v2.1", server, """{"forceDelete": null}""")).Status);
        Assert.Equal(TaskStates.Deleting, (await StoredAsync(server)).TaskState);

        Assert.Equal(403, (await face.SendAsync("alice", "GET", $"v1.1:/servers/{server.Uuid}/actions")).Status);
        var actions = (await face.SendAsync("admin", "GET", $"v1.1:/servers/{server.Uuid}/actions")).Json!["actions"]!.AsArray();
        Assert.Equal("delete", Assert.Single(actions)!["action"]!.GetValue<string>());
        Assert.Null(actions[0]!["error"]);
        var xml = XDocument.Parse((await face.SendAsync("admin", "GET", $"v1.1:/servers/{server.Uuid}/actions.xml")).Text).Root!;
        Assert.Equal((Ns + "actions", "delete"), (xml.Name, xml.Element(Ns + "action")!.Attribute("action")!.Value));
    }

    [Fact]
    public async Task A_hard_reboot_brings_up_what_a_soft_one_does_not()
    {
        foreach (var vmState in new[] { VmStates.Stopped, VmStates.Paused, VmStates.Suspended, VmStates.Error })
        {
            var server = await ServerAsync(vmState);
            Assert.Equal(409, (await SendAsync("alice", "v2.1", server, """{"reboot": {"type": "SOFT"}}""")).Status);
            Assert.Equal(202, (await SendAsync("alice", "v1.1", server, $"""<reboot xmlns="{XmlAnswers.Namespace}" type="HARD"/>""")).Status);
            Assert.Equal(TaskStates.RebootingHard, (await StoredAsync(server)).TaskState);
        }
    }

    [Fact]
    public async Task A_server_that_is_shut_down_is_resized()
    {
        var server = await ServerAsync(VmStates.Stopped);
        Assert.Equal(202, (await SendAsync("alice", "v2.1", server, """{"resize": {"flavorRef": "4"}}""")).Status);
        Assert.Equal("RESIZE", (await face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}")).Json!["server"]!["status"]!.GetValue<string>());
        Assert.Equal(409, (await SendAsync("alice", "v2.1", await ServerAsync(VmStates.Paused), """{"resize": {"flavorRef": "4"}}""")).Status);
    }

    private Task<InstanceDocument> ServerAsync(string vmState) => face.AddServerAsync(
        "alice", vmState: vmState, change: i => i with { LaunchedAt = DateTime.UtcNow, Host = vmState == VmStates.ShelvedOffloaded ? null : i.Host, PowerState = vmState == VmStates.Stopped ? PowerState.Shutdown : i.PowerState });

    private async Task<InstanceDocument> StoredAsync(InstanceDocument server) => (await face.Store.Collection<InstanceDocument>().GetAsync(server.Uuid, default))!;

    private Task<Reply> ActAsync(string user, string surface, InstanceDocument server, string action, bool xml) =>
        SendAsync(user, surface, server, xml ? $"""<{action} xmlns="{XmlAnswers.Namespace}"/>""" : $$"""{"{{action}}": null}""");

    private Task<Reply> SendAsync(string user, string surface, InstanceDocument server, string body, params (string Name, string Value)[] headers) => face.SendAsync(
        user, "POST", (surface == "v2.1" ? "v2.1" : surface) + $":/servers/{server.Uuid}/action", body, [.. headers, .. body.StartsWith('<') ? new[] { ("Content-Type", "application/xml") } : []]);

    private Task<IAsyncDisposable> AnswerAsync(string host, Dictionary<string, JsonElement> answer) => face.Services.GetRequiredService<IMessageBus>().SubscribeAsync(
        Subjects.Compute(host), null, (message, _) => Task.FromResult<Message?>(message with { Args = answer }), default);
}

using System.Text;
using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.Migrations;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests.ConfigDrive;

/// <summary>Config drives of servers on simulated hosts, read back from their VHDs by programs of others.</summary>
public sealed class ConfigDriveTests
{
    private const string Place = "3";
    private const string Password = "pass-3f1c9a";
    private const string Secret = "content-77ab02";

    private static readonly Flavor WithDisks = ServerRebuildTests.WithDisks;

    [Fact]
    public async Task A_server_gets_a_drive_that_it_may_only_read_beside_its_other_disks()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = New(hosts, flavor: WithDisks with { EphemeralGb = 1 });

        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);

        var (reference, vm) = await hosts.Source.VmAsync(server);
        Assert.Equal("Running", vm["power_state"]!.GetValue<string>());
        var places = await PlacesAsync(hosts.Source, reference);
        Assert.Equal(["0", "2", "3", "4"], places.Keys.Order());
        Assert.Equal(("RO", "Disk", false), Mode(places[Place]));
        Assert.All(places.Where(p => p.Key != Place), p => Assert.Equal("RW", Mode(p.Value).Mode));
        Assert.Equal(4, (await hosts.Source.DisksAsync()).Count);

        var raw = DiskReader.ToRaw(await FileAsync(hosts.Source, reference), Path.Combine(hosts.Folder, "drive.raw"));
        Assert.Equal(("config-2", "iso9660"), (DiskReader.Probe(raw)["LABEL"], DiskReader.Probe(raw)["TYPE"]));
        var files = DiskReader.FilesOf(raw);
        var meta = DiskReader.Json(files["openstack/latest/meta_data.json"]);
        Assert.Equal((server.Uuid, Password), (meta["uuid"]!.GetValue<string>(), meta["admin_pass"]!.GetValue<string>()));
        Assert.Equal("/etc/motd", meta["files"]![0]!["path"]!.GetValue<string>());
        Assert.Equal(Secret, Encoding.UTF8.GetString(files["openstack/content/0000"]));
        Assert.Equal("#cloud-config\n", Encoding.UTF8.GetString(files["openstack/latest/user_data"]));
        Assert.Equal("ssh-ed25519 AAAA me", meta["public_keys"]!["mine"]!.GetValue<string>());
        Assert.Equal("""{"role":"web"}""", meta["meta"]!.ToJsonString());
        Assert.Equal([await MacAsync(hosts.Source, vm)], MacsOf(files));

        await hosts.SourceDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        Assert.Empty(await hosts.Source.DisksAsync());
        foreach (var secret in new[] { Password, Secret, "cloud-config", Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret)), server.UserData! })
        {
            Assert.DoesNotContain(secret, hosts.Log + hosts.Source, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_server_without_one_has_none_unless_the_host_makes_one_for_every_server()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var without = await hosts.SpawnAsync();
        Assert.False(hosts.SourceDriver.ForcesConfigDrive);
        Assert.DoesNotContain(Place, (await PlacesAsync(hosts.Source, (await hosts.Source.VmAsync(without)).Reference)).Keys);

        var forcing = hosts.AnotherDriver(hosts.Source, ("force_config_drive", "true"));
        Assert.True(forcing.ForcesConfigDrive);
        var unasked = hosts.NewInstance() with { WithoutNetwork = true };
        await forcing.SpawnAsync(hosts.Step(unasked, withImage: true), CancellationToken.None);

        var (reference, _) = await hosts.Source.VmAsync(unasked);
        var files = await ReadAsync(hosts.Source, reference);
        Assert.Equal(unasked.Uuid, DiskReader.Json(files["openstack/latest/meta_data.json"])["uuid"]!.GetValue<string>());
        Assert.Empty(MacsOf(files));
    }

    [Fact]
    public async Task A_build_that_dies_anywhere_at_the_drive_is_taken_up_again()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = New(hosts);
        Task BuildAsync(CancellationToken cancellation) => hosts.SourceDriver.SpawnAsync(Step(hosts, server), cancellation);

        // With the root there, and the VM, the calls that follow are for the drive.
        Task BeginAsync() => Faults.DieBeforeAsync(hosts, "VIF.create", BuildAsync);
        await BeginAsync();

        await Faults.EverywhereAsync(
            hosts,
            ["VDI.create", "task.create", "VDI.remove_from_other_config", "VBD.create", "VM.start_on"],
            async ct =>
            {
                await BuildAsync(ct);
                Assert.Equal("Running", (await hosts.Source.VmAsync(server)).Record["power_state"]!.GetValue<string>());
            },
            async () =>
            {
                var (reference, _) = await hosts.Source.VmAsync(server);
                Assert.Equal(2, (await hosts.Source.DisksAsync()).Count);
                Assert.Equal(Secret, Encoding.UTF8.GetString((await ReadAsync(hosts.Source, reference))["openstack/content/0000"]));
            },
            async () =>
            {
                await hosts.SourceDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
                Assert.Empty(await hosts.Source.DisksAsync());
                await BeginAsync();
            });
    }

    [Fact]
    public async Task A_VM_whose_drive_cannot_be_filled_does_not_start()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = New(hosts);
        await Faults.DieBeforeAsync(hosts, "VIF.create", ct => hosts.SourceDriver.SpawnAsync(Step(hosts, server), ct));

        foreach (var message in new[] { "VDI.create", "task.create", "VDI.remove_from_other_config", "VBD.create" })
        {
            await hosts.Source.FailAsync(message, after: false, "INTERNAL_ERROR", "injected");
            await Assert.ThrowsAnyAsync<Exception>(() => hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None));
            Assert.Equal("Halted", (await hosts.Source.VmAsync(server)).Record["power_state"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task A_migration_takes_the_drive_along_and_a_revert_brings_it_back()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "2");
        var server = New(hosts);
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);
        await hosts.WriteAsync(server);
        var (reference, before) = await hosts.Source.VmAsync(server);
        var content = await ReadAsync(hosts.Source, reference);

        var reverted = hosts.Migration(server);
        await reverted.ForwardAsync();
        await AssertMovedAsync();
        await reverted.RevertAsync();
        await MigrationTests.AssertBackAsync(hosts, server, before);
        Assert.Equal(("RO", "Disk", false), Mode((await PlacesAsync(hosts.Source, reference))[Place]));
        AssertSame(content, await ReadAsync(hosts.Source, reference));

        var confirmed = hosts.Migration(server);
        await confirmed.ForwardAsync();
        await hosts.DestinationDriver.CheckMigrationAsync(confirmed.Step(), CancellationToken.None);
        await confirmed.ConfirmAsync();
        await AssertMovedAsync();
        Assert.Empty(await hosts.Source.DisksAsync());

        // There it is a drive as any other: a rebuild makes it anew.
        await hosts.DestinationDriver.RebuildAsync(Step(hosts, server, "other-password"), CancellationToken.None);
        var (there, _) = await hosts.Destination.VmAsync(server);
        Assert.Equal("other-password", await PasswordAsync(hosts.Destination, there));
        Assert.Equal(2, (await hosts.Destination.DisksAsync()).Count);
        await hosts.DestinationDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        Assert.Empty(await hosts.Destination.DisksAsync());
        await Wait.UntilAsync(() => hosts.Destination.VhdFiles().Count + hosts.Source.VhdFiles().Count == 0, "no file is left");

        async Task AssertMovedAsync()
        {
            var (moved, vm) = await hosts.Destination.VmAsync(server);
            Assert.Equal("Running", vm["power_state"]!.GetValue<string>());
            var places = await PlacesAsync(hosts.Destination, moved);
            Assert.Equal(["0", Place], places.Keys.Order());
            Assert.Equal(("RW", "Disk", true), Mode(places["0"]));
            Assert.Equal(("RO", "Disk", false), Mode(places[Place]));
            AssertSame(content, await ReadAsync(hosts.Destination, moved));
            Assert.Equal([await MacAsync(hosts.Destination, vm)], MacsOf(content));
        }
    }

    [Fact]
    public void A_disk_of_an_earlier_versions_document_is_read_and_written()
    {
        const string document = """{"disks":[{"userdevice":"0","bootable":true,"virtual_size":1,"files":[]}],"hardware":{},"interfaces":[]}""";

        Assert.False(MigrationJson.Read(document, MigrationJson.Default.DiskInfo, "disk_info").Disks.Single().ReadOnly);
    }

    [Fact]
    public async Task A_rebuild_makes_the_drive_anew_and_the_old_one_is_gone()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = New(hosts, flavor: WithDisks);
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);
        var (reference, _) = await hosts.Source.VmAsync(server);
        var old = await FileAsync(hosts.Source, reference);
        var request = 0;

        await Faults.EverywhereAsync(
            hosts,
            ["VDI.create", "VDI.remove_from_other_config", "VM.hard_shutdown", "VBD.destroy", "VBD.create", "VDI.destroy", "VM.start_on"],
            ct => hosts.SourceDriver.RebuildAsync(Step(hosts, server, $"password-{request}", request), ct),
            async () =>
            {
                Assert.Equal($"password-{request}", await PasswordAsync(hosts.Source, reference));
                Assert.NotEqual(old, await FileAsync(hosts.Source, reference));
                Assert.Equal(4, (await hosts.Source.DisksAsync()).Count);
                Assert.Equal(("RO", "Disk", false), Mode((await PlacesAsync(hosts.Source, reference))[Place]));
            },
            async () =>
            {
                request++;
                old = await FileAsync(hosts.Source, reference);
            });
    }

    [Fact]
    public async Task A_rescue_VM_has_a_drive_of_its_own_with_its_own_password()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = New(hosts);
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);
        var (own, vm) = await hosts.Source.VmAsync(server);

        for (var run = 0; run < 2; run++)
        {
            await hosts.SourceDriver.RescueAsync(Step(hosts, server, "rescue-password"), CancellationToken.None);
        }

        var (rescue, _) = Assert.Single(await hosts.Source.VmsAsync(), v => v.Value["other_config"]!["nova_rescue"] is not null);
        var places = await PlacesAsync(hosts.Source, rescue);
        Assert.Equal(["0", "1", Place], places.Keys.Order());
        Assert.Equal(("RO", "Disk", false), Mode(places[Place]));
        var files = await ReadAsync(hosts.Source, rescue);
        Assert.Equal("rescue-password", DiskReader.Json(files["openstack/latest/meta_data.json"])["admin_pass"]!.GetValue<string>());
        Assert.Equal([await MacAsync(hosts.Source, vm)], MacsOf(files));

        await hosts.SourceDriver.UnrescueAsync(hosts.Step(server), CancellationToken.None);
        Assert.Equal(2, (await hosts.Source.DisksAsync()).Count);
        Assert.Equal(Password, await PasswordAsync(hosts.Source, own));
    }

    [Fact]
    public async Task What_a_rescue_that_was_given_up_has_left_is_not_the_next_ones()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = New(hosts);
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);

        foreach (var (call, request) in new[] { ("VM.create", 1), ("VM.start_on", 2) })
        {
            await Faults.DieBeforeAsync(hosts, call, ct => hosts.SourceDriver.RescueAsync(Step(hosts, server, "first-password", request), ct));
        }

        await hosts.SourceDriver.RescueAsync(Step(hosts, server, "second-password", 3), CancellationToken.None);

        var (rescue, _) = Assert.Single(await hosts.Source.VmsAsync(), v => v.Value["other_config"]!["nova_rescue"] is not null);
        Assert.Equal("second-password", await PasswordAsync(hosts.Source, rescue));
        await hosts.SourceDriver.UnrescueAsync(hosts.Step(server), CancellationToken.None);
        Assert.Equal(2, (await hosts.Source.DisksAsync()).Count);
    }

    [Fact]
    public async Task An_image_of_the_server_has_its_root_alone()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = New(hosts);
        await hosts.SourceDriver.SpawnAsync(Step(hosts, server), CancellationToken.None);
        using var written = new MemoryStream();

        var info = await hosts.SourceDriver.SnapshotAsync(
            hosts.Step(server), new ImageTarget { Id = Guid.NewGuid().ToString(), Name = "image", OpenWrite = _ => Task.FromResult<Stream>(written) }, CancellationToken.None);

        Assert.Equal(TwoHosts.ImageSize, info.VirtualSize);
        Assert.Equal(-1, written.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret)));
        Assert.Equal(2, (await hosts.Source.DisksAsync()).Count);
    }

    private static Instance New(TwoHosts hosts, Flavor? flavor = null) => hosts.NewInstance(flavor: flavor) with
    {
        ConfigDrive = true, KeyName = "mine", KeyData = "ssh-ed25519 AAAA me", UserData = Convert.ToBase64String("#cloud-config\n"u8), Metadata = new Dictionary<string, string> { ["role"] = "web" },
    };

    private static TestInstanceStep Step(TwoHosts hosts, Instance server, string password = Password, int request = 0) => new()
    {
        Instance = server, RequestId = $"req-{request}", Image = hosts.Step(server, withImage: true).Image, AdminPassword = password,
        InjectedFiles = [new InjectedFile("/etc/motd", Encoding.UTF8.GetBytes(Secret))],
    };

    private static (string Mode, string Type, bool Bootable) Mode(JsonNode vbd) => (vbd["mode"]!.GetValue<string>(), vbd["type"]!.GetValue<string>(), vbd["bootable"]!.GetValue<bool>());

    private static IEnumerable<string> MacsOf(Dictionary<string, byte[]> files) =>
        DiskReader.Json(files["openstack/latest/network_data.json"])["links"]!.AsArray().Select(l => l!["ethernet_mac_address"]!.GetValue<string>());

    private static void AssertSame(Dictionary<string, byte[]> expected, Dictionary<string, byte[]> found)
    {
        Assert.Equal(expected.Keys.Order(), found.Keys.Order());
        Assert.All(expected, f => Assert.Equal(f.Value, found[f.Key]));
    }

    private static async Task<Dictionary<string, JsonNode>> PlacesAsync(SimulatedHost host, string vm)
    {
        var places = new Dictionary<string, JsonNode>();
        foreach (var reference in (await host.CallAsync("VM.get_VBDs", vm))!.AsArray())
        {
            var vbd = (await host.CallAsync("VBD.get_record", reference!.GetValue<string>()))!;
            places[vbd["userdevice"]!.GetValue<string>()] = vbd;
        }

        return places;
    }

    private static async Task<string> FileAsync(SimulatedHost host, string vm) =>
        Path.Combine(host.SrPath, (await host.CallAsync("VDI.get_uuid", (await PlacesAsync(host, vm))[Place]["VDI"]!.GetValue<string>()))!.GetValue<string>() + ".vhd");

    private static async Task<Dictionary<string, byte[]>> ReadAsync(SimulatedHost host, string vm) => await DiskReader.FilesOfVhdAsync(await FileAsync(host, vm));

    private static async Task<string> PasswordAsync(SimulatedHost host, string vm) =>
        DiskReader.Json((await ReadAsync(host, vm))["openstack/latest/meta_data.json"])["admin_pass"]!.GetValue<string>();

    private static async Task<string> MacAsync(SimulatedHost host, JsonNode vm) => (await host.CallAsync("VIF.get_MAC", Assert.Single(vm["VIFs"]!.AsArray())!.GetValue<string>()))!.GetValue<string>();
}

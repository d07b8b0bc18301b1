using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

/// <summary>Drives compute managers as the control plane does: a server from its image through a migration, handing each step what the former ones have left.</summary>
internal sealed class Journey(ComputeManager source, ComputeManager destination, bool twice = false)
{
    private readonly Dictionary<string, string> _checkpoints = [];
    private string? _sourceOffer;
    private string? _destinationOffer;
    private string? _diskInfo;

    public static Flavor Small { get; } = new() { Id = 1, FlavorId = "1", Name = "m1.tiny", MemoryMb = 512, Vcpus = 1, RootGb = 1 };

    public static Flavor Large { get; } = new() { Id = 2, FlavorId = "2", Name = "m1.small", MemoryMb = 2048, Vcpus = 2, RootGb = 20, EphemeralGb = 1 };

    public Instance Instance { get; init; } = new()
    {
        Uuid = Guid.NewGuid().ToString(), Name = "instance-00000001", DisplayName = "it's a \"server\"", ProjectId = "p", UserId = "u", Flavor = Small,
    };

    /// <summary>What the image holds.</summary>
    public byte[] ImageContent { get; init; } = [];

    /// <summary>Whether the server runs when the migration begins.</summary>
    public bool PowerOn { get; init; } = true;

    /// <summary>The name of the host that the server goes to.</summary>
    public string Destination { get; init; } = "two";

    public Migration Migration => field ??= new()
    {
        Uuid = Guid.NewGuid().ToString(), InstanceUuid = Instance.Uuid, SourceCompute = Destination == "two" ? "one" : "two", DestCompute = Destination, OldFlavor = Small, NewFlavor = Large,
        PowerOn = PowerOn,
    };

    public MigrationProgress Progress { get; private set; } = new();

    /// <summary>Called on each report.</summary>
    public Action<MigrationProgress> OnReport { get; set; } = _ => { };

    /// <summary>Percentages in the order in which they were reported.</summary>
    public List<int> Percents { get; } = [];

    public Task SpawnAsync() => AgainAsync(() => source.RunInstanceAsync(StepOfServer("spawn"), CancellationToken.None));

    public Task TerminateAsync(ComputeManager at) => AgainAsync(() => at.TerminateInstanceAsync(StepOfServer("terminate"), CancellationToken.None));

    public Task RebootAsync(ComputeManager at, bool hard) => AgainAsync(() => at.RebootInstanceAsync(StepOfServer("reboot"), hard, CancellationToken.None));

    public Task PrepSourceAsync() => AgainAsync(async () => _sourceOffer = await source.PrepSourceAsync(Step("prep_source"), CancellationToken.None));

    public Task PrepResizeAsync() => AgainAsync(async () => _destinationOffer = await destination.PrepResizeAsync(Step("prep_resize"), CancellationToken.None));

    public Task ResizeInstanceAsync(CancellationToken cancellation = default) => AgainAsync(async () => _diskInfo = await source.ResizeInstanceAsync(Step("resize_instance"), cancellation));

    public Task FinishResizeAsync() => AgainAsync(() => destination.FinishResizeAsync(Step("finish_resize"), CancellationToken.None));

    public Task ConfirmAsync() => AgainAsync(() => source.ConfirmResizeAsync(Step("confirm_resize"), CancellationToken.None));

    public Task RevertResizeAsync() => AgainAsync(() => destination.RevertResizeAsync(Step("revert_resize"), CancellationToken.None));

    public Task FinishRevertAsync() => AgainAsync(() => source.FinishRevertResizeAsync(Step("finish_revert_resize"), CancellationToken.None));

    public async Task RevertAsync()
    {
        await RevertResizeAsync();
        await FinishRevertAsync();
    }

    /// <summary>Builds the server and resizes it to the other host, where it then is to be verified.</summary>
    public async Task ThereAsync()
    {
        await source.InitHostAsync(CancellationToken.None);
        await destination.InitHostAsync(CancellationToken.None);
        await SpawnAsync();
        await PrepSourceAsync();
        await PrepResizeAsync();
        await ResizeInstanceAsync();
        await FinishResizeAsync();
    }

    /// <summary>The VM's power states at the source and the destination; null = no VM.</summary>
    public async Task<(PowerState? Source, PowerState? Destination)> PowerAsync() => (
        (await source.GetInfoAsync(Instance, CancellationToken.None))?.PowerState, (await destination.GetInfoAsync(Instance, CancellationToken.None))?.PowerState);

    /// <summary>The context of a step that is no migration.</summary>
    public InstanceStepContext StepOfServer(string name, string? password = null) => new InstanceStep(this, name)
    {
        AdminPassword = password,
        Instance = Instance,
        RequestId = "req-1",
        Image = new Image { Id = "img", Name = "an image", DiskFormat = "vhd", Size = ImageContent.Length, OpenRead = _ => Task.FromResult<Stream>(new MemoryStream(ImageContent)) },
    };

    private async Task AgainAsync(Func<Task> step)
    {
        await step();
        if (twice)
        {
            await step();
        }
    }

    private MigrationStep Step(string name) => new(this, name)
    {
        Instance = Instance, RequestId = "req-1", Migration = Migration, SourceOffer = _sourceOffer, DestinationOffer = _destinationOffer, DiskInfo = _diskInfo,
    };

    private T? Load<T>(string step, JsonTypeInfo<T> type) where T : class => _checkpoints.TryGetValue(step, out var json) ? JsonSerializer.Deserialize(json, type) : null;

    private Task Save<T>(string step, T checkpoint, JsonTypeInfo<T> type)
    {
        _checkpoints[step] = JsonSerializer.Serialize(checkpoint, type);
        return Task.CompletedTask;
    }

    private sealed class InstanceStep(Journey journey, string name) : InstanceStepContext
    {
        public override T? Checkpoint<T>(JsonTypeInfo<T> type) where T : class => journey.Load(name, type);

        public override Task SaveCheckpointAsync<T>(T checkpoint, JsonTypeInfo<T> type, CancellationToken cancellation) => journey.Save(name, checkpoint, type);
    }

    private sealed class MigrationStep(Journey journey, string name) : MigrationStepContext
    {
        public override MigrationProgress Progress => journey.Progress;

        public override T? Checkpoint<T>(JsonTypeInfo<T> type) where T : class => journey.Load(name, type);

        public override Task SaveCheckpointAsync<T>(T checkpoint, JsonTypeInfo<T> type, CancellationToken cancellation) => journey.Save(name, checkpoint, type);

        public override void Report(Func<MigrationProgress, MigrationProgress> change)
        {
            journey.Progress = change(journey.Progress);
            journey.Percents.Add(journey.Progress.Percent);
            journey.OnReport(journey.Progress);
        }
    }
}

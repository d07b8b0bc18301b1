namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>One host for all tests that do not care what else is on it.</summary>
public sealed class RunningHost : IAsyncLifetime
{
    private HostProcess? _process;

    public HostProcess Process => _process ?? throw new InvalidOperationException("The host has not been started.");

    public async Task InitializeAsync() => _process = await HostProcess.StartAsync();

    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class OneHost : ICollectionFixture<RunningHost>
{
    public const string Name = "one host";
}

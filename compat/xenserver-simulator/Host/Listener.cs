using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace NovaShim.XenServerSimulator.Host;

/// <summary>The HTTP server on loopback. It can stop listening for a while, so that clients see a host that is not there, and come back on the same port.</summary>
internal sealed partial class Listener(Action<IEndpointRouteBuilder> map, ILoggerFactory logs, TimeProvider time) : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private readonly CancellationTokenSource _ended = new();
    private readonly ILogger _log = logs.CreateLogger<Listener>();
    private WebApplication? _server;

    public int Port { get; private set; }

    /// <summary>Starts on a port, or on any free one when it is 0.</summary>
    public async Task StartAsync(int port, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            await OpenAsync(port, cancellation);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Starts on the port that was used before, or on any when somebody else has that one now.</summary>
    public async Task StartAgainAsync(int earlier, CancellationToken cancellation)
    {
        try
        {
            await StartAsync(earlier, cancellation);
        }
        catch (IOException error) when (error.InnerException is AddressInUseException && earlier != 0)
        {
            LogPortTaken(earlier);
            await StartAsync(0, cancellation);
        }
    }

    /// <summary>Breaks every connection and accepts none for a time.</summary>
    public void Refuse(TimeSpan duration) => _ = RefuseAsync(duration);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _gate.WaitAsync();
        await CloseAsync();
    }

    private async Task RefuseAsync(TimeSpan duration)
    {
        // The request that asked for this still gets its answer: the server waits for requests under way for a moment.
        await Task.Yield();
        await _gate.WaitAsync();
        try
        {
            await CloseAsync();
            LogRefusing(duration);
            await Task.Delay(duration, time, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_ended.IsCancellationRequested)
            {
                await OpenAsync(Port, _ended.Token);
            }
        }
        catch (Exception error)
        {
            // Nobody awaits this; a host that stays away has to say why.
            LogCannotComeBack(error);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task OpenAsync(int port, CancellationToken cancellation)
    {
        // Nothing of the web server comes from files or the environment: its address least of all.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Services.AddLogging();
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, port);
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
        });
        WebApplication server = builder.Build();
        map(server);
        try
        {
            await server.StartAsync(cancellation);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        string address = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Port = new Uri(address).Port;
        _server = server;
    }

    private async Task CloseAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            await server.StopAsync();
            await server.DisposeAsync();
        }
    }

    [LoggerMessage(LogLevel.Warning, "Port {Port} is taken; another one is used")]
    private partial void LogPortTaken(int port);

    [LoggerMessage(LogLevel.Information, "Refusing connections for {Duration}")]
    private partial void LogRefusing(TimeSpan duration);

    [LoggerMessage(LogLevel.Error, "The host does not come back")]
    private partial void LogCannotComeBack(Exception error);

    /// <summary>Signals are the program's, not the web server's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

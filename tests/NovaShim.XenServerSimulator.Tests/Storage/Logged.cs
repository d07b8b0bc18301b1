using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace NovaShim.XenServerSimulator.Tests.Storage;

/// <summary>Keeps what was logged as an error.</summary>
internal sealed class Logged : ILogger
{
    public ConcurrentQueue<string> Errors { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
        {
            Errors.Enqueue(formatter(state, exception));
        }
    }
}

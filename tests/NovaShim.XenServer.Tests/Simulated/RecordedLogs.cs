using System.Text;
using Microsoft.Extensions.Logging;

namespace NovaShim.XenServer.Tests.Simulated;

/// <summary>Keeps everything that is logged, exceptions included: secrets are looked for in it.</summary>
internal sealed class RecordedLogs : ILoggerProvider
{
    private readonly StringBuilder _text = new();

    public string Text
    {
        get
        {
            lock (_text)
            {
                return _text.ToString();
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(RecordedLogs logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (logs._text)
            {
                logs._text.Append(logLevel).Append(' ').Append(category).Append(": ").AppendLine(formatter(state, exception)).AppendLine(exception?.ToString());
            }
        }
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;
using NovaShim.XenServerSimulator.XenApi.Sessions;

namespace NovaShim.XenServerSimulator.XenApi.Events;

/// <summary>
/// Tells clients what changed. <c>event.from</c> needs no memory of its own: the token is the database generation that the client has seen.
/// The older <c>register</c>/<c>next</c> keep each session's subscription here.
/// </summary>
internal sealed class EventFeed(Database database, ObjectView view, SessionBook sessions, TimeProvider time)
{
    /// <summary>Classes that nobody is told about.</summary>
    private static readonly HashSet<string> Silent = ["session", "event"];

    private readonly ConcurrentDictionary<string, Registration> _registrations = new(StringComparer.Ordinal);
    private long _lastId;

    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("event.from", call => FromAsync(call)),
        new("event.register", Handler.Of(Register)),
        new("event.unregister", Handler.Of(Unregister)),
        new("event.next", NextAsync),
        new("event.get_current_id", Handler.Of(_ => database.Generation)),
        new("event.inject", Handler.Of(Inject)),
    ];

    private static string Token(long generation) => string.Create(CultureInfo.InvariantCulture, $"{generation:D20},{0:D20}");

    private static long ReadToken(string token)
    {
        if (token.Length == 0)
        {
            return 0;
        }

        string[] parts = token.Split(',');
        return parts.Length == 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long generation)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? generation
            : throw new ApiFailure("EVENT_FROM_TOKEN_PARSE_FAILURE", token);
    }

    private static Func<string, string, bool> Matcher(IEnumerable<string> subscriptions)
    {
        HashSet<string> classes = new(StringComparer.OrdinalIgnoreCase);
        HashSet<(string Class, string Ref)> objects = [];
        foreach (string subscription in subscriptions)
        {
            string[] parts = subscription.Split('/', 2);
            if (parts.Length == 2)
            {
                objects.Add((parts[0].ToLowerInvariant(), parts[1]));
            }
            else
            {
                classes.Add(subscription);
            }
        }

        return (className, reference) => !Silent.Contains(className)
            && (classes.Contains("*") || classes.Contains(className) || objects.Contains((className.ToLowerInvariant(), reference)));
    }

    private async Task<object?> FromAsync(Call call)
    {
        Func<string, string, bool> matches = Matcher(call.Set(0).Cast<string>());
        long seen = ReadToken(call.Text(1));
        TimeSpan timeout = TimeSpan.FromSeconds(Math.Clamp(call.Float(2), 0, 24 * 3600));
        (long generation, List<object> events) = await WaitAsync(call, matches, seen, "0.0", timeout);
        return new Dictionary<string, object>
        {
            ["events"] = events.ToArray(),
            ["valid_ref_counts"] = database.Model.Classes.Keys.Where(name => !Silent.Contains(name))
                .ToDictionary(name => name.ToLowerInvariant(), name => (object)database.All(name).Count(), StringComparer.Ordinal),
            ["token"] = Token(generation),
        };
    }

    private async Task<(long Generation, List<object> Events)> WaitAsync(
        Call call, Func<string, string, bool> matches, long seen, string timestamp, TimeSpan timeout)
    {
        using CancellationTokenSource deadline = new(timeout, time);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, call.ClientGone, call.Cancellation);
        while (true)
        {
            (long generation, List<object> events) = Collect(matches, seen, timestamp);
            if (events.Count > 0 || stop.IsCancellationRequested)
            {
                return (generation, events);
            }

            if (!sessions.IsOpen(call.Session))
            {
                throw new ApiFailure("SESSION_INVALID", call.Session);
            }

            await database.ChangedAfter(generation).WaitAsync(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private (long Generation, List<object> Events) Collect(Func<string, string, bool> matches, long seen, string timestamp)
    {
        (long generation, IReadOnlyList<Record> changed, IReadOnlyList<Deletion> deleted) = database.Since(seen);
        List<object> events = [];
        foreach (Record record in changed.Where(r => matches(r.Class.Name, r.Ref)))
        {
            events.Add(Event(record.Class.Name, record.Created > seen ? "add" : "mod", record.Ref, record.Uuid, timestamp, view.Read(record)));
        }

        foreach (Deletion deletion in deleted.Where(d => matches(d.Class, d.Ref)))
        {
            events.Add(Event(deletion.Class, "del", deletion.Ref, "", timestamp, null));
        }

        return (generation, events);
    }

    private Dictionary<string, object> Event(string className, string operation, string reference, string uuid, string timestamp, ValueMap? snapshot)
    {
        Dictionary<string, object> told = new()
        {
            ["id"] = Values.Text(Interlocked.Increment(ref _lastId)),
            ["timestamp"] = timestamp,
            ["class"] = className.ToLowerInvariant(),
            ["operation"] = operation,
            ["ref"] = reference,
            ["obj_uuid"] = uuid,
        };
        if (snapshot is not null)
        {
            told["snapshot"] = snapshot;
        }

        return told;
    }

    private void Register(Call call)
    {
        foreach (string ended in _registrations.Keys.Where(session => !sessions.IsOpen(session)))
        {
            _registrations.TryRemove(ended, out _);
        }

        Registration registration = _registrations.GetOrAdd(call.Session, _ => new Registration(database.Generation));
        lock (registration)
        {
            registration.Classes.UnionWith(call.Set(0).Cast<string>());
        }
    }

    private void Unregister(Call call)
    {
        Registration registration = Registered(call);
        lock (registration)
        {
            registration.Classes.ExceptWith(call.Set(0).Cast<string>());
        }
    }

    private async Task<object?> NextAsync(Call call)
    {
        Registration registration = Registered(call);
        string[] classes;
        long seen;
        lock (registration)
        {
            classes = [.. registration.Classes];
            seen = registration.Seen;
        }

        string timestamp = (time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0).ToString("0.0##", CultureInfo.InvariantCulture);
        (long generation, List<object> events) = await WaitAsync(call, Matcher(classes), seen, timestamp, TimeSpan.FromHours(1));
        lock (registration)
        {
            registration.Seen = Math.Max(registration.Seen, generation);
        }

        return events.ToArray();
    }

    private object? Inject(Call call)
    {
        string name = database.Model.Classes.Keys.FirstOrDefault(c => c.Equals(call.Text(0), StringComparison.OrdinalIgnoreCase)) ?? call.Text(0);
        Record record = database.Get(name, call.Text(1));
        database.Touch(record.Ref);
        return Token(database.Generation);
    }

    private Registration Registered(Call call) =>
        _registrations.TryGetValue(call.Session, out Registration? registration) && registration.Classes.Count > 0
            ? registration
            : throw new ApiFailure("SESSION_NOT_REGISTERED", call.Session);

    private sealed class Registration(long seen)
    {
        public HashSet<string> Classes { get; } = new(StringComparer.OrdinalIgnoreCase);

        public long Seen { get; set; } = seen;
    }
}

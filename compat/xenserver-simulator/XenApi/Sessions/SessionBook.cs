using System.Collections.Concurrent;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Pool;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Sessions;

/// <summary>Who is logged in. Sessions live in memory: a restart ends them all.</summary>
internal sealed class SessionBook(Database database, HostIdentity identity, TimeProvider time)
{
    /// <summary>More sessions than this of one originator or user name, and the oldest go.</summary>
    private const int MaximumPerOwner = 500;

    private readonly ConcurrentDictionary<string, DateTimeOffset> _lastUse = new(StringComparer.Ordinal);

    /// <summary>An idle session is dropped after this time.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(24);

    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("session.login_with_password", Handler.Of(call => Login(call.Text(0), call.Text(1), call.Text(3)))),
        new("session.slave_local_login_with_password", Handler.Of(call => Login(call.Text(0), call.Text(1), ""))),
        new("session.logout", Handler.Of(call => End(call.Session))),
        new("session.local_logout", Handler.Of(call => End(call.Session))),
        new("session.get_all_subject_identifiers", Handler.Of(_ => Values.NoSet)),
    ];

    /// <exception cref="ApiFailure">SESSION_AUTHENTICATION_FAILED [user, text].</exception>
    public string Login(string user, string password, string originator)
    {
        CheckPassword(user, password);
        DropIdle();
        string reference = database.Change(tx => tx.Create("session",
        [
            new("this_host", tx.All("host").First().Ref),
            new("last_active", time.GetUtcNow().UtcDateTime),
            new("validation_time", time.GetUtcNow().UtcDateTime),
            new("is_local_superuser", true),
            new("auth_user_name", user),
            new("originator", originator),
        ]));
        _lastUse[reference] = time.GetUtcNow();
        foreach (string surplus in database.All("session")
            .Where(s => s.Text("originator") == originator && s.Text("auth_user_name") == user)
            .OrderByDescending(s => s.Created).Skip(MaximumPerOwner).Select(s => s.Ref).ToArray())
        {
            End(surplus);
        }

        return reference;
    }

    /// <exception cref="ApiFailure">SESSION_AUTHENTICATION_FAILED [user, text].</exception>
    public void CheckPassword(string user, string password)
    {
        if (user != identity.UserName || password != identity.Password)
        {
            throw new ApiFailure("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure");
        }
    }

    /// <exception cref="ApiFailure">SESSION_INVALID [ref] for a session that is unknown, ended or too old.</exception>
    public void Check(string session)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (!_lastUse.TryGetValue(session, out DateTimeOffset last) || now - last > Lifetime)
        {
            End(session);
            throw new ApiFailure("SESSION_INVALID", session);
        }

        _lastUse[session] = now;
    }

    public bool IsOpen(string session) => _lastUse.ContainsKey(session);

    /// <summary>Ends every session, as a restart of the toolstack does.</summary>
    public void EndAll()
    {
        foreach (string session in _lastUse.Keys)
        {
            End(session);
        }
    }

    private void DropIdle()
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach ((string session, DateTimeOffset last) in _lastUse)
        {
            if (now - last > Lifetime)
            {
                End(session);
            }
        }
    }

    private void End(string session)
    {
        if (_lastUse.TryRemove(session, out _))
        {
            database.Change(tx => tx.Delete(session));
        }
    }
}

using System.CommandLine;
using System.Net.Http.Json;
using NovaShim.XenServerSimulator.Host;
using NovaShim.XenServerSimulator.XenApi.Faults;

namespace NovaShim.XenServerSimulator.CommandLine;

/// <summary><c>xenserver-simulator fault --root DIR …</c>: makes a running host misbehave.</summary>
internal static class FaultCommand
{
    public static Command Create()
    {
        Option<DirectoryInfo> root = new("--root") { Description = "The root of the running host.", Required = true, Recursive = true };
        Option<bool> after = new("--after") { Description = "Let the call do its work before it fails, as when an answer is lost." };
        Option<int> times = new("--times") { Description = "How many calls are hit.", DefaultValueFactory = _ => 1 };
        Option<double> delay = new("--delay") { Description = "Seconds a call waits before it fails." };
        Argument<string> method = new("method") { Description = "The message, e.g. VM.clean_shutdown; Async calls are hit too." };
        Argument<string[]> error = new("error")
        {
            Description = "The error code and its parameters; $self stands for the call's first argument.",
            Arity = ArgumentArity.OneOrMore,
        };
        Argument<double> seconds = new("seconds");
        Argument<long> bytes = new("bytes");

        Command fail = new("fail", "The next calls of a message fail, e.g.: fail VM.clean_shutdown VM_SHUTDOWN_TIMEOUT '$self' 1200") { method, error, after, times, delay };
        Command hang = new("hang", "The next calls of a message never end (their task stays pending) until they are cancelled or faults are cleared.") { method, times };
        Command refuse = new("refuse", "Break all connections and accept none for so many seconds.") { seconds };
        Command expire = new("expire-sessions", "End every session.");
        Command lifetime = new("session-lifetime", "Idle sessions end after so many seconds.") { seconds };
        Command wait = new("conflict-wait", "A call that conflicts with another on the same VM waits so many seconds before OTHER_OPERATION_IN_PROGRESS; 0 = fails at once.") { seconds };
        Command withhold = new("withhold-memory", "Take so many bytes of memory away from VMs, so that starts fail.") { bytes };
        Command sshd = new("restart-sshd", "Kill dom0's sshd with every session, and start it again after so many seconds.") { seconds };
        Command strange = new("strange-host-key", "Kill dom0's sshd with every session; what answers in its place shows another host key, until faults are cleared.");
        Command clear = new("clear", "Forget all faults; calls that hang go on, memory and host key are given back.");

        fail.SetAction((result, cancellation) => SendAsync(
            result,
            root,
            new FaultRequest(
                "fail", result.GetValue(method), result.GetValue(error), result.GetValue(after), result.GetValue(times), result.GetValue(delay)),
            cancellation));
        hang.SetAction((result, cancellation) => SendAsync(result, root, new FaultRequest("hang", result.GetValue(method), Times: result.GetValue(times)), cancellation));
        foreach (Command timed in new[] { refuse, lifetime, wait, sshd })
        {
            timed.SetAction((result, cancellation) => SendAsync(result, root, new FaultRequest(timed.Name, Seconds: result.GetValue(seconds)), cancellation));
        }

        withhold.SetAction((result, cancellation) => SendAsync(result, root, new FaultRequest("withhold-memory", Bytes: result.GetValue(bytes)), cancellation));
        foreach (Command plain in new[] { expire, strange, clear })
        {
            plain.SetAction((result, cancellation) => SendAsync(result, root, new FaultRequest(plain.Name), cancellation));
        }

        Command command = new("fault", "Make a running host misbehave (the same over HTTP: POST /simulator/faults with {\"kind\": …}).")
        {
            fail, hang, refuse, expire, lifetime, wait, withhold, sshd, strange, clear,
        };
        command.Options.Add(root);
        return command;
    }

    private static async Task<int> SendAsync(ParseResult result, Option<DirectoryInfo> root, FaultRequest request, CancellationToken cancellation)
    {
        TextWriter errors = result.InvocationConfiguration.Error;
        string folder = result.GetValue(root)!.FullName;
        if (ReadyFile.Read(ReadyFile.InRoot(folder)) is not { } host)
        {
            await errors.WriteLineAsync($"No host was ever ready on {folder}.");
            return 1;
        }

        try
        {
            using HttpClient client = new();
            using HttpResponseMessage response = await client.PostAsJsonAsync($"{host.Url}/simulator/faults", request, FaultJson.Default.FaultRequest, cancellation);
            if (!response.IsSuccessStatusCode)
            {
                await errors.WriteLineAsync(await response.Content.ReadAsStringAsync(cancellation));
                return 1;
            }

            return 0;
        }
        catch (HttpRequestException error)
        {
            await errors.WriteLineAsync($"{host.Name} does not answer at {host.Url}: {error.Message}");
            return 1;
        }
    }
}

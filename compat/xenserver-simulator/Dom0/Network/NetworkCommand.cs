using System.CommandLine;

namespace NovaShim.XenServerSimulator.Dom0.Network;

/// <summary><c>network --root DIR cut|heal|slow BYTES_PER_SECOND|noisy BYTES [--all]</c>: what an axe or a bad switch does to a host.</summary>
internal static class NetworkCommand
{
    public static Command Create()
    {
        Option<DirectoryInfo> root = new("--root") { Description = "The host's folder.", Required = true, Recursive = true };
        Option<bool> all = new("--all") { Description = "Management connections too, not only those between hosts.", Recursive = true };
        Argument<long> rate = AtLeastOne("bytes-per-second", "; use \"cut\" for none at all");
        Argument<long> distance = AtLeastOne("bytes", "");

        Command command = new("network", "Cuts, slows, spoils or heals a host's network; takes effect at once and outlives the host's process.") { root, all };
        Command cut = new("cut", "Drops the connections and refuses new ones.");
        Command heal = new("heal", "Full speed again.");
        Command slow = new("slow", "Limits each direction to a rate.") { rate };
        Command noisy = new("noisy", "One bit of each so many bytes arrives as another.") { distance };
        cut.SetAction((p, ct) => ApplyAsync(p, new NetworkState(NetworkCondition.Cut, 0, p.GetValue(all)), ct));
        heal.SetAction((p, ct) => ApplyAsync(p, NetworkState.Whole, ct));
        slow.SetAction((p, ct) => ApplyAsync(p, new NetworkState(NetworkCondition.Slow, p.GetValue(rate), p.GetValue(all)), ct));
        noisy.SetAction((p, ct) => ApplyAsync(p, new NetworkState(NetworkCondition.Noisy, 0, p.GetValue(all), p.GetValue(distance)), ct));
        command.Add(cut);
        command.Add(heal);
        command.Add(slow);
        command.Add(noisy);
        return command;

        async Task<int> ApplyAsync(ParseResult parsed, NetworkState state, CancellationToken ct)
        {
            DirectoryInfo folder = parsed.GetRequiredValue(root);
            if (!folder.Exists)
            {
                await Console.Error.WriteLineAsync($"no host in {folder.FullName}: there is no such folder");
                return 1;
            }

            await state.WriteAsync(folder.FullName, ct);

            // New connections are judged by the file at once, open ones when the relays have looked at it again.
            await Task.Delay(3 * SshRelay.LookInterval, TimeProvider.System, ct);
            return 0;
        }
    }

    private static Argument<long> AtLeastOne(string name, string otherwise)
    {
        Argument<long> argument = new(name) { Description = "At least 1." };
        argument.Validators.Add(r =>
        {
            if (r.Tokens.Count == 1 && long.TryParse(r.Tokens[0].Value, out long value) && value < 1)
            {
                r.AddError($"{name} must be at least 1{otherwise}");
            }
        });
        return argument;
    }
}

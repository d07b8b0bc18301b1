using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Dom0;
using NovaShim.XenServerSimulator.Dom0.Xenstored;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Events;
using NovaShim.XenServerSimulator.XenApi.Faults;
using NovaShim.XenServerSimulator.XenApi.Machines;
using NovaShim.XenServerSimulator.XenApi.Model;
using NovaShim.XenServerSimulator.XenApi.Pool;
using NovaShim.XenServerSimulator.XenApi.Records;
using NovaShim.XenServerSimulator.XenApi.Repositories;
using NovaShim.XenServerSimulator.XenApi.Sessions;
using NovaShim.XenServerSimulator.XenApi.Tasks;
using NovaShim.XenServerSimulator.XenApi.Transfers;
using NovaShim.XenServerSimulator.XenApi.Wire;

namespace NovaShim.XenServerSimulator.Host;

/// <summary>
/// Puts one host together and runs it until it is told to end. Everything durable is below the root: the objects (<c>xapi.db</c>), the disks
/// (<c>run/sr-mount</c>), dom0. VMs that ran when the process ended, in whatever way, are halted when it starts again.
/// </summary>
internal static class SimulatedHost
{
    private const string UserName = "root";

    /// <param name="options">The host.</param>
    /// <param name="logs">Where it logs.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="IOException">The root is in use, a port is taken, or sshd does not start.</exception>
    public static async Task RunAsync(HostOptions options, ILoggerFactory logs, CancellationToken stop)
    {
        TimeProvider time = TimeProvider.System;
        string root = Path.GetFullPath(options.Root);
        Directory.CreateDirectory(root);
        using FileStream claim = Claim(root);
        File.Delete(options.Ready);

        HostIdentity identity = new(options.Name, options.ProductVersion, UserName, Password(root), options.MemoryMib << 20);
        using Database database = new(DataModel.Load(ApiVersion.OfProduct(options.ProductVersion)), Path.Combine(root, "xapi.db"));
        string RepositoryPath(string uuid) => Path.Combine(root, "run", "sr-mount", uuid);
        string srUuid = FirstBoot.Run(database, identity, RepositoryPath, time);
        Domains.Recover(database);

        using CancellationTokenSource hostDown = new();
        await using StorageRepository storage = await StorageRepository.OpenAsync(
            RepositoryPath(srUuid), new StorageOptions { CoalesceDelay = options.CoalesceDelay, Now = written => VdiRecords.Switched(database, written) }, time, logs.CreateLogger<StorageRepository>(), stop);
        using VdiRecords vdiRecords = new(database, storage, time);
        storage.Changed += vdiRecords.Mirror;
        database.Change(vdiRecords.UpdateTotals);
        VdiMessages vdis = new(database, storage, vdiRecords);
        string consoles = Path.Combine(root, "dom0", "var", "log", "xen", "guest");
        XenStore store = new(XenStore.FolderIn(root));
        store.Clear();
        await using Domains domains = new(
            database, storage, vdiRecords, new SuspendImages(database, storage, vdis), new GuestOptions { BytesPerSecond = options.GuestWriteRate, Agent = options.GuestAgent }, consoles, store, time, logs.CreateLogger<Domains>());

        SessionBook sessions = new(database, identity, time);
        TaskBook tasks = new(database, time, hostDown.Token);
        VmOperations operations = new(database, time);
        HostMemory memory = new(database, identity);
        FaultBook faults = new(time);
        ObjectView view = new(
            database, record => record.Class.Name == "VM" ? VmOperations.Allowed(record) : AllowedOperations.Of(record, database));
        MessageTable? messages = null;
        messages = new MessageTable(
            database.Model,
            new GeneratedMessages(database, view),
            [
                .. sessions.Messages,
                .. tasks.Messages,
                .. new EventFeed(database, view, sessions, time).Messages,
                .. new HostMessages(database, memory, () => messages!.Names, time).Messages,
                .. new VmLifecycle(database, operations, vdiRecords, vdis, domains, time).Messages,
                .. new VmPower(database, operations, domains, memory).Messages,
                .. new VmSettings(database, operations).Messages,
                .. new VmDataSources(database, domains).Messages,
                .. new Vbds(database, domains).Messages,
                .. new Vifs(database).Messages,
                .. vdis.Messages,
                .. new SrMessages(database, storage, vdiRecords, vdis).Messages,
            ]);
        Dispatcher dispatcher = new(messages, sessions, tasks, faults, logs.CreateLogger<Dispatcher>(), hostDown.Token);

        Listener? listener = null;
        ControlDomain? dom0 = null;
        await using Listener api = listener = new Listener(
            routes =>
            {
                new RpcEndpoints(dispatcher).Map(routes);
                new RawVdiEndpoints(database, storage, vdis, sessions, tasks, logs.CreateLogger<RawVdiEndpoints>()).Map(routes);
                new FaultEndpoints(faults, messages, sessions, operations, memory, duration => listener!.Refuse(duration), () => dom0!).Map(routes);
            },
            logs,
            time);
        ReadyFile? earlier = ReadyFile.Read(ReadyFile.InRoot(root));
        if (options.Port != 0)
        {
            await api.StartAsync(options.Port, stop);
        }
        else
        {
            await api.StartAgainAsync(earlier is null ? 0 : new Uri(earlier.Url).Port, stop);
        }

        await using ControlDomain started = dom0 = await StartControlDomainAsync(options, root, earlier?.SshPort ?? 0, time, logs.CreateLogger<ControlDomain>(), stop);
        ReadyFile ready = new(
            options.Name, $"http://127.0.0.1:{api.Port}", identity.UserName, identity.Password, srUuid, storage.Directory,
            dom0.SshHost, dom0.SshPort, dom0.SshUser, dom0.PrivateKeyFile, dom0.HostKey, consoles, Environment.ProcessId);
        ready.Write(ReadyFile.InRoot(root));
        ready.Write(options.Ready);

        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await hostDown.CancelAsync();
        File.Delete(options.Ready);
    }

    /// <summary>Starts dom0 on the port that was asked for; else on the one it had before, or on any when somebody else has that one now.</summary>
    private static async Task<ControlDomain> StartControlDomainAsync(
        HostOptions options, string root, int earlierPort, TimeProvider time, ILogger log, CancellationToken stop)
    {
        ControlDomainOptions wanted = new() { Name = options.Name, Root = root, SshPort = options.SshPort };
        if (options.SshPort == 0 && earlierPort != 0)
        {
            try
            {
                return await ControlDomain.StartAsync(wanted with { SshPort = earlierPort }, time, log, stop);
            }
            catch (SocketException)
            {
                // Taken meanwhile.
            }
        }

        return await ControlDomain.StartAsync(wanted, time, log, stop);
    }

    /// <summary>Two processes on one root would spoil each other's disks.</summary>
    private static FileStream Claim(string root)
    {
        try
        {
            return new FileStream(Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new IOException($"Another simulator runs on {root}.", error);
        }
    }

    /// <summary>The root's password, made at its first start.</summary>
    private static string Password(string root)
    {
        string file = Path.Combine(root, "password");
        if (!File.Exists(file) || new FileInfo(file).Length == 0)
        {
            FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using StreamWriter writer = new(file, options);
            writer.Write(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        }

        return File.ReadAllText(file);
    }
}

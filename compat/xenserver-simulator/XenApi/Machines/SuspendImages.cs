using System.Text;
using System.Text.Json;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Records;
using NovaShim.XenServerSimulator.XenApi.Repositories;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>The memory of suspended VMs: a VDI each (<c>VM.suspend_VDI</c>), as large as the VM's memory and thinly filled.</summary>
internal sealed class SuspendImages(Database database, StorageRepository storage, VdiMessages vdis)
{
    private const string Field = "suspend_VDI";
    private const int Portion = 4096;

    /// <summary>Writes a guest's memory into a new VDI and returns that.</summary>
    /// <exception cref="StorageException">There is no room for it; nothing is left of it.</exception>
    public async Task<string> SaveAsync(Record vm, GuestMemory? memory, CancellationToken cancellation)
    {
        string made = await vdis.MakeAsync(
            vm.Int("memory_static_max"),
            [new("name_label", "Suspend image"), new("name_description", "Suspend image"), new("type", "suspend")],
            cancellation);
        try
        {
            byte[] content = new byte[Portion];
            Encoding.UTF8.GetBytes(JsonSerializer.Serialize(memory), content);
            await using Disk disk = await storage.AttachAsync(database.Get("VDI", made).Uuid, readOnly: false, cancellation);
            await disk.WriteAsync(0, content, cancellation);
            await disk.FlushAsync(cancellation);
            return made;
        }
        catch
        {
            await vdis.DestroyAsync(made, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Reads a suspended VM's memory; null where its guest had not booted.</summary>
    public async Task<GuestMemory?> LoadAsync(Record vm, CancellationToken cancellation)
    {
        if (Values.IsNull(vm.Text(Field)))
        {
            return null;
        }

        byte[] content = new byte[Portion];
        await using Disk disk = await storage.AttachAsync(database.Get("VDI", vm.Text(Field)).Uuid, readOnly: true, cancellation);
        await disk.ReadAsync(0, content, cancellation);
        return JsonSerializer.Deserialize<GuestMemory?>(content.AsSpan().TrimEnd((byte)0));
    }

    /// <summary>Does away with a VM's memory once nobody will go on from it.</summary>
    public async Task DropAsync(string vm)
    {
        if (database.Find(vm) is { } record && record.Text(Field) is var image && !Values.IsNull(image))
        {
            database.Change(tx => tx.Set(vm, Field, Values.NullRef));
            if (database.Find(image) is not null)
            {
                await vdis.DestroyAsync(image, CancellationToken.None);
            }
        }
    }
}

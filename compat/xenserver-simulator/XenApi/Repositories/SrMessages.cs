using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Repositories;

/// <summary>The messages of SRs and of the PBDs that connect them to the host.</summary>
internal sealed class SrMessages(Database database, StorageRepository storage, VdiRecords records, VdiMessages vdis)
{
    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("SR.scan", ScanAsync),
        new("SR.update", Handler.Of(call =>
        {
            vdis.AssertAttached(call.Text(0));
            database.Change(records.UpdateTotals);
        })),
        new("SR.get_supported_types", Handler.Of(_ => Values.Set(database.All("SM").Select(sm => sm.Text("type"))))),
        new("PBD.plug", Handler.Of(Plug)),
        new("PBD.unplug", Handler.Of(Unplug)),
        new("PBD.destroy", Handler.Of(call =>
        {
            Record pbd = database.Get("PBD", call.Text(0));
            if (pbd.Flag("currently_attached"))
            {
                throw ApiFailure.NotAllowed("the PBD is plugged");
            }

            database.Change(tx => tx.Delete(pbd.Ref));
        })),
    ];

    private async Task<object?> ScanAsync(Call call)
    {
        vdis.AssertAttached(call.Text(0));
        await records.ScanAsync(call.Cancellation);
        return null;
    }

    private void Plug(Call call)
    {
        Record pbd = database.Get("PBD", call.Text(0));
        if (!pbd.Flag("currently_attached"))
        {
            database.Change(tx => tx.Set(pbd.Ref, "currently_attached", true));
            storage.KickGarbageCollection();
        }
    }

    private void Unplug(Call call)
    {
        Record pbd = database.Get("PBD", call.Text(0));
        if (database.All("VDI").Any(vdi => vdi.Text("SR") == pbd.Text("SR") && storage.IsAttached(vdi.Uuid)))
        {
            throw new ApiFailure("SR_DEVICE_IN_USE");
        }

        database.Change(tx => tx.Set(pbd.Ref, "currently_attached", false));
    }
}

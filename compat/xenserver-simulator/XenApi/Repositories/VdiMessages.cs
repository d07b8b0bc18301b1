using System.IO.Pipelines;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Model;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Repositories;

/// <summary>The messages of VDIs.</summary>
internal sealed class VdiMessages(Database database, StorageRepository storage, VdiRecords vdis)
{
    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("VDI.create", CreateAsync),
        new("VDI.destroy", async call =>
        {
            await DestroyAsync(call.Text(0), call.Cancellation);
            return null;
        }),
        new("VDI.forget", Handler.Of(Forget)),
        new("VDI.introduce", IntroduceAsync),
        new("VDI.snapshot", async call => await vdis.BranchAsync(Managed(call.Text(0)), isSnapshot: true, call.Cancellation)),
        new("VDI.clone", async call => await vdis.BranchAsync(Managed(call.Text(0)), isSnapshot: false, call.Cancellation)),
        new("VDI.copy", CopyAsync),
        new("VDI.resize", ResizeAsync),
        new("VDI.resize_online", Handler.Of(call => throw new ApiFailure("SR_OPERATION_NOT_SUPPORTED", Managed(call.Text(0)).Text("SR")))),
        new("VDI.update", UpdateAsync),
    ];

    /// <summary>A VDI that may be worked on: it is no base copy and its SR is plugged.</summary>
    public Record Managed(string reference)
    {
        Record vdi = database.Get("VDI", reference);
        if (!vdi.Flag("managed"))
        {
            throw new ApiFailure("VDI_NOT_MANAGED", reference);
        }

        AssertAttached(vdi.Text("SR"));
        return vdi;
    }

    public Record Detached(string reference, string operation)
    {
        Record vdi = Managed(reference);
        return storage.IsAttached(vdi.Uuid) || database.All("VBD").Any(vbd => vbd.Text("VDI") == reference && vbd.Flag("currently_attached"))
            ? throw new ApiFailure("VDI_IN_USE", reference, operation)
            : vdi;
    }

    public void AssertAttached(string sr)
    {
        database.Get("SR", sr);
        Record[] pbds = [.. database.All("PBD").Where(pbd => pbd.Text("SR") == sr)];
        if (pbds.Length == 0)
        {
            throw new ApiFailure("SR_HAS_NO_PBDS", sr);
        }

        if (!pbds.Any(pbd => pbd.Flag("currently_attached")))
        {
            throw new ApiFailure("SR_NOT_ATTACHED", sr);
        }
    }

    private async Task<object?> CreateAsync(Call call)
    {
        Dictionary<string, object> fields = Constructor.Fields(database.Model["VDI"], call.Map(0));
        AssertAttached((string)fields["SR"]);
        long size = (long)fields["virtual_size"];
        if (size < 0)
        {
            throw ApiFailure.InvalidValue("virtual_size", Values.Text(size));
        }

        return await MakeAsync(size, fields, call.Cancellation);
    }

    /// <summary>The file first: a file without an object is found by the next scan, an object without a file is a broken promise.</summary>
    public Task<string> MakeAsync(long size, IEnumerable<KeyValuePair<string, object>> fields, CancellationToken cancellation) => vdis.TogetherAsync(
        async () =>
        {
            VhdFacts made = await storage.CreateAsync(Guid.NewGuid().ToString(), size, cancellation);
            return database.Change(tx =>
            {
                string vdi = vdis.Introduce(tx, made, fields);
                vdis.UpdateTotals(tx);
                return vdi;
            });
        },
        cancellation);

    /// <summary>Destroys a disk that nobody uses, and forgets it.</summary>
    public Task DestroyAsync(string reference, CancellationToken cancellation) => vdis.TogetherAsync(
        async () =>
        {
            Record vdi = Detached(reference, "destroy");
            try
            {
                await storage.DestroyAsync(vdi.Uuid, cancellation);
            }
            catch (StorageException error) when (error.Number == StorageError.VdiMissing)
            {
                // The file is gone already; what is left is to forget it.
            }

            database.Change(tx => vdis.Forget(tx, vdi.Ref));
            return true;
        },
        cancellation);

    private void Forget(Call call)
    {
        Record vdi = Detached(call.Text(0), "forget");
        database.Change(tx => vdis.Forget(tx, vdi.Ref));
    }

    private Task<object?> IntroduceAsync(Call call) => vdis.TogetherAsync(() => IntroduceAloneAsync(call), call.Cancellation);

    private async Task<object?> IntroduceAloneAsync(Call call)
    {
        string uuid = call.Text(0), sr = call.Text(3), location = call.Text(8);
        if (!Guid.TryParse(uuid, out _))
        {
            throw new ApiFailure("UUID_INVALID", "VDI", uuid);
        }

        AssertAttached(sr);
        if (database.All("VDI").Any(vdi => vdi.Text("location") == location || vdi.Uuid == uuid))
        {
            throw new ApiFailure("LOCATION_NOT_UNIQUE", sr, location);
        }

        VhdFacts file = await storage.FindAsync(location, call.Cancellation) ?? throw new ApiFailure("VDI_LOCATION_MISSING", sr, location);
        IReadOnlyList<ParameterModel> parameters = call.Message.Parameters;
        Dictionary<string, object> fields = [];
        for (int i = 1; i < parameters.Count; i++)
        {
            fields[parameters[i].Name] = call.Arguments[i];
        }

        return database.Change(tx => vdis.Introduce(tx, file, fields));
    }

    /// <summary>Copies a disk in full, into a VDI that exists or into a new one.</summary>
    private async Task<object?> CopyAsync(Call call) =>
        Values.IsNull(call.Text(3))
            ? await CopyAsync(database.Get("VDI", call.Text(0)), call.Text(1), call.Progress, call.Cancellation)
            : await FillAsync(Detached(call.Text(0), "copy"), Detached(call.Text(3), "copy"), call.Progress, call.Cancellation);

    /// <summary>Copies a disk in full into a new VDI and returns that.</summary>
    public async Task<string> CopyAsync(Record vdi, string sr, IProgress<double>? progress, CancellationToken cancellation)
    {
        Record from = Detached(vdi.Ref, "copy");
        AssertAttached(sr);
        string into = await MakeAsync(
            from.Int("virtual_size"),
            from.Fields.Where(field => field.Key is "name_label" or "name_description" or "type" or "other_config" or "xenstore_data" or "tags"),
            cancellation);
        return await FillAsync(from, database.Get("VDI", into), progress, cancellation);
    }

    private async Task<string> FillAsync(Record from, Record to, IProgress<double>? progress, CancellationToken cancellation)
    {
        Pipe pipe = new();
        async Task WriteAsync()
        {
            try
            {
                await using Stream writer = pipe.Writer.AsStream(leaveOpen: true);
                await storage.ExportAsync(from.Uuid, writer, "raw", null, null, cancellation);
                await pipe.Writer.CompleteAsync();
            }
            catch (Exception error)
            {
                // The reading side has to end too, and it is the side that is awaited.
                await pipe.Writer.CompleteAsync(error);
            }
        }

        Task writing = WriteAsync();
        await storage.ImportAsync(to.Uuid, pipe.Reader.AsStream(), from.Int("virtual_size"), "raw", progress, cancellation);
        await writing;
        await UpdateAsync(to, cancellation);
        return to.Ref;
    }

    private async Task<object?> ResizeAsync(Call call)
    {
        Record vdi = Detached(call.Text(0), "resize");
        VhdFacts now = await storage.ResizeAsync(vdi.Uuid, call.Int(1), call.Cancellation);
        database.Change(tx =>
        {
            VdiRecords.Update(tx, tx.Get("VDI", vdi.Ref), now);
            vdis.UpdateTotals(tx);
        });
        return null;
    }

    private async Task<object?> UpdateAsync(Call call)
    {
        await UpdateAsync(database.Get("VDI", call.Text(0)), call.Cancellation);
        return null;
    }

    /// <summary>Takes a file's facts over into its object.</summary>
    public async Task UpdateAsync(Record vdi, CancellationToken cancellation)
    {
        if (await storage.FindAsync(vdi.Uuid, cancellation) is { } file)
        {
            database.Change(tx =>
            {
                VdiRecords.Update(tx, tx.Get("VDI", vdi.Ref), file);
                vdis.UpdateTotals(tx);
            });
        }
    }
}

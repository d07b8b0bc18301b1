using NovaShim.XenServerSimulator.XenApi.Model;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Calls;

/// <summary>The messages that follow from a class's fields: getters, setters, look-ups, plain constructors and destructors.</summary>
internal sealed class GeneratedMessages(Database database, ObjectView view)
{
    /// <summary>Setters that the data model names (because a role or an old release has them) and that do no more than to set their field.</summary>
    private static readonly HashSet<string> PlainSetters =
    [
        "VM.set_other_config", "VM.add_to_other_config", "VM.remove_from_other_config",
        "VM.set_platform", "VM.add_to_platform", "VM.remove_from_platform",
        "VM.set_blocked_operations", "VM.add_to_blocked_operations", "VM.remove_from_blocked_operations",
        "VM.set_NVRAM", "VM.add_to_NVRAM", "VM.remove_from_NVRAM",
        "VM.set_HVM_boot_policy", "VM.set_HVM_shadow_multiplier", "VM.set_domain_type", "VM.set_has_vendor_device", "VM.set_actions_after_crash",
        "VM.set_ha_restart_priority", "VM.set_start_delay", "VM.set_shutdown_delay", "VM.set_order", "VM.set_bios_strings",
        "VDI.set_name_label", "VDI.set_name_description", "VDI.set_sharable", "VDI.set_read_only", "VDI.set_on_boot", "VDI.set_allow_caching",
        "SR.set_name_label", "SR.set_name_description", "SR.set_shared", "SR.set_physical_size",
        "VIF.set_locking_mode", "VIF.set_ipv4_allowed", "VIF.set_ipv6_allowed", "network.set_default_locking_mode",
        "VBD.set_mode", "PBD.set_device_config",
        "task.set_other_config", "task.add_to_other_config", "task.remove_from_other_config",
    ];

    public IEnumerable<Message> Of(ClassModel type)
    {
        if (type.Name == "event")
        {
            yield break;
        }

        ParameterModel self = new("self", new XenType(XenKind.Ref, type.Name), null);
        yield return Make(type, "get_record", [self], call => view.Read(Self(type, call)));
        yield return Make(
            type,
            "get_by_uuid",
            [Parameter("uuid", XenKind.String)],
            call => (database.FindByUuid(type.Name, call.Text(0)) ?? throw new ApiFailure("UUID_INVALID", type.Name, call.Text(0))).Ref);
        foreach (FieldModel field in type.Fields.Values)
        {
            foreach (Message message in OfField(type, field, self))
            {
                yield return message;
            }
        }

        // A session sees itself only.
        if (type.Name == "session")
        {
            yield break;
        }

        if (type.HasNameLabel)
        {
            yield return Make(
                type,
                "get_by_name_label",
                [Parameter("label", XenKind.String)],
                call => Values.Set(database.All(type.Name).Where(r => r.Text("name_label") == call.Text(0)).Select(r => r.Ref)));
        }

        yield return Make(type, "get_all", [], _ => Values.Set(database.All(type.Name).Select(r => r.Ref)));
        yield return Make(type, "get_all_records", [], _ => Records(database.All(type.Name)));
        yield return Make(type, "get_all_records_where", [Parameter("expr", XenKind.String)], call => Where(type, call.Text(0)));
        if (type.HasConstructor)
        {
            yield return Make(
                type, "create", [Parameter("record", XenKind.Record)], call => database.Change(tx => tx.Create(type.Name, Constructor.Fields(type, call.Map(0))))) with
            { HasAsync = true };
            yield return Make(type, "destroy", [self], call =>
            {
                Record record = Self(type, call);
                database.Change(tx => tx.Delete(record.Ref));
                return null;
            }) with
            { HasAsync = true };
        }
    }

    /// <summary>A handler for a message such as <c>VM.set_other_config</c> that only writes its field; null for any other.</summary>
    public MessageHandler? PlainSetter(ClassModel type, MessageModel message)
    {
        if (!PlainSetters.Contains($"{type.Name}.{message.Name}"))
        {
            return null;
        }

        (string verb, string name) = message.Name switch
        {
            _ when message.Name.StartsWith("add_to_", StringComparison.Ordinal) => ("add_to", message.Name[7..]),
            _ when message.Name.StartsWith("remove_from_", StringComparison.Ordinal) => ("remove_from", message.Name[12..]),
            _ => ("set", message.Name[4..]),
        };
        return type.Fields.TryGetValue(name, out FieldModel? field) ? Writer(type, field, verb) : null;
    }

    private static Message Make(ClassModel type, string name, IReadOnlyList<ParameterModel> parameters, Func<Call, object?> answer) =>
        new($"{type.Name}.{name}", parameters, true, false, Handler.Of(answer));

    private static ParameterModel Parameter(string name, XenKind kind) => new(name, new XenType(kind), null);

    private IEnumerable<Message> OfField(ClassModel type, FieldModel field, ParameterModel self)
    {
        yield return Make(type, $"get_{field.Name}", [self], call => view.Field(Self(type, call), field.Name)!);
        if (field.Qualifier != Qualifier.RW)
        {
            yield break;
        }

        ParameterModel value = new("value", field.Type, null);
        yield return new Message($"{type.Name}.set_{field.Name}", [self, value], true, false, Writer(type, field, "set"));
        if (field.Type.Kind == XenKind.Map)
        {
            ParameterModel key = new("key", field.Type.Key!, null);
            ParameterModel item = new("value", field.Type.Item!, null);
            yield return new Message($"{type.Name}.add_to_{field.Name}", [self, key, item], true, false, Writer(type, field, "add_to"));
            yield return new Message($"{type.Name}.remove_from_{field.Name}", [self, key], true, false, Writer(type, field, "remove_from"));
        }
        else if (field.Type.Kind == XenKind.Set)
        {
            ParameterModel item = new("value", field.Type.Item!, null);
            yield return new Message($"{type.Name}.add_{field.Name}", [self, item], true, false, Writer(type, field, "add"));
            yield return new Message($"{type.Name}.remove_{field.Name}", [self, item], true, false, Writer(type, field, "remove"));
        }
    }

    private MessageHandler Writer(ClassModel type, FieldModel field, string verb) => Handler.Of(call => database.Change(tx =>
    {
        Record record = tx.Get(type.Name, call.Text(0));
        object now = record[field.Name];
        tx.Set(record.Ref, field.Name, verb switch
        {
            "add_to" when ((ValueMap)now).ContainsKey(call.Text(1)) =>
                throw new ApiFailure("MAP_DUPLICATE_KEY", type.Name, field.Name, record.Ref, call.Text(1)),
            "add_to" => ((ValueMap)now).With(call.Text(1), call.Arguments[2]),
            "remove_from" => ((ValueMap)now).Without(call.Text(1)),
            "add" => ((ValueSet)now).Contains(call.Arguments[1]) ? now : ((ValueSet)now).Append(call.Arguments[1]).ToArray(),
            "remove" => ((ValueSet)now).Where(item => !item.Equals(call.Arguments[1])).ToArray(),
            _ => call.Arguments[1],
        });
    }));

    private Record Self(ClassModel type, Call call) => database.Get(type.Name, call.Text(0));

    private Dictionary<string, object> Records(IEnumerable<Record> records) => records.ToDictionary(r => r.Ref, r => (object)view.Read(r), StringComparer.Ordinal);

    private Dictionary<string, object> Where(ClassModel type, string expression)
    {
        Func<Func<string, object?>, bool> condition = Query.Parse(expression);
        return Records(database.All(type.Name).Where(r => condition(name => view.Field(r, name))));
    }
}

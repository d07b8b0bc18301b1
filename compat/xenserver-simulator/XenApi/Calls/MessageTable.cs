using NovaShim.XenServerSimulator.XenApi.Model;

namespace NovaShim.XenServerSimulator.XenApi.Calls;

/// <summary>Every message of every class: those that follow from the fields and those that the data model names.</summary>
internal sealed class MessageTable
{
    private readonly Dictionary<string, Message> _messages = new(StringComparer.Ordinal);

    /// <param name="model">The classes.</param>
    /// <param name="generated">Answers what follows from the fields.</param>
    /// <param name="handlers">Written by hand, by class and message; they go before generated ones.</param>
    public MessageTable(DataModel model, GeneratedMessages generated, IEnumerable<KeyValuePair<string, MessageHandler>> handlers)
    {
        Dictionary<string, MessageHandler> written = new(handlers, StringComparer.Ordinal);
        foreach (ClassModel type in model.Classes.Values)
        {
            foreach (Message message in generated.Of(type))
            {
                _messages[message.Name] = written.TryGetValue(message.Name, out MessageHandler? own) ? message with { Run = own } : message;
            }

            foreach (MessageModel message in type.Messages.Values)
            {
                string name = $"{type.Name}.{message.Name}";
                _messages[name] = new Message(
                    name,
                    message.Parameters,
                    message.NeedsSession,
                    message.HasAsync,
                    written.GetValueOrDefault(name) ?? generated.PlainSetter(type, message) ?? NotImplemented(name));
            }
        }
    }

    /// <summary>The names as <c>system.listMethods</c> gives them.</summary>
    public IEnumerable<string> Names => _messages.Values
        .SelectMany(message => message.HasAsync ? [message.Name, $"Async.{message.Name}"] : new[] { message.Name })
        .Order(StringComparer.Ordinal);

    public Message? Find(string name) => _messages.GetValueOrDefault(name);

    /// <summary>A real message that the simulator has no answer to says so, rather than to be unknown.</summary>
    private static MessageHandler NotImplemented(string name) => Handler.Of(_ => throw new ApiFailure("NOT_IMPLEMENTED", name));
}

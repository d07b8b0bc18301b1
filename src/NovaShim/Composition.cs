using System.Globalization;
using Microsoft.Extensions.Logging.Console;
using NovaShim.Api;
using NovaShim.Api.Images;
using NovaShim.Compute;
using NovaShim.Compute.Documents.Embedded;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Identity;
using NovaShim.Compute.Images;
using NovaShim.Compute.Messaging.InProcess;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Work;
using NovaShim.MongoDb;
using NovaShim.Nats;

namespace NovaShim;

/// <summary>Puts the parts of the asked-for roles together.</summary>
internal static class Composition
{
    /// <summary>The data folder where none is set.</summary>
    public const string DefaultData = "novashim-data";

    /// <summary>The program, ready to be started. Throws with the setting's name when one is wrong.</summary>
    public static IHost Build(IConfigurationRoot settings, IReadOnlyList<string> roles)
    {
        var data = Path.GetFullPath(settings["data"] ?? DefaultData);
        if (!roles.Contains(Roles.Api))
        {
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            AddCommon(builder, settings, roles, data);
            return builder.Build();
        }

        var web = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        AddAdministrator(settings, data);
        AddCommon(web, settings, roles, data);
        web.WebHost.UseKestrelCore().UseUrls(settings["api:urls"] ?? "http://127.0.0.1:8774");
        web.Services.AddRouting().AddNovaApi(settings);
        var program = web.Build();
        program.MapNovaApi();
        return program;
    }

    /// <summary>The users and tenants of a configuration, for who wants nothing else of it.</summary>
    public static ServiceProvider BuildUserDirectory(IConfigurationRoot settings, string data)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(TimeProvider.System).AddSingleton(new IdentityOptions()).AddSingleton<PasswordHash>().AddSingleton<UserDirectory>();
        if (settings["store:mongodb"] is { } mongo)
        {
            services.AddMongoDocumentStore(mongo);
        }
        else
        {
            PrivateFiles.CreateFolder(data);
            services.AddEmbeddedDocumentStore(Path.Combine(data, "novashim.db"));
        }

        return services.BuildServiceProvider();
    }

    private static void AddCommon(IHostApplicationBuilder builder, IConfigurationRoot settings, IReadOnlyList<string> roles, string data)
    {
        builder.Configuration.AddConfiguration(settings);
        builder.Logging.AddConfiguration(settings.GetSection("logging"));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

        // Why the program could not start is said by the command line, in one line; what ends it later is critical.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Logging.AddConsole(o => o.FormatterName = LogLineFormatter.FormatterName).AddConsoleFormatter<LogLineFormatter, ConsoleFormatterOptions>();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        var process = AddStoreAndBus(builder, settings, roles, data);
        builder.Services.AddNovaCompute(Read<ComputeOptions>(settings, "compute").Checked(), process, Images(settings, data));
        builder.Services.AddSingleton<IImageFormat, VhdImages>().AddExternalImages(settings);
        builder.Services.AddHostedService(p => ActivatorUtilities.CreateInstance<Preparation>(p, settings, data));
        if (roles.Contains(Roles.Scheduler))
        {
            builder.Services.AddNovaScheduler();
        }

        if (roles.Contains(Roles.Compute))
        {
            builder.Services.AddNovaPlugins(Read<PluginOptions>(settings, "plugins"));
            builder.Services.AddNovaHosts(ComputeHostOptions.Read(settings));
        }
    }

    private static ProcessIdentity AddStoreAndBus(IHostApplicationBuilder builder, IConfigurationRoot settings, IReadOnlyList<string> roles, string data)
    {
        var mongo = settings["store:mongodb"];
        var nats = settings["bus:url"];
        if (roles.Count < Roles.All.Length && (mongo is null || nats is null))
        {
            throw new InvalidOperationException("One role alone needs what it shares with the others: set store:mongodb and bus:url, or run all roles in one process.");
        }

        if (nats is null)
        {
            builder.Services.AddInProcessMessageBus();
        }
        else
        {
            builder.Services.AddNatsMessageBus(nats);
        }

        if (mongo is null)
        {
            builder.Services.AddEmbeddedDocumentStore(Path.Combine(data, "novashim.db"));
            return ProcessIdentity.OnlyOne;
        }

        builder.Services.AddMongoDocumentStore(mongo);
        return ProcessIdentity.OneOfMany();
    }

    // Where the configuration names nobody who may log in, there is an administrator with a password of its own making.
    private static void AddAdministrator(IConfigurationRoot settings, string data)
    {
        if ((settings["identity:mode"] ?? "builtin") != "builtin" || settings.GetSection("identity:users").GetChildren().Any())
        {
            return;
        }

        var admin = AdminCredentials.ReadOrCreate(data);
        settings["identity:users:0:name"] = admin.Username;
        settings["identity:users:0:password"] = admin.Password;
        settings["identity:users:0:project"] = admin.Project;
        settings["identity:users:0:admin"] = "true";
    }

    private static ImageStoreOptions Images(IConfiguration settings, string data)
    {
        var most = new ImageStoreOptions().MaxBytes;
        return settings["images:max_bytes"] is { } text && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out most)
            ? throw new InvalidOperationException($"images:max_bytes: '{text}' is no number of bytes.")
            : new ImageStoreOptions { Path = settings["images:path"] ?? Path.Combine(data, "images"), MaxBytes = most };
    }

    private static T Read<T>(IConfiguration settings, string section) where T : class, new() => SnakeCase.Bind(settings.GetSection(section), new T());
}

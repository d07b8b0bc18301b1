using System.CommandLine;
using System.Security.Cryptography;

namespace NovaShim.Cli;

/// <summary><c>novashim users</c> and <c>novashim projects</c>: who may log in, and into which tenants.</summary>
internal static class UsersCommand
{
    private const int MadeLength = 24;

    public static Command Users()
    {
        var books = new UserBooks();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var list = books.WithPlace(new Command("list", "Every user, and what they are in which projects.") { json });
        list.SetAction((parsed, cancellation) => books.DoAsync(
            parsed,
            async book => Tables.Print(
                await book.UsersAsync(cancellation), parsed.GetValue(json), ("Id", r => r.Field("id")), ("Name", r => r.Field("name")), ("Enabled", r => r.Field("enabled")), ("Roles", r => r.Field("roles"))),
            cancellation));

        var name = new Argument<string>("NAME") { Description = "The user's name." };
        var project = new Option<string?>("--project") { Description = "The project (tenant) they are in, made if it is not there; without it, one of their own name.", HelpName = "NAME" };
        var admin = new Option<bool>("--admin") { Description = "Make them an administrator." };
        var file = new Option<FileInfo?>("--password-file") { Description = "A file whose first line is the password; - is standard input. Without it one is made, and printed.", HelpName = "FILE" };
        var create = books.WithPlace(new Command("create", "Make a user.") { name, project, admin, file });
        create.SetAction((parsed, cancellation) => books.DoAsync(
            parsed,
            async book =>
            {
                var (password, made) = await PasswordAsync(parsed.GetValue(file), cancellation);
                var user = parsed.GetValue(name)!;
                await book.CreateUserAsync(user, password, parsed.GetValue(project) ?? user, parsed.GetValue(admin), cancellation);
                Console.WriteLine(made ? $"{user} can log in with password {password}" : $"{user} can log in.");
            },
            cancellation));

        var who = new Argument<string>("USER") { Description = "The user's name or id." };
        var delete = books.WithPlace(new Command("delete", "Delete a user; their tokens end.") { who });
        delete.SetAction((parsed, cancellation) => books.DoAsync(parsed, book => book.DeleteUserAsync(parsed.GetValue(who)!, cancellation), cancellation));

        var password = books.WithPlace(new Command("set-password", "Give a user another password; their tokens end.") { who, file });
        password.SetAction((parsed, cancellation) => books.DoAsync(
            parsed,
            async book =>
            {
                var (text, made) = await PasswordAsync(parsed.GetValue(file), cancellation);
                await book.SetPasswordAsync(parsed.GetValue(who)!, text, cancellation);
                Console.WriteLine(made ? $"{parsed.GetValue(who)} can log in with password {text}" : "It is changed.");
            },
            cancellation));
        return new Command("users", "The users of the built-in identity.") { list, create, delete, password };
    }

    public static Command Projects()
    {
        var books = new UserBooks();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var list = books.WithPlace(new Command("list", "Every project.") { json });
        list.SetAction((parsed, cancellation) => books.DoAsync(
            parsed,
            async book => Tables.Print(
                await book.ProjectsAsync(cancellation), parsed.GetValue(json), ("Id", r => r.Field("id")), ("Name", r => r.Field("name")), ("Enabled", r => r.Field("enabled")),
                ("Description", r => r.Field("description"))),
            cancellation));
        var name = new Argument<string>("NAME") { Description = "The project's name." };
        var description = new Option<string>("--description") { Description = "What it is for.", DefaultValueFactory = _ => "", HelpName = "TEXT" };
        var create = books.WithPlace(new Command("create", "Make a project.") { name, description });
        create.SetAction((parsed, cancellation) => books.DoAsync(parsed, book => book.CreateProjectAsync(parsed.GetValue(name)!, parsed.GetValue(description)!, cancellation), cancellation));
        var which = new Argument<string>("PROJECT") { Description = "The project's name or id." };
        var delete = books.WithPlace(new Command("delete", "Delete a project; tokens for it end. Its servers and images stay, an administrator's to remove.") { which });
        delete.SetAction((parsed, cancellation) => books.DoAsync(parsed, book => book.DeleteProjectAsync(parsed.GetValue(which)!, cancellation), cancellation));
        return new Command("projects", "The projects (tenants) of the built-in identity.") { list, create, delete };
    }

    // Never from the command line itself, which everybody on the machine can read.
    private static async Task<(string Password, bool Made)> PasswordAsync(FileInfo? file, CancellationToken cancellation)
    {
        if (file is null)
        {
            return (RandomNumberGenerator.GetHexString(MadeLength, lowercase: true), true);
        }

        var line = file.Name == "-" ? await Console.In.ReadLineAsync(cancellation) : (await File.ReadAllLinesAsync(file.FullName, cancellation)).FirstOrDefault();
        return line is { Length: > 0 } ? (line, false) : throw new InvalidOperationException($"{file}: there is no password in its first line.");
    }
}

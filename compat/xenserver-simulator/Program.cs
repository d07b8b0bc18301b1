using System.CommandLine;

RootCommand root = new("Answers as one XenServer host.");
return await root.Parse(args).InvokeAsync();

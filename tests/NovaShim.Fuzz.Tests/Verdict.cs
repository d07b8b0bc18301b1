using NovaShim.Api.Tests.Spec;

namespace NovaShim.Fuzz.Tests;

/// <summary>What every answer has to be, whatever was asked. Its form, its fault's name and its description in api-spec are judged where the face is watched.</summary>
internal static class Verdict
{
    /// <summary>What HTTP's server answers, without a body, to what is no HTTP.</summary>
    private static readonly int[] NoHttp = [400, 405, 408, 411, 413, 414, 417, 431, 501, 505];

    /// <summary>Of the faults above 500 only these: "not implemented" where api-spec says that it is what there is, and "no host answers" where one is asked, because here there is none.</summary>
    private static bool IsNovasOwn(FuzzedRequest request, RawAnswer answer, string pattern) => answer.Status switch
    {
        501 => ApiDescription.Operation(request.Raw.Method, pattern)?["responses"]?["501"] is not null || pattern.EndsWith("/uptime", StringComparison.Ordinal),
        503 => answer.Body.Contains("Host of instance", StringComparison.Ordinal) && answer.Body.Contains("does not answer", StringComparison.Ordinal)
            && (pattern.EndsWith("/diagnostics", StringComparison.Ordinal) || pattern.EndsWith("/action", StringComparison.Ordinal)),
        _ => false,
    };

    /// <summary>What is wrong with it, or null. <paramref name="pattern"/> is the route's that answered, which need not be the one the request was made of.</summary>
    public static string? Of(FuzzedRequest request, RawAnswer answer, string pattern)
    {
        if (!answer.FromFace)
        {
            return !request.MayBeNoHttp ? $"no answer of the face's: {answer.Status} {answer.Body}"
                : answer.Status != 0 && !NoHttp.Contains(answer.Status) ? $"{answer.Status} to what is no HTTP"
                : answer.Body.Length > 0 ? "a body from before the face"
                : null;
        }

        if (answer.Status >= 500 && !IsNovasOwn(request, answer, pattern))
        {
            return $"{answer.Status} {answer.Body}";
        }

        if (!answer.Whole)
        {
            return "half an answer";
        }

        if (answer.Status >= 400 && (answer.Body.Contains("   at ", StringComparison.Ordinal) || answer.Body.Contains("Exception", StringComparison.Ordinal) || answer.Body.Contains("System.", StringComparison.Ordinal)))
        {
            return "it tells of the inside: " + answer.Body;
        }

        if (answer.Status >= 400 && request.Raw.Method != "HEAD")
        {
            var type = answer.Header("Content-Type");
            if (answer.Body.Length == 0)
            {
                return $"{answer.Status} without a fault";
            }

            if (request.WantsXml && !type.StartsWith("application/xml", StringComparison.Ordinal))
            {
                return $"a fault in {type}, and XML was asked for";
            }
        }

        return null;
    }
}

using System.Linq.Expressions;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OData.Query;
using Microsoft.AspNetCore.OData.Query.Validator;
using Microsoft.OData;
using Microsoft.OData.UriParser;
using NovaShim.Api.Faults;
using NovaShim.Compute.Documents;

namespace NovaShim.Api.Admin;

/// <summary>
/// Runs an OData query over a collection of documents. Filter, order, skip, top and count run in the store; select picks from what came back, because
/// stores do not know OData's wrappers.
/// A query that is wrong, or that the store has no way to run, is a 400 that says why.
/// </summary>
internal static class AdminQuery
{
    /// <summary>The most documents one answer has.</summary>
    public const int PageSize = 1000;

    private static readonly HashSet<string> Allowed = new(StringComparer.OrdinalIgnoreCase) { "$filter", "$orderby", "$top", "$skip", "$count", "$select", "$format" };

    private static readonly ODataValidationSettings Bounds = new()
    {
        AllowedQueryOptions = AllowedQueryOptions.Filter | AllowedQueryOptions.OrderBy | AllowedQueryOptions.Top | AllowedQueryOptions.Skip
            | AllowedQueryOptions.Count | AllowedQueryOptions.Select | AllowedQueryOptions.Format,

        // A pattern can be written so that trying it takes for ever.
        AllowedFunctions = AllowedFunctions.AllFunctions & ~AllowedFunctions.MatchesPattern,
        MaxTop = PageSize,
        MaxNodeCount = 100,
        MaxAnyAllExpressionDepth = 2,
        MaxOrderByNodeCount = 5,
    };

    /// <summary>The answer's document.</summary>
    public static async Task<JsonObject> RunAsync<T>(HttpContext http, IDocumentCollection<T> collection, string set, string baseUrl, CancellationToken cancellation) where T : Document
    {
        if (http.Request.Query.Keys.FirstOrDefault(k => k.StartsWith('$') && !Allowed.Contains(k)) is { } unknown)
        {
            throw Fault.BadRequest($"The query option {unknown} is not supported.");
        }

        try
        {
            var context = new ODataQueryContext(AdminModel.Edm, typeof(T), null);
            var options = new ODataQueryOptions<T>(context, http.Request);
            options.Validate(Bounds);
            return await RunAsync(http.Request, options, collection, set, baseUrl, cancellation);
        }
        catch (Exception refused) when (refused is ODataException or NotSupportedException or FormatException or ArithmeticException or ArgumentException or InvalidOperationException)
        {
            // Parser, validator, binder and store each refuse in their own way, as does arithmetic that the query asked for; each says what it did not like.
            throw Fault.BadRequest($"The query cannot be run: {refused.Message}");
        }
    }

    private static async Task<JsonObject> RunAsync<T>(
        HttpRequest request, ODataQueryOptions<T> options, IDocumentCollection<T> collection, string set, string baseUrl, CancellationToken cancellation) where T : Document
    {
        var all = collection.Query();
        var settings = new ODataQuerySettings
        {
            // In memory a null on the way must be stepped over; a store's own query language does that by itself and does not know the steps.
            HandleNullPropagation = all.Provider is EnumerableQuery ? HandleNullPropagationOption.True : HandleNullPropagationOption.False,
            EnsureStableOrdering = true,
            TimeZone = TimeZoneInfo.Utc,
        };
        var top = Math.Min(options.Top?.Value ?? PageSize, PageSize);
        var wanted = ((IQueryable<T>)options.ApplyTo(all, settings, AllowedQueryOptions.Select | AllowedQueryOptions.Top | AllowedQueryOptions.Count)).Take(top + 1);
        var found = await collection.ListAsync(wanted, cancellation);

        var answer = new JsonObject { ["@odata.context"] = $"{baseUrl}/odata/v1/$metadata#{set}" };
        if (options.Count is { Value: true })
        {
            answer["@odata.count"] = await collection.CountAsync(ConditionOf(options, all, settings), cancellation);
        }

        var type = (JsonTypeInfo<T>)AdminModel.Json.GetTypeInfo(typeof(T));
        answer["value"] = new JsonArray([.. found.Take(top).Select(d => (JsonNode?)Pick(options.SelectExpand?.SelectExpandClause, JsonSerializer.SerializeToNode(d, type)!.AsObject()))]);
        if (found.Count > top && options.Top is null)
        {
            answer["@odata.nextLink"] = NextLink(request, baseUrl, (options.Skip?.Value ?? 0) + top);
        }

        return answer;
    }

    private static Expression<Func<T, bool>> ConditionOf<T>(ODataQueryOptions<T> options, IQueryable<T> all, ODataQuerySettings settings) where T : Document =>
        options.Filter?.ApplyTo(all, settings).Expression is MethodCallExpression { Arguments: [_, UnaryExpression { Operand: Expression<Func<T, bool>> condition }] }
            ? condition
            : _ => true;

    private static JsonObject Pick(SelectExpandClause? clause, JsonObject document)
    {
        if (clause is null || clause.AllSelected)
        {
            return document;
        }

        var picked = new JsonObject();
        foreach (var path in clause.SelectedItems.OfType<PathSelectItem>().Select(i => i.SelectedPath.Select(s => s.Identifier).ToList()))
        {
            Copy(document, picked, path);
        }

        return picked;
    }

    private static void Copy(JsonObject from, JsonObject to, IReadOnlyList<string> path)
    {
        for (var at = 0; at < path.Count - 1; at++)
        {
            if (from[path[at]] is not JsonObject inner)
            {
                to[path[at]] = null;
                return;
            }

            to = to[path[at]] as JsonObject ?? (to[path[at]] = new JsonObject()).AsObject();
            from = inner;
        }

        to[path[^1]] = from[path[^1]]?.DeepClone();
    }

    private static string NextLink(HttpRequest request, string baseUrl, int skip) =>
        $"{baseUrl}{request.Path}{QueryString.Create(request.Query.Where(q => !q.Key.Equals("$skip", StringComparison.OrdinalIgnoreCase)).Append(new("$skip", $"{skip}")))}";
}

namespace NovaShim.Api.Limits;

/// <summary>What there may be of a resource and what there is.</summary>
internal sealed record QuotaDetail(int Limit, long InUse, long Reserved);

/// <summary>
/// Quotas by resource: the limit, or a <see cref="QuotaDetail"/>; and the <c>id</c> of whose they are, but not in the answer to an update.
/// </summary>
internal sealed record QuotaSetEnvelope(IReadOnlyDictionary<string, object> QuotaSet);

/// <summary>A class's quotas by resource, and its name as <c>id</c>, but not in the answer to an update.</summary>
internal sealed record QuotaClassSetEnvelope(IReadOnlyDictionary<string, object> QuotaClassSet);

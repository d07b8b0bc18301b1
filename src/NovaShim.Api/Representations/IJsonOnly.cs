namespace NovaShim.Api.Representations;

/// <summary>A document that no shape in XML is described for: it is JSON even where something else was asked for and XML is spoken beside it.</summary>
internal interface IJsonOnly;

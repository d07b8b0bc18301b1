namespace NovaShim.Compute.SecurityGroups;

/// <summary>A security group that a server is in.</summary>
/// <param name="Id">The group's id.</param>
/// <param name="Name">Its name, as it was when last written down here: what servers are shown with.</param>
public sealed record SecurityGroupReference(int Id, string Name);

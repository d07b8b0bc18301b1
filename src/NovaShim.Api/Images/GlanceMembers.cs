using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>With whom an image is shared: its owner adds and removes tenants, and each of them says whether it wants the image in its list.</summary>
internal sealed class GlanceMembers(ImageShelf shelf, TimeProvider time)
{
    private const string Root = "/image/v2/images/{id}/members";
    private const int MaxMembers = 128;
    private static readonly string[] Statuses = ["accepted", "pending", "rejected"];

    /// <summary>Maps the members.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet(Root, ListAsync).NeedsToken();
        routes.OnPost(Root, AddAsync).NeedsToken();
        routes.OnGet($"{Root}/{{member}}", async (request, cancellation) => Show(request.Route("id"), Find(request, await SharedAsync(request, cancellation)))).NeedsToken();
        routes.OnPut($"{Root}/{{member}}", SayAsync).NeedsToken();
        routes.OnDelete($"{Root}/{{member}}", RemoveAsync).NeedsToken();
    }

    private static GlanceMember View(string image, ImageMember member) => new(image, member.ProjectId, member.Status, Texts.Moment(member.CreatedAt), Texts.Moment(member.UpdatedAt));

    private static Answer Show(string image, ImageMember member) => Answer.Of(View(image, member), ApiJson.Default.GlanceMember);

    private static bool IsOwner(ApiRequest request, ImageDocument image) => request.IsAdmin || image.ProjectId == request.ProjectId;

    // A member sees itself, the owner sees all of them.
    private static IEnumerable<ImageMember> Seen(ApiRequest request, ImageDocument image) => image.Members.Where(m => IsOwner(request, image) || m.ProjectId == request.ProjectId);

    private static ImageMember Find(ApiRequest request, ImageDocument image) =>
        Seen(request, image).FirstOrDefault(m => m.ProjectId == request.Route("member")) ?? throw Fault.NotFound($"Image {image.Uuid} has no member {request.Route("member")}.");

    private static ImageDocument Shared(ImageDocument image) =>
        ImageShelf.VisibilityOf(image) == ImageVisibilities.Shared ? image : throw Fault.Forbidden("Only shared images have members.");

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private async Task<ImageDocument> SharedAsync(ApiRequest request, CancellationToken cancellation) => Shared(await shelf.RequireAsync(request, request.Route("id"), cancellation));

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var image = await SharedAsync(request, cancellation);
        return Answer.Of(new GlanceMembersEnvelope([.. Seen(request, image).Select(m => View(image.Uuid, m))]), ApiJson.Default.GlanceMembersEnvelope);
    }

    private async Task<Answer> AddAsync(ApiRequest request, CancellationToken cancellation)
    {
        var id = (await request.BodyAsync(cancellation)).Require("member").Text(255);
        var image = await shelf.ChangeAsync(
            request, request.Route("id"),
            i => Shared(i).Members.Any(m => m.ProjectId == id) ? throw Fault.Conflict($"Image {i.Uuid} is shared with {id} already.")
                : i.Members.Count < MaxMembers ? i with { Members = [.. i.Members, new ImageMember(id, "pending", Now, Now)] }
                : throw GlanceFields.TooMany("members", MaxMembers),
            cancellation);
        return Show(image.Uuid, image.Members.Single(m => m.ProjectId == id));
    }

    private async Task<Answer> SayAsync(ApiRequest request, CancellationToken cancellation)
    {
        var status = (await request.BodyAsync(cancellation)).Require("status");
        if (!Statuses.Contains(status.Text()))
        {
            throw status.Invalid($"one of {string.Join(", ", Statuses)} is expected");
        }

        var id = request.Route("member");
        var image = await shelf.ChangeSeenAsync(
            request, request.Route("id"),
            i =>
            {
                _ = Find(request, Shared(i));

                // Whose list it is says what is in it.
                return request.IsAdmin || id == request.ProjectId
                    ? i with { Members = [.. i.Members.Select(m => m.ProjectId == id ? m with { Status = status.Text(), UpdatedAt = Now } : m)] }
                    : throw Fault.Forbidden("Only the member itself says whether it accepts an image.");
            },
            cancellation);
        return Show(image.Uuid, image.Members.Single(m => m.ProjectId == id));
    }

    private async Task<Answer> RemoveAsync(ApiRequest request, CancellationToken cancellation)
    {
        var id = request.Route("member");
        await shelf.ChangeAsync(request, request.Route("id"), i => { _ = Find(request, Shared(i)); return i with { Members = [.. i.Members.Where(m => m.ProjectId != id)] }; }, cancellation);
        return Answer.NoContent;
    }
}

using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using NovaShim.Api.Faults;
using NovaShim.Api.Identity.Keystone;
using NovaShim.Api.Images.External;

namespace NovaShim.Api.Tests.Images;

/// <summary>Whose token it is that an external Glance refuses makes a difference.</summary>
public sealed class GlanceClientTests
{
    [Fact]
    public async Task A_service_user_whose_tokens_are_refused_is_no_fault_of_the_users()
    {
        using var cloud = new RefusingCloud(refusals: int.MaxValue);
        var fault = await Assert.ThrowsAsync<FaultException>(() => cloud.Glance.AskAsync(HttpMethod.Get, "images/1", token: null, content: null, default));
        Assert.Equal(503, fault.Status);
        Assert.Equal(["service-1", "service-2"], cloud.TokensSeen);

        using var users = await cloud.Glance.AskAsync(HttpMethod.Get, "images/1", "a user's", content: null, default);
        Assert.Equal(HttpStatusCode.Unauthorized, users.StatusCode);
    }

    [Fact]
    public async Task A_service_token_that_ended_before_its_time_is_followed_by_another()
    {
        using var cloud = new RefusingCloud(refusals: 1);
        using var answer = await cloud.Glance.AskAsync(HttpMethod.Get, "images/1", token: null, content: null, default);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(["service-1", "service-2"], cloud.TokensSeen);
    }

    /// <summary>A Keystone that gives a new token each time, and a Glance that refuses the first ones.</summary>
    private sealed class RefusingCloud : HttpMessageHandler
    {
        private readonly int _refusals;
        private readonly HttpClient _http;
        private readonly KeystoneClient _keystone;
        private int _issued;

        public RefusingCloud(int refusals)
        {
            _refusals = refusals;
            _http = new HttpClient(this, disposeHandler: false);
            var keystone = new KeystoneOptions { Url = new Uri("http://keystone.test/v3"), UserName = "nova" };
            _keystone = new KeystoneClient(_http, keystone, TimeProvider.System, NullLogger<KeystoneClient>.Instance);
            Glance = new GlanceClient(_http, _keystone, new GlanceOptions(), TimeProvider.System, NullLogger<GlanceClient>.Instance);
        }

        public GlanceClient Glance { get; }

        public List<string> TokensSeen { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage answer;
            if (request.RequestUri!.Host == "keystone.test")
            {
                answer = Json(HttpStatusCode.Created, """
                    {"token": {"user": {"id": "1"}, "expires_at": "2100-01-01T00:00:00Z",
                     "catalog": [{"type": "image", "endpoints": [{"interface": "public", "region_id": "RegionOne", "url": "http://glance.test"}]}]}}
                    """);
                answer.Headers.Add("X-Subject-Token", $"service-{++_issued}");
            }
            else
            {
                TokensSeen.Add(request.Headers.GetValues("X-Auth-Token").Single());
                answer = TokensSeen.Count <= _refusals ? Json(HttpStatusCode.Unauthorized, "{}") : Json(HttpStatusCode.OK, """{"id": "1"}""");
            }

            return Task.FromResult(answer);
        }

        protected override void Dispose(bool disposing)
        {
            _http.Dispose();
            _keystone.Dispose();
            base.Dispose(disposing);
        }

        private static HttpResponseMessage Json(HttpStatusCode status, string text) => new(status) { Content = new StringContent(text, Encoding.UTF8, "application/json") };
    }
}

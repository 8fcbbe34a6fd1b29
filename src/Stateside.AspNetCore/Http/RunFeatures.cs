using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Stateside.AspNetCore.Http;

/// <summary>
/// What of a request must be fresh in each run: the response, the service scope, the parsed form, items and user. Remembers
/// how it was before the first run, and puts it back after each.
/// </summary>
internal sealed class RunFeatures(HttpContext context) : IAsyncDisposable
{
    private readonly IHttpResponseFeature _response = context.Features.GetRequiredFeature<IHttpResponseFeature>();
    private readonly IHttpResponseBodyFeature _body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
    private readonly IResponseCookiesFeature? _cookies = context.Features.Get<IResponseCookiesFeature>();
    private readonly IHttpResponseTrailersFeature? _trailers = context.Features.Get<IHttpResponseTrailersFeature>();
    private readonly IFormFeature? _form = context.Features.Get<IFormFeature>();
    private readonly IServiceProvider _services = context.RequestServices;
    private readonly System.Security.Claims.ClaimsPrincipal _user = context.User;
    private readonly Stream _requestBody = context.Request.Body;
    private readonly Dictionary<object, object?>? _items = context.Items.Count > 0 ? new(context.Items) : null;
    private AsyncServiceScope? _scope;

    /// <summary>Puts a fresh response in place; from the second run on also a fresh scope and everything else as it was.</summary>
    public async ValueTask<BufferedResponse> BeginAsync(int run, int responseLimit)
    {
        var response = new BufferedResponse(_response, responseLimit);
        context.Features.Set<IHttpResponseFeature>(response);
        context.Features.Set<IHttpResponseBodyFeature>(response);
        context.Features.Set<IResponseCookiesFeature>(null);
        context.Features.Set<IHttpResponseTrailersFeature>(null);
        if (run > 1)
        {
            context.Features.Set(_form);
            context.User = _user;
            context.Items.Clear();
            foreach (var item in _items ?? []) context.Items[item.Key] = item.Value;
            await DisposeAsync();
            _scope = context.RequestServices.GetRequiredService<IServiceScopeFactory>().CreateAsyncScope();
            context.RequestServices = _scope.Value.ServiceProvider;
        }
        return response;
    }

    /// <summary>Puts back what belongs to the server.</summary>
    public void End()
    {
        context.Features.Set(_response);
        context.Features.Set(_body);
        context.Features.Set(_cookies);
        context.Features.Set(_trailers);
        context.RequestServices = _services;
        context.Request.Body = _requestBody;
    }

    public async ValueTask DisposeAsync()
    {
        if (_scope is { } scope) await scope.DisposeAsync();
        _scope = null;
    }
}

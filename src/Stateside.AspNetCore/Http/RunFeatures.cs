using System.Buffers;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Stateside.AspNetCore.Http;

/// <summary>
/// What of a request must be fresh in each run: the response, the service scope, the endpoint, items, user, and every
/// feature. Remembers how it was before the first run, and puts it back before each further one.
/// </summary>
internal sealed class RunFeatures : IAsyncDisposable
{
    private readonly HttpContext _context;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpResponseBodyFeature _body;
    private readonly IResponseCookiesFeature? _cookies;
    private readonly IHttpResponseTrailersFeature? _trailers;
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;
    private readonly IHttpWebSocketFeature? _webSocket;
    private readonly IServiceProvider _services;
    private readonly ClaimsPrincipal? _user;
    private readonly Endpoint? _endpoint;
    private readonly RouteValueDictionary _routeValues;
    private readonly (string Method, PathString PathBase, PathString Path, QueryString Query) _target;
    private readonly Stream _requestBody;
    private readonly Dictionary<object, object?>? _items;
    private readonly KeyValuePair<Type, object>[] _features;
    private readonly int _featureCount;
    private AsyncServiceScope? _scope;
    private bool _isUsed;

    public RunFeatures(HttpContext context)
    {
        _context = context;
        var features = context.Features;
        (_response, _body) = (features.GetRequiredFeature<IHttpResponseFeature>(), features.GetRequiredFeature<IHttpResponseBodyFeature>());
        (_cookies, _trailers) = (features.Get<IResponseCookiesFeature>(), features.Get<IHttpResponseTrailersFeature>());
        (_upgrade, _connect, _webSocket) = (features.Get<IHttpUpgradeFeature>(), features.Get<IHttpExtendedConnectFeature>(), features.Get<IHttpWebSocketFeature>());
        (_services, _endpoint, _routeValues) = (context.RequestServices, context.GetEndpoint(), context.Request.RouteValues);
        _target = (context.Request.Method, context.Request.PathBase, context.Request.Path, context.Request.QueryString);
        _requestBody = context.Request.Body;
        // By their features: asking the context would make a user and items for every request that has none.
        _user = features.Get<IHttpAuthenticationFeature>()?.User;
        _items = features.Get<IItemsFeature>()?.Items is { Count: > 0 } items ? new(items) : null;
        // Any middleware may keep something of a run as a feature (antiforgery: that its cookie is set), so all are remembered.
        _features = ArrayPool<KeyValuePair<Type, object>>.Shared.Rent(64);
        foreach (var feature in features)
        {
            if (_featureCount == _features.Length) _features = Grow(_features);
            _features[_featureCount++] = feature;
        }
    }

    /// <summary>
    /// Puts a fresh response in place; from the second run on also a fresh scope and everything else as it was. The runs of the request count, not
    /// those of its turn: a turn that comes too late for its shard begins anew, and its first run must not find the states of the one before.
    /// </summary>
    public async ValueTask<BufferedResponse> BeginAsync(int responseLimit)
    {
        await RestoreAsync();
        _isUsed = true;
        var response = new BufferedResponse(_response, responseLimit) { IsUpgradableRequest = _upgrade?.IsUpgradableRequest ?? false, Connect = _connect, WebSocket = _webSocket };
        var features = _context.Features;
        features.Set<IHttpResponseFeature>(response);
        features.Set<IHttpResponseBodyFeature>(response);
        features.Set<IResponseCookiesFeature>(null);
        features.Set<IHttpResponseTrailersFeature>(null);
        if (_upgrade is not null) features.Set<IHttpUpgradeFeature>(response);
        if (_connect is not null) features.Set<IHttpExtendedConnectFeature>(response);
        if (_webSocket is not null) features.Set<IHttpWebSocketFeature>(response);
        return response;
    }

    /// <summary>Puts back what belongs to the server.</summary>
    public void End()
    {
        var features = _context.Features;
        features.Set(_response);
        features.Set(_body);
        features.Set(_cookies);
        features.Set(_trailers);
        features.Set(_upgrade);
        features.Set(_connect);
        features.Set(_webSocket);
        _context.RequestServices = _services;
        _context.Request.Body = _requestBody;
    }

    public async ValueTask DisposeAsync()
    {
        ArrayPool<KeyValuePair<Type, object>>.Shared.Return(_features, clearArray: true);
        if (_scope is { } scope) await scope.DisposeAsync();
    }

    /// <summary>Puts everything back as it was before the first run, if there has been one since.</summary>
    public async ValueTask RestoreAsync()
    {
        if (!_isUsed) return;
        _isUsed = false;
        var before = _features.AsMemory(0, _featureCount);
        foreach (var (type, _) in _context.Features.ToArray())
            if (!Contains(before.Span, type)) _context.Features[type] = null;
        for (var i = 0; i < _featureCount; i++)
            if (!ReferenceEquals(_context.Features[_features[i].Key], _features[i].Value)) _context.Features[_features[i].Key] = _features[i].Value;
        _context.SetEndpoint(_endpoint);
        _context.Request.RouteValues = _routeValues;
        (_context.Request.Method, _context.Request.PathBase, _context.Request.Path, _context.Request.QueryString) = _target;
        if (_context.Features.Get<IHttpAuthenticationFeature>() is { } authentication) authentication.User = _user;
        _context.Items.Clear();
        foreach (var item in _items ?? []) _context.Items[item.Key] = item.Value;
        if (_scope is { } scope) await scope.DisposeAsync();
        _scope = _services.GetRequiredService<IServiceScopeFactory>().CreateAsyncScope();
        _context.RequestServices = _scope.Value.ServiceProvider;
    }

    private static bool Contains(ReadOnlySpan<KeyValuePair<Type, object>> features, Type type)
    {
        foreach (var feature in features)
            if (feature.Key == type) return true;
        return false;
    }

    private static KeyValuePair<Type, object>[] Grow(KeyValuePair<Type, object>[] small)
    {
        var large = ArrayPool<KeyValuePair<Type, object>>.Shared.Rent(small.Length * 2);
        small.CopyTo(large, 0);
        ArrayPool<KeyValuePair<Type, object>>.Shared.Return(small, clearArray: true);
        return large;
    }
}

using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Stateside.AspNetCore.Http;
using Stateside.Configuration;
using Stateside.Places;
using Stateside.Sessions;
using Stateside.States;

namespace Stateside.AspNetCore.Carriers;

/// <summary>
/// How one client carries its session and its sealed states: in cookies, or, where the configuration lets it and the request says
/// so, in headers of the form <c>Stateside-NAME</c>, the same in requests and responses, an empty one in a response meaning "drop it".
/// </summary>
internal sealed class ClientCarrier : IClientCarrier
{
    public const string HeaderPrefix = "Stateside-";

    /// <summary>What stands between the pairs of a <c>Cookie</c> header.</summary>
    private const int SeparatorBytes = 2;

    private readonly HttpContext _context;
    private readonly StatesideModel _model;

    public ClientCarrier(HttpContext context, StatesideModel model)
    {
        (_context, _model) = (context, model);
        UsesHeaders = model.Session.Carrier switch
        {
            Carrier.Cookie => false,
            Carrier.Header => true,
            // A client that carries by itself says so with the header of the session, empty at first.
            _ => context.Request.Headers.ContainsKey(HeaderPrefix + model.Session.CookieName),
        };
    }

    /// <summary>Whether the client carries by itself.</summary>
    public bool UsesHeaders { get; }

    /// <summary>
    /// Whether the request bears a header that no other site can make a browser send, so that it needs no further proof of where it
    /// comes from. That headers are configured is none: a request without them may still bear what the browser adds by itself.
    /// </summary>
    public bool ProvesItsSite => UsesHeaders && _context.Request.Headers.ContainsKey(HeaderPrefix + _model.Session.CookieName);

    /// <summary>The session's credential; null without one, or if it cannot be told which one was set by this server.</summary>
    public string? Credential()
    {
        if (UsesHeaders) return One(_model.Session.CookieName);
        return CookieReader.Find(_context.Request.Headers.Cookie, CookieName(_model.Session.CookieName), out var credential) == CookieMatch.One ? credential : null;
    }

    public string? Find(string name)
    {
        // Of two headers nobody can say which is the client's: taking neither would begin an empty state in its place.
        if (UsesHeaders) return _context.Request.Headers[HeaderPrefix + name].Count > 1 ? throw Errors.ClientStateRefused(name) : One(name);
        var found = StateCookies.Find(_context.Request.Headers.Cookie, CookieName(name));
        return found.IsBroken ? throw Errors.ClientStateRefused(name) : found.Token;
    }

    public void EnsureFits(IReadOnlyList<SealedState> states, bool beginsSession)
    {
        var budget = _model.Limits.ClientBytes;
        var (all, largest, largestBytes) = (UsesHeaders ? HeaderBytes() : CookieBytes(), "", 0);
        if (beginsSession) all += (UsesHeaders ? HeaderPrefix : CookieName("")).Length + _model.Session.CookieName.Length + SeparatorBytes + 1 + SessionIssuer.SealedLength;
        foreach (var state in states)
        {
            all -= Math.Min(all, CarriedBytes(state.Name));
            if (state.Token is null) continue;
            var bytes = Bytes(state) ?? int.MaxValue;
            all = (int)Math.Min(int.MaxValue, (long)all + bytes);
            if (bytes > largestBytes) (largest, largestBytes) = (state.Name, bytes);
        }
        if (largestBytes > 0 && all > budget) throw Errors.ClientStateTooLarge(largest, largestBytes, all - largestBytes, budget);
    }

    /// <summary>Gives the client a state, or takes it back. Such a response must not be kept by any cache.</summary>
    public void Write(IReadOnlyList<SealedState> states)
    {
        foreach (var state in states)
        {
            if (UsesHeaders) _context.Response.Headers[HeaderPrefix + state.Name] = state.Token ?? "";
            else WriteCookies(state);
        }
        if (states.Count > 0) _context.Response.Headers.CacheControl = "no-store";
    }

    /// <summary>Gives the client its session, and takes back the states of an earlier one, which the new one could not open.</summary>
    public void Write(SessionHandle session, SessionIssuer issuer, StateRegistry registry, IReadOnlyList<SealedState> leaving)
    {
        var (name, credential) = (_model.Session.CookieName, issuer.Credential(session));
        if (UsesHeaders) _context.Response.Headers[HeaderPrefix + name] = credential;
        else AppendCookie(CookieName(name), credential, _model.Session.AbsoluteTimeout);
        _context.Response.Headers.CacheControl = "no-store";
        if (!session.IsFresh) return;
        foreach (var definition in registry.All)
        {
            if (definition.IsCarried && !leaving.Any(s => s.Name == definition.Name) && CarriedBytes(definition.Name) > 0)
                Write([new SealedState(definition.Name, null)]);
        }
    }

    /// <summary>What the request took to bring a state; 0 without it.</summary>
    private int CarriedBytes(string name) => UsesHeaders
        ? HeaderBytes(HeaderPrefix + name, _context.Request.Headers[HeaderPrefix + name])
        : StateCookies.Find(_context.Request.Headers.Cookie, CookieName(name)).Bytes;

    private string? One(string name)
    {
        var values = _context.Request.Headers[HeaderPrefix + name];
        return values.Count == 1 && values[0] is { Length: > 0 } value ? value : null;
    }

    private void WriteCookies(SealedState state)
    {
        var name = CookieName(state.Name);
        var before = StateCookies.Find(_context.Request.Headers.Cookie, name).Chunks;
        var now = 0;
        foreach (var (chunk, value) in state.Token is null ? [] : StateCookies.Split(name, state.Token)!)
        {
            AppendCookie(chunk, value, _model.Session.AbsoluteTimeout);
            now = now << 1 | 1;
        }
        for (var i = 0; i < StateCookies.MostChunks; i++)
            if ((before & ~now & 1 << i) != 0 || i == 0 && now == 0) AppendCookie(StateCookies.ChunkName(name, i), "", TimeSpan.Zero);
    }

    /// <summary>RFC 6265bis §4.1. Name and value hold only characters that need no quoting, and a cookie is deleted by what it was set with.</summary>
    private void AppendCookie(string name, string value, TimeSpan life)
    {
        var seconds = ((long)Math.Min(life.TotalSeconds, MostCookieLife.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var text = string.Concat(name, "=", value, "; max-age=") + string.Concat(seconds, _context.Request.IsHttps ? "; path=/; secure" : "; path=/", "; samesite=lax; httponly");
        _context.Response.Headers.SetCookie = StringValues.Concat(_context.Response.Headers.SetCookie, text);
    }

    /// <summary>Browsers cut a longer life (RFC 6265bis §5.5).</summary>
    private static readonly TimeSpan MostCookieLife = TimeSpan.FromDays(400);

    private int? Bytes(SealedState state)
    {
        if (UsesHeaders) return HeaderPrefix.Length + state.Name.Length + SeparatorBytes + state.Token!.Length;
        var cookies = StateCookies.Split(CookieName(state.Name), state.Token!);
        return cookies?.Sum(c => c.Name.Length + 1 + c.Value.Length + SeparatorBytes);
    }

    private static int HeaderBytes(string name, StringValues values)
    {
        var bytes = 0;
        foreach (var value in values)
            if (value is { Length: > 0 }) bytes += name.Length + SeparatorBytes + value.Length;
        return bytes;
    }

    /// <summary>All that a client carries by itself, whatever of it this request takes.</summary>
    private int HeaderBytes()
    {
        var bytes = 0;
        foreach (var (name, values) in _context.Request.Headers)
            if (name.StartsWith(HeaderPrefix, StringComparison.OrdinalIgnoreCase)) bytes += HeaderBytes(name, values);
        return bytes;
    }

    private int CookieBytes()
    {
        var bytes = 0;
        foreach (var line in _context.Request.Headers.Cookie) bytes += (line?.Length ?? 0) + SeparatorBytes;
        return bytes;
    }

    /// <summary>Over HTTPS no other host can set it, and over HTTP a browser would not keep it.</summary>
    private string CookieName(string name) => _context.Request.IsHttps ? "__Host-" + name : name;
}

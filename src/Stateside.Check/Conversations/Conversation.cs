using Stateside.Check.Scenarios;

namespace Stateside.Check.Conversations;

/// <summary>
/// One client's session with the replicas of a service: its cookies, its connections, what it was answered. It speaks to the replicas it was given and to nobody else.
/// Members may be called at the same time; steps that run at the same time see the cookies and values of when they began.
/// </summary>
public sealed class Conversation : IDisposable
{
    private readonly Scenario _scenario;
    private readonly ConversationOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Filler _filler;
    private IReadOnlyList<Uri> _replicas;
    private Transport _transport;

    /// <summary>Starts one, with an empty cookie jar and no connection.</summary>
    /// <param name="scenario">Whose variables are used.</param>
    /// <param name="replicas">The replicas' base URLs, <c>http</c> or <c>https</c>; paths in them are ignored.</param>
    /// <param name="options">The limits.</param>
    /// <param name="time">For time-outs, the expiry of cookies and <c>{{$timestamp}}</c>.</param>
    public Conversation(Scenario scenario, IReadOnlyList<Uri> replicas, ConversationOptions options, TimeProvider time)
        : this(scenario, Checked(replicas), options, time, new CookieJar(time), new Filler(scenario, time), options.Host ?? replicas[0].Authority) { }

    private Conversation(Scenario scenario, IReadOnlyList<Uri> replicas, ConversationOptions options, TimeProvider time, CookieJar jar, Filler filler, string host)
    {
        (_scenario, _replicas, _options, _time, Jar, _filler, Host) = (scenario, replicas, options, time, jar, filler, host);
        _transport = NewTransport();
        _filler.Origin = $"{replicas[0].Scheme}://{host}";
    }

    /// <summary>The session's cookies.</summary>
    public CookieJar Jar { get; }

    /// <summary>The Host field of all requests. It stays when the replicas move, since the cookies and the service know it.</summary>
    public string Host { get; }

    /// <summary>How the replicas call cookies whose name they make of their address.</summary>
    internal CookieNames Names { get; init; } = new();

    /// <summary>The values that reports must mask: extracted secrets and secret variables.</summary>
    public IReadOnlyList<string> Secrets
    {
        get { lock (_lock) return [.. _filler.Secrets()]; }
    }

    /// <summary>The value that was last extracted under a name, or null.</summary>
    public string? Value(string name)
    {
        lock (_lock) return _filler.Extracted(name);
    }

    /// <summary>A copy with the same cookies, variables and responses, and connections of its own: for what is done at the same time.</summary>
    public Conversation Fork()
    {
        lock (_lock) return new(_scenario, _replicas, _options, _time, Jar.Copy(), _filler.Copy(), Host) { Names = Names };
    }

    /// <summary>The replicas have new addresses (after a restart). Connections that were open are closed.</summary>
    public void MoveTo(IReadOnlyList<Uri> replicas)
    {
        lock (_lock)
        {
            _replicas = Checked(replicas);
            _transport.Dispose();
            _transport = NewTransport();
        }
    }

    /// <summary>Sends a step, follows its redirects if it says so, and keeps cookies and values.</summary>
    /// <param name="step">The step.</param>
    /// <param name="replica">Which replica, from 0.</param>
    /// <param name="ct">Breaks it off.</param>
    /// <param name="change">What is done otherwise than the step says, or null.</param>
    /// <returns>What came of it. Whatever the service does, it is no exception but a <see cref="Trouble"/>.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    public async Task<Exchange> SendAsync(Step step, int replica, CancellationToken ct, SendChange? change = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)replica, (uint)_replicas.Count, nameof(replica));
        change ??= new();
        var started = _time.GetTimestamp();
        SentRequest request;
        try
        {
            lock (_lock) request = new RequestBuilder(_filler, Jar, _replicas, replica, Host, Names).Build(step, change);
        }
        catch (FillException e)
        {
            return new(step, replica, null, null, Trouble.NotSent, e.Message, TimeSpan.Zero);
        }
        using var own = change.OwnConnection ? NewTransport() : null;
        var transport = own ?? _transport;
        var hops = new List<Exchange>();
        while (true)
        {
            var sent = _time.GetTimestamp();
            var arrival = await transport.SendAsync(request, ct);
            var exchange = new Exchange(step, replica, request, arrival.Answer, arrival.Trouble, arrival.Detail, _time.GetElapsedTime(sent));
            KeepCookies(exchange, change);
            if (!step.FollowRedirects || exchange.Trouble is not null || Redirects.Next(exchange, _replicas, Host) is not { } next) return Keep(exchange, hops, started, change);
            if (next.Refused is { } refused) return Keep(exchange with { Detail = refused }, hops, started, change);
            if (hops.Count == _options.MaxRedirects) return Keep(exchange with { Detail = $"more than {_options.MaxRedirects} redirects" }, hops, started, change);
            hops.Add(exchange);
            lock (_lock) request = RequestBuilder.WithCookies(next.Request!, RequestBuilder.CookiesOf(step, change with { Cookies = null }, Jar, next.Request!.Url, Names));
        }
    }

    /// <summary>The request that a step would send now, for <see cref="SendChange.Again"/>; null where it cannot be filled in.</summary>
    internal SentRequest? Prepare(Step step, int replica)
    {
        try
        {
            lock (_lock) return new RequestBuilder(_filler, Jar, _replicas, replica, Host, Names).Build(step, new());
        }
        catch (FillException)
        {
            return null;
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _transport.Dispose();

    /// <summary>Certificates of replicas on this machine are not verified: they are made for development, and nobody else can listen there.</summary>
    private Transport NewTransport() => new(_options, _time, anyCertificate: _replicas.All(r => r.IsLoopback));

    private void KeepCookies(Exchange exchange, SendChange change)
    {
        if (exchange.Answer is null || !exchange.Step.UsesCookies || change.KeepNothing) return;
        var set = exchange.Answer.Headers.Where(h => h.Key.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)).Select(h => Names.Kept(exchange.Request!.Url, h.Value));
        Jar.Keep(set, exchange.Request!.Url.AbsolutePath, exchange.Step.Number, exchange.Replica);
    }

    private Exchange Keep(Exchange last, List<Exchange> hops, long started, SendChange change)
    {
        var exchange = last with { Hops = hops, Elapsed = _time.GetElapsedTime(started) };
        if (!change.KeepNothing) lock (_lock) _filler.Learn(exchange);
        return exchange;
    }

    private static IReadOnlyList<Uri> Checked(IReadOnlyList<Uri> replicas) =>
        replicas.Count > 0 && replicas.All(r => r.IsAbsoluteUri && r.Scheme is "http" or "https")
            ? replicas
            : throw new ArgumentException("Replicas are absolute http or https URLs, at least one.", nameof(replicas));
}

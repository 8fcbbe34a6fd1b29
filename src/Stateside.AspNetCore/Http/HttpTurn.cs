using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using Stateside.AspNetCore.Binding;
using Stateside.AspNetCore.Carriers;
using Stateside.AspNetCore.Endpoints;
using Stateside.AspNetCore.Idempotency;
using Stateside.AspNetCore.Watching;
using Stateside.Places;
using Stateside.Sessions;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.AspNetCore.Http;

/// <summary>One HTTP request as the host of a turn: its keys (hop 1), its preconditions, and its runs (hop 4).</summary>
internal sealed class HttpTurn : ITurnHost, IAsyncDisposable
{
    private readonly HttpContext _context;
    private readonly EndpointPlan _plan;
    private readonly StatesideRuntime _runtime;
    private readonly RequestDelegate _next;
    private readonly string? _key;
    private readonly Group? _user;
    private readonly ClientCarrier _carrier;
    private readonly RequestBodyBuffer _body = new();
    private RunFeatures? _features;
    private ReceiptId _fingerprint;
    private bool _knowsSession;
    private bool _hasBody;
    private StreamSlot? _slot;
    private bool _hasRead;
    private AsyncServiceScope? _again;

    public HttpTurn(HttpContext context, EndpointPlan plan, StatesideRuntime runtime, RequestDelegate next)
    {
        (_context, _plan, _runtime, _next) = (context, plan, runtime, next);
        _key = ReadKey();
        _user = plan.NeedsUser || IsCallerNeeded ? UserGroup(context.User) : null;
        if (plan.NeedsUser && _user is null) throw Errors.UserRequired();
        _carrier = new ClientCarrier(context, runtime.Model);
    }

    public SessionHandle? Session { get; private set; }

    public IClientCarrier Carrier => _carrier;

    public CancellationToken Aborted => _context.RequestAborted;

    /// <summary>The response of the last run, until it is sent.</summary>
    public BufferedResponse? Response { get; private set; }

    /// <summary>The stream that the handler has left to run after the turn; null if it left none.</summary>
    public EventStream? Stream => _slot?.Stream;

    /// <summary>Only turns that can write or be replayed are held back; what only reads goes straight out.</summary>
    private bool IsBuffered => _plan.Writes || _plan.Receipt is not null;

    /// <summary>Who calls matters for a receipt, and for a new state that no other state of the turn gives a group.</summary>
    private bool IsCallerNeeded => _key is not null || IsBuffered && _plan.WriteSources.Count == 0;

    /// <summary>Whether the request may be done twice without harm: its method is safe, or it bears a key and its caller is known.</summary>
    public bool IsRepeatable => ReceiptPolicy.IsSafe(_context.Request.Method) || _key is not null && (_user is not null || Session is not null);

    /// <summary>Hop 2: the group whose owner is to answer; null: any node will do, since what the request is about is yet to begin.</summary>
    public async ValueTask<Group?> FindHomeAsync()
    {
        await ReadSessionAsync();
        if (_plan.NeedsSession && Session is null) return null;
        var namesGroup = _plan.WriteSources.Count > 0 || !IsBuffered || _user is not null || Session is not null;
        if (!namesGroup && _key is null) return null;
        // What nobody owns and a key makes findable again is found by the whole request; and what is held for a second run anyway is held
        // here, so that it can be sent once more to the node that has taken over.
        if (IsBuffered) await ReadBodyAsync();
        // The seed names new items, and those follow their group.
        return Bind(Session, default).Home;
    }

    /// <summary>Whether the whole body is in memory, so that it can be sent again.</summary>
    public bool HasBody => _hasBody;

    /// <summary>Puts the body back to its start, where it has been read, so that it can be sent on.</summary>
    public void RewindBody()
    {
        if (_hasBody) _body.Rewind(_context.Request);
    }

    /// <summary>The request as it came, for another node or another turn: a run may have rewritten its path, its endpoint or its items.</summary>
    public ValueTask RestoreAsync() => _features?.RestoreAsync() ?? default;

    public async ValueTask PrepareAsync()
    {
        await ReadSessionAsync();
        if (_plan.NeedsSession) Session ??= _runtime.Sessions.Begin();
        if (IsBuffered) await ReadBodyAsync();
    }

    private async ValueTask ReadSessionAsync()
    {
        if (_knowsSession || !_plan.NeedsSession && !(IsCallerNeeded && _user is null)) return;
        if (_carrier.Credential() is { } credential) Session = await _runtime.Sessions.ReadAsync(credential, Aborted);
        if (_plan.Writes && (Session is not null || _plan.NeedsSession)) RefuseCrossSite();
        _knowsSession = true;
    }

    private async ValueTask ReadBodyAsync()
    {
        if (_hasBody) return;
        await _body.ReadAsync(_context.Request, _runtime.Model.Limits.RequestBytes);
        _hasBody = true;
        if (_key is null) return;
        if (_body.IsGone(_context.Request))
            throw new InvalidOperationException("SS2011 Something before app.UseStateside() has read the request's body, so a retry could not be told from another request. Call it before, or let the other call EnableBuffering() (docs/errors/SS2011.md).");
        _fingerprint = RequestHash.Fingerprint(_context.Request, _body.Bytes);
    }

    public TurnRequest Bind(SessionHandle? session, TurnSeed seed)
    {
        // A session that begins with this request tells nobody apart: for receipts and new keys it is no caller yet.
        var caller = _user ?? (session is { IsFresh: false } ? session.Group : null);
        var receipt = _key is null ? default : RequestHash.Receipt(caller?.Value, _context.Request, _plan.Route, _key, _fingerprint);
        Group? group = IsBuffered ? WrittenGroup(session, caller, receipt, seed) : null;
        var slots = new SlotRequest[_plan.Parameters.Count];
        for (var i = 0; i < slots.Length; i++)
        {
            var parameter = _plan.Parameters[i];
            var name = parameter.Definition!.Name;
            var key = parameter.Source switch
            {
                KeySource.Session => new StateKey(session!.Group, name),
                KeySource.User => new StateKey(_user!.Value, name),
                KeySource.New => new StateKey(group!.Value, name, seed.NewItem(i)),
                _ => RouteKey(name, parameter.RouteName),
            };
            slots[i] = new SlotRequest(parameter.Definition, key, parameter.Writes, parameter.Source == KeySource.New);
        }
        return new TurnRequest
        {
            Slots = slots,
            Group = group,
            TaggedSlot = _plan.TaggedIndex,
            Receipt = _key is null ? null : new ReceiptRequest(receipt, _fingerprint, _plan.Receipt?.CallsOutside ?? false, _plan.Receipt?.SafeToRepeat ?? false),
        };
    }

    public void Check(TurnRequest request, IReadOnlyList<Row> rows)
    {
        var headers = _context.Request.Headers;
        var holds = request.TaggedSlot >= 0 ? Preconditions.Hold(headers, rows[request.TaggedSlot], IsBuffered) : rows.Count == 0 || !Preconditions.NamesVersion(headers);
        if (!holds) throw Errors.PreconditionFailed();
    }

    public async ValueTask<TurnReply> RunAsync(TurnRun run)
    {
        if (!IsBuffered)
        {
            await RunReadAsync(run);
            return default;
        }
        if (Response is not null) await Response.DiscardAsync();
        _features ??= new RunFeatures(_context);
        var response = Response = await _features.BeginAsync(_runtime.Model.Limits.ResponseBytes);
        _body.Rewind(_context.Request);
        try
        {
            _context.RequestServices.GetRequiredService<RunScope>().Enter(_plan, run);
            await _next(_context);
            await response.StartAsync();
        }
        catch (Exception) when (response.Refusal is not null)
        {
            // What the buffer refused may come back wrapped in the exception of whoever wrote; the refusal below says it plainly.
        }
        finally
        {
            _features.End();
        }
        if (response.Refusal is { } refusal) throw refusal;
        response.Check(_context.Request.Method);
        if (response.StatusCode >= 500) return new TurnReply(Discard: true, null);
        if (run.TaggedVersion is { IsNone: false } version && response.StatusCode < 300 && !response.Headers.ContainsKey("ETag"))
            response.AddHeader("ETag", Preconditions.Quote(version));
        return new TurnReply(Discard: false, Receipt(run, response));
    }

    /// <summary>Gives the client what it is to carry from now on.</summary>
    /// <param name="leaving">States.</param>
    /// <param name="session">The session, if its credential is new.</param>
    public void WriteCarried(IReadOnlyList<SealedState> leaving, SessionHandle? session)
    {
        _carrier.Write(leaving);
        if (session is not null) _carrier.Write(session, _runtime.Sessions, _runtime.Registry, leaving);
    }

    public async ValueTask DisposeAsync()
    {
        Stream?.Dispose();
        _body.Dispose();
        if (Response is not null) await Response.DiscardAsync();
        if (_features is not null) await _features.DisposeAsync();
        if (_again is { } scope) await scope.DisposeAsync();
    }

    private async Task RunReadAsync(TurnRun run)
    {
        var headers = _context.Response.Headers;
        // What belongs to one visitor must not be kept for another, whatever stands between.
        if (_plan.NeedsSession || _plan.NeedsUser) headers.CacheControl = "private, no-cache";
        WriteCarried(run.Leaving, run.Session is { IsDue: true } due ? due : null);
        if (run.TaggedVersion is { IsNone: false } version)
        {
            headers.ETag = Preconditions.Quote(version);
            if (Preconditions.IsNotModified(_context.Request, version))
            {
                _context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
        }
        if (_hasRead) await BeginScopeAsync();
        _hasRead = true;
        _context.RequestServices.GetRequiredService<RunScope>().Enter(_plan, run);
        Stream?.Dispose();
        _context.Features.Set(_slot = new StreamSlot());
        await _next(_context);
    }

    /// <summary>The scope of the run before has its snapshots, and would hand them out once more.</summary>
    private async ValueTask BeginScopeAsync()
    {
        var before = _again;
        _again = _context.RequestServices.GetRequiredService<IServiceScopeFactory>().CreateAsyncScope();
        _context.RequestServices = _again.Value.ServiceProvider;
        if (before is { } scope) await scope.DisposeAsync();
    }

    private ReceiptWrite? Receipt(TurnRun run, BufferedResponse response)
    {
        if (_key is null) return null;
        var changed = false;
        foreach (var slot in run.Slots) changed |= slot.IsChanged;
        // Once a handler may have called outside, whatever it answered is the answer: the claim must be settled.
        var calledOutside = _plan.Receipt is { CallsOutside: true };
        if (!changed && !calledOutside && !ReceiptPolicy.IsKept(response.StatusCode)) return null;
        var model = _runtime.Model.Idempotency;
        var body = response.Content.Length <= model.MaxStoredBytes
            ? ReceiptBody.Write(response.StatusCode, response.Headers, response.Content.Span)
            : ReceiptBody.Write(ReceiptBody.NotKept, new HeaderDictionary(), default);
        return new ReceiptWrite(run.Request.Receipt!.Id, ReceiptStatus.Recorded, _fingerprint, body, model.Retention);
    }

    private string? ReadKey()
    {
        var honours = _plan.Receipt is not null || _plan.Writes && ReceiptPolicy.IsHonoured(_context.Request.Method);
        if (!honours) return null;
        var result = IdempotencyKeyHeader.Read(_context.Request.Headers[IdempotencyKeyHeader.Name], _runtime.Model.Idempotency.Strict);
        if (result.Reason is { } reason) throw Errors.KeyInvalid(reason);
        if (result.Key is not null && _runtime.Store is NoStore) throw Errors.NoReceipts();
        return result.IsMissing && _plan.Receipt is not null ? throw Errors.KeyMissing() : result.Key;
    }

    private Group WrittenGroup(SessionHandle? session, Group? caller, ReceiptId receipt, TurnSeed seed)
    {
        if (_plan.WriteSources.Count == 0) return caller ?? (_key is null ? NewGroup(seed) : Group.Unowned(receipt.High));
        return _plan.WriteSources[0] switch
        {
            (KeySource.Session, _) => session!.Group,
            (KeySource.User, _) => _user!.Value,
            var (_, route) => RouteKey("", route).Group,
        };
    }

    /// <summary>A group that nobody owns yet, and that this node can hold if any of it lives on nodes.</summary>
    private Group NewGroup(TurnSeed seed)
    {
        var group = Group.Unowned(seed.Draw(0));
        // Handlers draw from the low end, new keys from the high one; between the two there is room.
        for (var n = 1u << 31; _plan.IsOnNode && _runtime.Sessions.IsHome is { } isHome && n < (1u << 31) + SessionIssuer.MostDraws && !isHome(group); n++) group = Group.Unowned(seed.Draw(n));
        return group;
    }

    private StateKey RouteKey(string name, string route)
    {
        var id = _context.Request.RouteValues[route] as string;
        return KeyText.IsValid(id) ? StateKey.From(name, id!) : throw Errors.BadKey();
    }

    /// <summary>
    /// A browser tells when another site is behind a request; with a session it would act for the visitor, and without one (the
    /// browser kept the cookie back) the session that begins would take the place of the visitor's own.
    /// </summary>
    private void RefuseCrossSite()
    {
        if (_runtime.Model.Session.AllowCrossSite || _carrier.ProvesItsSite) return;
        if (CrossSite.IsSaidBy(_context.Request)) throw Errors.CrossSite();
    }

    private static Group? UserGroup(ClaimsPrincipal user)
    {
        if (user.Identity is not { IsAuthenticated: true }) return null;
        var subject = user.FindFirst("sub") ?? user.FindFirst(ClaimTypes.NameIdentifier);
        return subject is null ? null : Group.User(subject.Issuer, subject.Value);
    }
}

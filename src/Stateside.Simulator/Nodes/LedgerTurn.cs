using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Simulator;

/// <summary>One request as a turn: what the HTTP host does for a request, without HTTP.</summary>
internal sealed class LedgerTurn(StateDefinition<Ledger> ledger, SimRequest request, CancellationToken aborted) : ITurnHost
{
    private static readonly TimeSpan s_retention = TimeSpan.FromDays(1);
    private LedgerMark _mark;

    public SessionHandle? Session => null;

    public CancellationToken Aborted => aborted;

    public ValueTask PrepareAsync() => default;

    public TurnRequest Bind(SessionHandle? session, TurnSeed seed)
    {
        var key = StoreNode.KeyOf(request.Key);
        var writes = request.Kind != OperationKind.Read;
        var id = new ReceiptId(0, (UInt128)request.Operation);
        return new TurnRequest
        {
            Slots = [new SlotRequest(ledger, key, writes)],
            Group = writes ? key.Group : null,
            Receipt = request.IsIdempotent ? new ReceiptRequest(id, id, CallsOutside: false, SafeToRepeat: false) : null,
        };
    }

    public void Check(TurnRequest turn, IReadOnlyList<Row> rows)
    {
        if (request.Kind != OperationKind.AppendIf) return;
        var length = rows[0].Exists ? ledger.Decode(rows[0]).Entries.Length : 0;
        if (length != request.Expected) throw Errors.PreconditionFailed();
    }

    public ValueTask<TurnReply> RunAsync(TurnRun run)
    {
        if (request.Kind == OperationKind.Read)
        {
            _mark = ((Snapshot<Ledger>)run.Slots[0]).Value.Mark;
            return new(default(TurnReply));
        }
        _mark = ((State<Ledger>)run.Slots[0]).Update(l => l.Append(request.Operation)).Mark;
        var receipt = run.Request.Receipt is { } asked ? new ReceiptWrite(asked.Id, ReceiptStatus.Recorded, asked.Fingerprint, _mark.ToBytes(), s_retention) : null;
        return new(new TurnReply(Discard: false, receipt));
    }

    /// <summary>What leaves once the turn has ended.</summary>
    public SimReply Reply(TurnOutcome outcome) => SimReply.Of(outcome.Replay is { } replay ? LedgerMark.Read(replay.Body.Span) : _mark);
}

using Stateside.Sessions;
using Stateside.States;
using Stateside.Stores;
using Stateside.Turns;

namespace Stateside.Simulator;

/// <summary>
/// One request as a turn: what the HTTP host does for a request, without HTTP. Each write appends to the ledger, which nobody deletes, and in the same
/// turn changes the notes of the same group, which are deleted and may expire: the ledger says what may stand in them.
/// </summary>
internal sealed class LedgerTurn(LedgerStates states, SimRequest request, CancellationToken aborted) : ITurnHost
{
    private static readonly TimeSpan s_retention = TimeSpan.FromDays(1);
    private LedgerMark _mark;
    private LedgerMark _notes;

    public SessionHandle? Session => null;

    public CancellationToken Aborted => aborted;

    public ValueTask PrepareAsync() => default;

    public TurnRequest Bind(SessionHandle? session, TurnSeed seed)
    {
        var key = LedgerStates.LedgerOf(request.Key);
        var writes = request.Kind != OperationKind.Read;
        var id = new ReceiptId(0, (UInt128)request.Operation);
        return new TurnRequest
        {
            Slots = [new SlotRequest(states.Ledger, key, writes), new SlotRequest(states.Notes, LedgerStates.NotesOf(request.Key), writes)],
            Group = writes ? key.Group : null,
            Receipt = request.IsIdempotent ? new ReceiptRequest(id, id, CallsOutside: false, SafeToRepeat: false) : null,
        };
    }

    public void Check(TurnRequest turn, IReadOnlyList<Row> rows)
    {
        if (request.Kind != OperationKind.AppendIf) return;
        var length = rows[0].Exists ? states.Ledger.Decode(rows[0]).Entries.Length : 0;
        if (length != request.Expected) throw Errors.PreconditionFailed();
    }

    public ValueTask<TurnReply> RunAsync(TurnRun run)
    {
        if (request.Kind == OperationKind.Read)
        {
            (_mark, _notes) = (((Snapshot<Ledger>)run.Slots[0]).Value.Mark, ((Snapshot<Ledger>)run.Slots[1]).Value.Mark);
            return new(default(TurnReply));
        }
        _mark = ((State<Ledger>)run.Slots[0]).Update(l => l.Append(request.Operation)).Mark;
        var notes = (State<Ledger>)run.Slots[1];
        if (request.Kind == OperationKind.Clear) notes.Delete();
        else notes.Update(n => n.Append(request.Operation));
        _notes = notes.Value.Mark;
        var receipt = run.Request.Receipt is { } asked ? new ReceiptWrite(asked.Id, ReceiptStatus.Recorded, asked.Fingerprint, LedgerMark.ToBytes(_mark, _notes), s_retention) : null;
        return new(new TurnReply(Discard: false, receipt));
    }

    /// <summary>What leaves once the turn has ended.</summary>
    public SimReply Reply(TurnOutcome outcome)
    {
        if (outcome.Replay is { } replay) (_mark, _notes) = LedgerMark.ReadBoth(replay.Body.Span);
        return SimReply.Of(_mark, _notes);
    }
}

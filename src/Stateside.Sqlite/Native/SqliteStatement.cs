using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Stateside.Sqlite.Native;

/// <summary>
/// A prepared statement. Parameters count from 1, columns from 0. Small parameters are copied into memory of the
/// statement's own; a body is bound where it lies, and only for the length of one <see cref="Run(int, ReadOnlySpan{byte})"/>.
/// </summary>
internal sealed unsafe class SqliteStatement : IDisposable
{
    /// <summary>Room for a longest key and what goes with it; what does not fit is copied by SQLite.</summary>
    private const int ScratchBytes = 2048;
    private const nint Static = 0;
    private const nint Transient = -1;

    private readonly SqliteConnection _connection;
    private readonly Handle _handle;
    private readonly nint _statement;
    private readonly byte* _scratch = (byte*)NativeMemory.Alloc(ScratchBytes);
    private int _used;

    public SqliteStatement(SqliteConnection connection, nint statement)
    {
        _connection = connection;
        _handle = new Handle(statement);
        _statement = statement;
    }

    public SqliteStatement Bind(int index, long value)
    {
        _connection.Check(Sqlite3.sqlite3_bind_int64(_statement, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, long? value)
    {
        if (value is { } number) return Bind(index, number);
        _connection.Check(Sqlite3.sqlite3_bind_null(_statement, index));
        return this;
    }

    public SqliteStatement Bind(int index, string text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (most <= ScratchBytes - _used || (most = Encoding.UTF8.GetByteCount(text)) <= ScratchBytes - _used)
        {
            var at = _scratch + _used;
            var bytes = Encoding.UTF8.GetBytes(text, new Span<byte>(at, ScratchBytes - _used));
            _used += bytes;
            _connection.Check(Sqlite3.sqlite3_bind_text(_statement, index, at, bytes, Static));
            return this;
        }
        fixed (byte* at = Encoding.UTF8.GetBytes(text))
            _connection.Check(Sqlite3.sqlite3_bind_text(_statement, index, at, most, Transient));
        return this;
    }

    public SqliteStatement Bind(int index, StateKey key) => Bind(index, key.Group.Value).Bind(index + 1, key.Name).Bind(index + 2, key.Item);

    public SqliteStatement Bind(int index, TurnId id)
    {
        id.Write(Scratch(TurnId.Size));
        return BindScratch(index, TurnId.Size);
    }

    public SqliteStatement Bind(int index, Stores.ReceiptId id)
    {
        id.Write(Scratch(Stores.ReceiptId.Size));
        return BindScratch(index, Stores.ReceiptId.Size);
    }

    /// <summary>Runs a statement that answers no row.</summary>
    public void Run()
    {
        try
        {
            Step();
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>Runs a statement that answers no row, with a body. What is text is stored as text, so that SQLite's shell shows it and its JSON functions read it.</summary>
    public void Run(int index, ReadOnlySpan<byte> body)
    {
        fixed (byte* at = body)
        {
            // An empty body is not an absent one, but a null pointer would be bound as NULL.
            var start = at == null ? _scratch : at;
            _connection.Check(Utf8.IsValid(body) && !body.Contains((byte)0)
                ? Sqlite3.sqlite3_bind_text(_statement, index, start, body.Length, Static)
                : Sqlite3.sqlite3_bind_blob(_statement, index, start, body.Length, Static));
            Run();
        }
    }

    /// <summary>Goes to the next row; false at the end.</summary>
    public bool Step()
    {
        var code = Sqlite3.sqlite3_step(_statement);
        if (code == ResultCode.Row) return true;
        _connection.Check(code);
        return false;
    }

    /// <summary>Ends a run, and with it the read transaction it may have held.</summary>
    public void Reset()
    {
        // Its answer repeats the error of the last step, which has been thrown already.
        _ = Sqlite3.sqlite3_reset(_statement);
        _used = 0;
    }

    public bool IsNull(int column) => Sqlite3.sqlite3_column_type(_statement, column) == 5;

    public long Int64(int column) => Sqlite3.sqlite3_column_int64(_statement, column);

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    /// <summary>The bytes of a text or a blob; valid until the next step or reset.</summary>
    public ReadOnlySpan<byte> Bytes(int column)
    {
        var at = Sqlite3.sqlite3_column_blob(_statement, column);
        return new ReadOnlySpan<byte>(at, at == null ? 0 : Sqlite3.sqlite3_column_bytes(_statement, column));
    }

    public string Text(int column) => Encoding.UTF8.GetString(Bytes(column));

    public TurnId Turn(int column) => Bytes(column) is { Length: TurnId.Size } bytes ? TurnId.Read(bytes) : throw Damaged();

    public Stores.ReceiptId Hash(int column) => Bytes(column) is { Length: Stores.ReceiptId.Size } bytes ? Stores.ReceiptId.Read(bytes) : throw Damaged();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle.IsClosed) return;
        _handle.Dispose();
        NativeMemory.Free(_scratch);
    }

    private static SqliteException Damaged() => new(ResultCode.Corrupt, "A column is not of the length that this version writes.");

    private Span<byte> Scratch(int bytes) => _used + bytes <= ScratchBytes ? new(_scratch + _used, bytes) : throw new InvalidOperationException("The statement has no room for its parameters.");

    private SqliteStatement BindScratch(int index, int bytes)
    {
        _connection.Check(Sqlite3.sqlite3_bind_blob(_statement, index, _scratch + _used, bytes, Static));
        _used += bytes;
        return this;
    }

    private sealed class Handle : SafeHandle
    {
        public Handle(nint statement) : base(0, ownsHandle: true) => SetHandle(statement);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _ = Sqlite3.sqlite3_finalize(handle);
            return true;
        }
    }
}

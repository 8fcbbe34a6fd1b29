using Npgsql;
using NpgsqlTypes;

namespace Stateside.Postgres;

/// <summary>Arrays that travel as the parameters of one statement; filled, sent and emptied again and again.</summary>
internal sealed class Columns
{
    private readonly List<Action> _clear = [];

    public NpgsqlParameterCollection Parameters { get; }

    public Columns(NpgsqlParameterCollection parameters) => Parameters = parameters;

    public List<T> Add<T>(NpgsqlDbType type)
    {
        var list = new List<T>();
        Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = list, NpgsqlDbType = NpgsqlDbType.Array | type });
        _clear.Add(list.Clear);
        return list;
    }

    public List<string> Texts() => Add<string>(NpgsqlDbType.Text);

    public List<long> Longs() => Add<long>(NpgsqlDbType.Bigint);

    public List<int> Ints() => Add<int>(NpgsqlDbType.Integer);

    public List<short> Shorts() => Add<short>(NpgsqlDbType.Smallint);

    public List<bool> Booleans() => Add<bool>(NpgsqlDbType.Boolean);

    public List<Guid> Turns() => Add<Guid>(NpgsqlDbType.Uuid);

    public List<ReadOnlyMemory<byte>> Bodies() => Add<ReadOnlyMemory<byte>>(NpgsqlDbType.Bytea);

    /// <summary>Lets go of what was sent.</summary>
    public void Clear()
    {
        foreach (var clear in _clear) clear();
    }
}

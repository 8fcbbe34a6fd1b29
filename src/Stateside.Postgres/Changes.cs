using System.Text;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>What a notification says: in its first line who writes, then the keys that changed, one a line, or that any may have.</summary>
internal static class Changes
{
    /// <summary>PostgreSQL takes less than 8,000 bytes.</summary>
    private const int MostBytes = 7_900;

    private const char Part = '\u001F';
    private const char End = '\n';
    private const string AnyKey = "*";

    /// <summary>The channel; it is quoted where it becomes part of LISTEN, and a schema's name is a plain identifier.</summary>
    public static string Channel(string schema) => "stateside:" + schema;

    /// <summary>The notification that names no key.</summary>
    public static string Any(string writer) => writer + End + AnyKey;

    public static string Write(string writer, List<CommitWork> batch)
    {
        var text = new StringBuilder(writer).Append(End);
        var bytes = 0;
        foreach (var work in batch)
            foreach (var row in work.Commit.Rows)
            {
                if (row.Change is not (RowChange.Put or RowChange.Delete)) continue;
                var key = row.Key;
                if (IsAwkward(key.Name) || IsAwkward(key.Item)) return Any(writer);
                bytes += Encoding.UTF8.GetByteCount(key.Group.Value) + Encoding.UTF8.GetByteCount(key.Name) + Encoding.UTF8.GetByteCount(key.Item) + 3;
                if (bytes > MostBytes) return Any(writer);
                text.Append(key.Group.Value).Append(Part).Append(key.Name).Append(Part).Append(key.Item).Append(End);
            }
        return text.ToString();
    }

    /// <summary>Tells a watcher what others wrote. Anybody who may connect can send a notification, so one that is not understood means any.</summary>
    public static void Read(string payload, string self, IStoreWatcher watcher)
    {
        var lines = payload.Split(End, StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length > 0 && lines[0] == self) return;
        if (lines.Length < 2) watcher.AnyChanged();
        foreach (var line in lines.AsSpan(Math.Min(1, lines.Length)))
        {
            var parts = line.Split(Part);
            if (parts.Length != 3 || !TryParse(parts[0], out var group))
            {
                watcher.AnyChanged();
                return;
            }
            watcher.Changed(new StateKey(group, parts[1], parts[2]));
        }
    }

    private static bool IsAwkward(string text) => text.AsSpan().IndexOfAny(Part, End) >= 0;

    private static bool TryParse(string text, out Group group)
    {
        try
        {
            group = Group.Parse(text);
            return true;
        }
        catch (FormatException)
        {
            group = default;
            return false;
        }
    }
}

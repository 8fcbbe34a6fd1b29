using Stateside.Sqlite;

namespace Stateside.Stores.Tests.Sqlite;

/// <summary>A directory of one test.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("stateside-").FullName;

    public string File(string name = "store.db") => Path.Combine(Root, name);

    public static IStore Store(string file, TimeProvider? time = null, string options = "") =>
        new SqliteStoreProvider().Create($"sqlite:{file}{options}", time ?? TimeProvider.System);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

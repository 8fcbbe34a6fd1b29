// What the tests start as a second process. The first argument says what it does; the store's file is the second.
using Stateside.Stores.Tests.Child;
using Stateside.Stores.Tests.Sqlite;
using Stateside.Testing.Stores;

switch (args)
{
    case ["share", var file, var name, var milliseconds]:
        return await Writers.ShareAsync(file, name, int.Parse(milliseconds, System.Globalization.CultureInfo.InvariantCulture));
    case ["endless", var file]:
        return await Writers.EndlessAsync(file);
    case ["fill", var file, var ballast]:
        await FullDisk.RunAsync(file, _ => { }, _ => File.Delete(ballast));
        Console.WriteLine("done");
        return 0;
    case ["until-failure", var file]:
        return await Writers.UntilFailureAsync(file);
    case ["open", var file]:
        return await Writers.OpenAsync(file);
    case ["seal", var file, var records, var count]:
        return await Sealers.RunAsync(file, records, count);
    #region process
    case ["conformance", var file]:
        return await ConformanceProcess.RunAsync(TempDirectory.Store(file));
    #endregion
    default:
        Console.Error.WriteLine("This program is started by tests.");
        return 2;
}

// What the tests start as a second process: the first argument says what it does, the second is the store's URL.
using Stateside.Postgres;
using Stateside.Postgres.Tests;
using Stateside.Testing.Stores;

switch (args)
{
    case ["conformance", var url]:
        return await ConformanceProcess.RunAsync(new PostgresStoreProvider().Create(url, TimeProvider.System));
    case ["measure", var url]:
        return await Measurement.RunAsync(url);
    default:
        Console.Error.WriteLine("This program is started by tests. \"measure URL\" measures loads and commits on a server of yours.");
        return 2;
}

namespace Stateside.Testing.Stores;

internal static class WatchCases
{
    public static IEnumerable<ConformanceCase> All => [];
}

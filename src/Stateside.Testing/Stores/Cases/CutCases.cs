namespace Stateside.Testing.Stores;

internal static class CutCases
{
    public static IEnumerable<ConformanceCase> All => [];
}

namespace Stateside.Testing.Stores;

internal static class ProcessCases
{
    public static IEnumerable<ConformanceCase> All => [];
}

namespace Stateside.Testing.Stores;

internal static class ServerCases
{
    public static IEnumerable<ConformanceCase> All => [];
}

namespace Stateside.Check.Scenarios;

internal static class HarReader
{
    public static Scenario Read(string file, byte[] bytes, Corrections corrections) => throw new ScenarioException($"{file}: {bytes.Length} {corrections}");
}

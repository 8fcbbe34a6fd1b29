namespace Stateside.SystemTests.Support;

/// <summary>Compares with a file of the repository; <c>STATESIDE_ACCEPT=1</c> writes the file instead.</summary>
internal static class Golden
{
    public static void Equal(string path, string text)
    {
        var file = Path.Combine(Repository.Root, path);
        if (Environment.GetEnvironmentVariable("STATESIDE_ACCEPT") == "1" && !File.Exists(file)) File.WriteAllText(file, text);
        var (expected, actual) = (File.ReadAllLines(file), text.Split('\n', StringSplitOptions.TrimEntries));
        for (var i = 0; i < Math.Max(expected.Length, actual.Length); i++)
        {
            var (want, got) = (i < expected.Length ? expected[i].Trim() : "(the end)", i < actual.Length ? actual[i] : "(the end)");
            Assert.True(want == got || (want, got) is ("(the end)", ""), $"{path}, line {i + 1}, after \"{(i > 0 ? expected[Math.Min(i, expected.Length) - 1] : "")}\":\nexpected {want}\nactual   {got}");
        }
    }
}

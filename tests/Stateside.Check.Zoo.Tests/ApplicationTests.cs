using System.Globalization;
using Stateside.Check.Reports;
using Stateside.Check.Scenarios;
using Xunit.Abstractions;

namespace Stateside.Check.Zoo.Tests;

/// <summary>
/// What <c>check</c> says of applications that nobody here wrote. The long run (<c>./stateside test --long</c>) audits all of them, and STATESIDE_ZOO those whose names
/// contain one of its words; every run reads their scenarios.
/// </summary>
[Collection(nameof(Rig))]
public sealed class ApplicationTests(Rig rig, ITestOutputHelper output)
{
    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(5);

    private static IReadOnlyList<Service> Applications { get; } = [.. PhpApplications.All];

    private static IReadOnlyList<(string Package, Func<bool> IsThere)> Packages { get; } = [.. PhpApplications.Packages];

    [Fact]
    public async Task Applications_of_others_are_told_apart()
    {
        var faults = new List<string>();
        foreach (var application in Applications)
        {
            var scenario = ScenarioFile.Read(Rig.Scenario(application));
            if (scenario.Steps.Count < 4 || application.Truth.Answers.Length != 5 || application.Truth.Why.Length == 0) faults.Add($"{application}: its scenario or its truth says too little");
            if (!IsChosen(application)) continue;
            foreach (var (package, isThere) in Packages) Assert.True(isThere(), $"{package} is not there: apt-get install --no-install-recommends {package}");
            using var bound = new CancellationTokenSource(s_most);
            var report = await VerdictTests.CheckAsync(rig, application, bound.Token);
            faults.AddRange(VerdictTests.Faults(application, [(report, null)]));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{application}: {report.Architecture}; {string.Join(", ", report.Verdicts.Select(v => $"{v.Question} {v.Outcome}"))}; {report.Elapsed.TotalSeconds:F1} s"));
        }
        Assert.Equal(Applications.Count, Applications.Select(a => a.Name).Distinct().Count());
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static bool IsChosen(Service application) => Environment.GetEnvironmentVariable("STATESIDE_ZOO") is { Length: > 0 } names
        ? names.Split(',').Any(n => application.Name.Contains(n, StringComparison.Ordinal))
        : Environment.GetEnvironmentVariable("STATESIDE_LONG") == "1";
}

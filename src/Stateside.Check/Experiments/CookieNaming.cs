using System.Text.RegularExpressions;
using Stateside.Check.Comparing;

namespace Stateside.Check.Experiments;

/// <summary>Finds cookies whose names are made of the address that a replica listens on: that the addresses differ is the rig's doing, and no fault of the service.</summary>
internal static partial class CookieNaming
{
    /// <summary>Compares what cookies are called at the replicas, and lets conversations translate.</summary>
    /// <param name="lab">The first set of replicas, which the baseline was learned on.</param>
    /// <param name="second">Another set of the same commands at other addresses, or null where there is none.</param>
    /// <param name="cancellationToken">Breaks it off.</param>
    public static async Task LearnAsync(Lab lab, Lab? second, CancellationToken cancellationToken)
    {
        var found = await NamesAsync(lab, 1, cancellationToken);
        if (found.Count == 0) return;
        // The same replica at another address tells the address from the replica's number, host or key.
        if (second is not null && (await NamesAsync(second, 0, cancellationToken)).Count != found.Count) return;
        foreach (var place in Enumerable.Range(1, lab.Set.Addresses.Count - 1)) await AddAsync(lab, place, cancellationToken);
        foreach (var place in Enumerable.Range(0, second?.Set.Addresses.Count ?? 0)) await AddAsync(second!, place, cancellationToken);
        foreach (var name in found.Values)
            lab.Study.Notice($"The cookie {name} has another name at each address, as one has that is made of the port: the client sends it to each replica under that replica's name, as it would behind one address.");
    }

    private static async Task AddAsync(Lab lab, int replica, CancellationToken cancellationToken) =>
        lab.Study.CookieNames.Add(lab.Set.Addresses[replica], await NamesAsync(lab, replica, cancellationToken));

    /// <summary>The names that only one of the two gives, the other's by this replica's; empty unless each has its counterpart.</summary>
    private static async Task<IReadOnlyDictionary<string, string>> NamesAsync(Lab lab, int replica, CancellationToken cancellationToken)
    {
        // What has another name in every run, as one that is made of a new id, is not made of the address.
        var runs = lab.Study.Twins.Select(Names).ToList();
        var changing = runs.SelectMany(n => n).Where(n => !runs.TrueForAll(r => r.Contains(n))).Select(Form).ToHashSet();
        var here = Names(await lab.RunAsync(Plans.All(lab.Steps, _ => replica), cancellationToken)).Where(n => !changing.Contains(Form(n))).ToList();
        var first = Names(lab.Main.Last).Where(n => !changing.Contains(Form(n))).ToList();
        var own = here.Where(n => !first.Contains(n)).ToList();
        var shared = first.Where(n => !here.Contains(n)).ToList();
        return own.Count == shared.Count && own.Zip(shared).All(p => Kept(p.First) == Kept(p.Second))
            ? own.Zip(shared).ToDictionary(p => p.First.Name, p => p.Second.Name)
            : new Dictionary<string, string>();
    }

    private static (int Step, string Name) Kept((int Step, string Name) cookie) => (cookie.Step, Made().Replace(cookie.Name, "#"));

    /// <summary>The same of a name that holds an id, which may be as short as 7.</summary>
    private static (int Step, string Name) Form((int Step, string Name) cookie) => (cookie.Step, Digits().Replace(Kept(cookie).Name, "#"));

    private static List<(int Step, string Name)> Names(Run run) =>
        [.. run.Observations.SelectMany(o => Inspection.CookiesSet(o.Exchange).Select(c => (o.Slot.Step, c.Name))).DistinctBy(n => n.Name)];

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();

    // A port, or a hash.
    [GeneratedRegex("[0-9a-fA-F]{4,}")]
    private static partial Regex Made();
}

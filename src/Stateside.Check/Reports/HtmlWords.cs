using System.Globalization;

namespace Stateside.Check.Reports;

/// <summary>What a report means, for somebody who decides and does not program.</summary>
internal static class HtmlWords
{
    /// <summary>One line, and a few sentences below it.</summary>
    public static (string Line, string Explanation) Headline(CheckReport report)
    {
        if (report.Unrepeatable is not null)
            return ("No verdict: the service answers the same visit in different ways",
                "Before anything was disturbed the same steps were already answered differently from one time to the next, so nothing could be concluded. Once what varied is fixed, run it again.");
        var answers = report.Verdicts.ToDictionary(v => v.Question, v => v.Outcome);
        bool Fails(Question question) => answers.GetValueOrDefault(question) == Outcome.Fails;
        var counts = Counts(report);
        if (!answers.ContainsValue(Outcome.Fails) && report.Crashes.FirstOrDefault() is { } crash)
            return ("The service ended while it was checked", $"{counts} {char.ToUpperInvariant(crash.Title[0])}{crash.Title[1..]}. Find out why, and run it again.");
        if (Words.Only(report) is not null && !answers.ContainsValue(Outcome.Fails)) return ("Only a part was examined, and nothing was found in it", counts);
        if (answers.Values.All(o => o == Outcome.CannotTell))
            return ("No answer: this scenario shows nothing about state", $"{counts} A scenario has to change something and read it back, better after logging in; then it can be told.");
        if (!answers.ContainsValue(Outcome.Fails) && new[] { Question.Context, Question.External, Question.Spread }.Any(q => answers.GetValueOrDefault(q, Outcome.CannotTell) == Outcome.CannotTell))
            return ("Nothing was found, and not all could be told", $"{counts} The reasons are below; with them mended, run it again.");
        if (!answers.ContainsValue(Outcome.Fails))
            return ("Any replica can serve any request", $"{counts} Nothing was found that ties a user to one server: with what this scenario does, replicas can be added, restarted and replaced while people use the service.");
        if (Fails(Question.External))
            return ("What users did is lost when a server process ends", $"{counts} Every crash and every deployment loses data or logs people out, and the service cannot be spread over several servers without binding each user to one.");
        if (Fails(Question.Context))
            return ("Each user is tied to one server", $"{counts} What users did survives a restart, but only the server that did it knows of it: when that server goes, or a request reaches another, users see errors, empty pages or the login.");
        if (Fails(Question.Auth))
            return ("A login is good only at the server that issued it", $"{counts} Requests that reach another server are not recognised as the user's.");
        if (Fails(Question.Spread))
            return ("Several servers at once give other answers than one", $"{counts} The data is kept in a place that all share, but on the way to it servers disagree: users see old data, lost changes or clashes as soon as there is more than one.");
        return ("A request that is sent again is done again", $"{counts} Any server can serve any request; but after a lost connection, when a client or a proxy sends a request again, its effect is there twice.");
    }

    /// <summary>The style of the line that says where the state lives.</summary>
    public static string Tone(CheckReport report) =>
        report.Unrepeatable is not null || report.Architecture == Architecture.CannotTell ? "unknown" : report.Fails ? "bad" : "good";

    /// <summary>The style of an answer.</summary>
    public static string Tone(Outcome outcome) => outcome switch { Outcome.Holds => "good", Outcome.Fails => "bad", _ => "unknown" };

    private static string Counts(CheckReport report)
    {
        int Count(Outcome outcome) => report.Verdicts.Count(v => v.Outcome == outcome);
        return string.Create(CultureInfo.InvariantCulture, $"Of the five questions {Count(Outcome.Holds)} {(Count(Outcome.Holds) == 1 ? "holds" : "hold")}, {Count(Outcome.Fails)} {(Count(Outcome.Fails) == 1 ? "fails" : "fail")} and {Count(Outcome.CannotTell)} cannot be told.");
    }
}

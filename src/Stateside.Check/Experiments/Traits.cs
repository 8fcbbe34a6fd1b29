using System.Text.RegularExpressions;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Experiments;

/// <summary>What can be read off a scenario before anything is sent, by the names that the field uses.</summary>
/// <param name="Logins">The steps that send a credential to have one issued: a password-like field, or a login-like path.</param>
/// <param name="Logouts">The steps that end a session or revoke a credential.</param>
/// <param name="Bearers">The steps that carry a credential in a header field of their own.</param>
/// <param name="Forgery">The steps that carry a token against request forgery.</param>
internal sealed partial record Traits(IReadOnlySet<int> Logins, IReadOnlySet<int> Logouts, IReadOnlySet<int> Bearers, IReadOnlySet<int> Forgery)
{
    /// <param name="scenario">The scenario.</param>
    /// <param name="passwordFields">The names of the fields that the service's own forms show as passwords.</param>
    public static Traits Of(Scenario scenario, IReadOnlySet<string> passwordFields)
    {
        var steps = scenario.Steps;
        return new Traits(
            Numbers(steps.Where(s => !s.IsSafe && !IsLogout(s) && (Password().IsMatch(BodyOf(s)) || Login().IsMatch(PathOf(s)) || HasBasic(s) || SaysWhatToDo(s, LoginWord()) || passwordFields.Any(f => Has(s, f))))),
            Numbers(steps.Where(IsLogout)),
            Numbers(steps.Where(s => s.Headers.Any(h => Credentials.IsHeader(h.Key)))),
            Numbers(steps.Where(s => !s.IsSafe && (Forged().IsMatch(BodyOf(s)) || s.Headers.Any(h => Forged().IsMatch(h.Key + "="))))));
    }

    /// <summary>Whether a place of a response holds a token against request forgery.</summary>
    public static bool IsForgeryToken(string place) => Forged().IsMatch(place.Replace(']', '=') + "=");

    private static HashSet<int> Numbers(IEnumerable<Step> steps) => [.. steps.Select(s => s.Number)];

    private static bool IsLogout(Step step) => Logout().IsMatch(PathOf(step)) || SaysWhatToDo(step, LogoutWord()) || (step.Method == "DELETE" && SessionPath().IsMatch(PathOf(step)));

    private static bool HasBasic(Step step) =>
        Login().IsMatch(PathOf(step)) && step.Headers.Any(h => h.Key.Equals("Authorization", StringComparison.OrdinalIgnoreCase) && h.Value.StartsWith("Basic", StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a parameter or field says what the step does, as where one script serves all: <c>do=login</c>, <c>title=Special:UserLogout</c>.</summary>
    private static bool SaysWhatToDo(Step step, Regex word) =>
        Pairs(step).Any(p => !Return().IsMatch(p.Key) && word.IsMatch(p.Value));

    private static bool Has(Step step, string field) => Pairs(step).Any(p => p.Key == field);

    private static IEnumerable<KeyValuePair<string, string>> Pairs(Step step)
    {
        var query = Places.Parameters(Places.Split(step.Target).Query);
        var isForm = step.Headers.Any(h => h.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase) && h.Value.Contains("form-urlencoded", StringComparison.OrdinalIgnoreCase));
        return isForm ? query.Concat(Places.Parameters(BodyOf(step))) : query;
    }

    private static string PathOf(Step step) => step.Target.Split('?', '#')[0];

    private static string BodyOf(Step step) =>
        step.Body?.Template ?? string.Concat((step.Body?.Pieces ?? []).Select(p => p.Template));

    [GeneratedRegex("""["'\s&]?[\w.\[\]-]*(passw(or)?d|passwd|pwd|passphrase|passcode|otp|credential)[\w.\[\]-]*["']?\s*[:=]""", RegexOptions.IgnoreCase)]
    private static partial Regex Password();

    [GeneratedRegex(@"(^|[/_\-.])(log-?in|sign-?in|sign-?on|authenticate|oauth2?/token|auth/token|tokens?|sessions?|auth)(\.\w+)?/?$", RegexOptions.IgnoreCase)]
    private static partial Regex Login();

    [GeneratedRegex(@"(^|[/_\-.])(log-?out|sign-?out|log-?off|revoke)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Logout();

    [GeneratedRegex(@"^([\w./-]{0,40}[/_\-.:])?(user)?(log-?in|sign-?in|log-?on|sign-?on|authenticate)$", RegexOptions.IgnoreCase)]
    private static partial Regex LoginWord();

    [GeneratedRegex(@"^([\w./-]{0,40}[/_\-.:])?(user)?(log-?out|sign-?out|log-?off)$", RegexOptions.IgnoreCase)]
    private static partial Regex LogoutWord();

    // Where to go afterwards.
    [GeneratedRegex(@"return|redirect|next|back|from|goto|dest|ref|url", RegexOptions.IgnoreCase)]
    private static partial Regex Return();

    [GeneratedRegex(@"(^|/)(sessions?|tokens?|login)(/|$)", RegexOptions.IgnoreCase)]
    private static partial Regex SessionPath();

    [GeneratedRegex("""(csrf|xsrf|__RequestVerificationToken|authenticity_token|antiforgery|_token)[\w.\-\[\]]*["']?\s*[:=]""", RegexOptions.IgnoreCase)]
    private static partial Regex Forged();
}

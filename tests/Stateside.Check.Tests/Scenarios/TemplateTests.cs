using FsCheck;
using FsCheck.Fluent;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Scenarios;

public sealed class TemplateTests
{
    private static readonly Gen<string> Texts = Gen.Elements("{{", "}}", "{", "}", "a", " ", "\n", "{{a}}", "{{$open}}", "$", ".", "|json", "é").ListOf().Select(string.Concat);

    private static string Fill(string template, Dictionary<string, string>? variables = null)
    {
        var scenario = new Scenario("s", [], variables ?? new() { ["a"] = "1" }, []);
        return FilledPart.Join(new Filler(scenario, TimeProvider.System).Fill(new Step { Number = 1, Name = "x", Method = "GET", Target = template }, []).Target);
    }

    [Fact]
    public void Parts_joined_are_the_template() => Prop.ForAll(Texts.ToArbitrary(), text =>
    {
        var joined = string.Concat(Template.Parse(text).Select(p => p.IsExpression ? $"{{{{{p.Text}}}}}" : p.Text));
        return string.Concat(joined.Where(c => c != ' ')) == string.Concat(text.Where(c => c != ' '));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_literal_gives_back_its_text_whatever_braces_it_holds() =>
        Prop.ForAll(Texts.ToArbitrary(), text => Fill(Template.Literal(text)) == text).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_expression_is_understood_or_refused_with_a_reason() => Prop.ForAll(ArbMap.Default.GeneratorFor<string>().Or(Texts).ToArbitrary(), text =>
    {
        try { return Expression.Parse("$" + text) is not null && Expression.Parse(text ?? "") is not null; }
        catch (FormatException e) { return e.Message.Length > 10; }
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("{{a|percent}}", "a/b c\"+", "a%2Fb%20c%22%2B")]
    [InlineData("{{%a}}", "a b", "a%20b")]
    [InlineData("{{a|form}}", "a b+", "a+b%2B")]
    [InlineData("{{a|json}}", "a\"b\n<é>", "a\\\"b\\n<é>")]
    [InlineData("{{a|unpercent}}", "a%2Fb+c", "a/b+c")]
    [InlineData("{{a|unbase64url}}", "YT9-_w", "YT9-_w")]
    [InlineData("{{a|unbase64url}}", "YT8_YQ", "a??a")]
    [InlineData("{{ a | unpercent | json }}", "%22", "\\\"")]
    public void Values_are_encoded_for_where_they_stand(string template, string value, string filled) => Assert.Equal(filled, Fill(template, new() { ["a"] = value }));

    [Theory]
    [InlineData("{{$guid}}", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    [InlineData("{{$uuid}}", "^[0-9a-f-]{36}$")]
    [InlineData("{{$randomInt 5 7}}", "^[56]$")]
    [InlineData("{{$random.integer(5, 7)}}", "^[56]$")]
    [InlineData("{{$randomInt}}", @"^\d{1,3}$")]
    [InlineData("{{$timestamp}}", @"^\d{10}$")]
    [InlineData("{{$timestamp -1 d}}", @"^\d{10}$")]
    [InlineData("{{$isoTimestamp}}", @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    [InlineData("{{$datetime iso8601}}", @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")]
    [InlineData("{{$datetime 'YYYY-MM-DD HH' 1 y}}", @"^\d{4}-\d\d-\d\d \d\d$")]
    [InlineData("{{$datetime rfc1123}}", @"GMT$")]
    [InlineData("{{$random.alphanumeric(12)}}", "^[a-z0-9]{12}$")]
    [InlineData("{{$random.hexadecimal(7)}}", "^[0-9a-f]{7}$")]
    [InlineData("{{$random.email}}", "^[a-z]{12}@example.com$")]
    [InlineData("{{$processEnv PATH}}", ".")]
    [InlineData("{{$env.PATH}}", ".")]
    public void Functions_of_all_three_dialects_are_evaluated(string template, string pattern) => Assert.Matches(pattern, Fill(template));

    [Fact]
    public void Variables_may_hold_variables_but_not_themselves()
    {
        Assert.Equal("x-1-2", Fill("x-{{c}}", new() { ["a"] = "1", ["c"] = "{{a}}-{{b}}", ["b"] = "2" }));
        Assert.Throws<FillException>(() => Fill("{{a}}", new() { ["a"] = "{{b}}", ["b"] = "{{a}}" }));
    }

    [Fact]
    public void Variables_that_multiply_are_stopped()
    {
        var bomb = Enumerable.Range(0, 10).ToDictionary(i => $"v{i}", i => i == 9 ? new string('x', 100) : string.Concat(Enumerable.Repeat($"{{{{v{i + 1}}}}}", 10)));
        Assert.Contains("16 MiB", Assert.Throws<FillException>(() => Fill("{{v0}}", bomb)).Message);
    }
}

using System.Text;
using Stateside.Check.Comparing;
using Stateside.Check.Conversations;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Experiments;

public sealed class TwinModelTests
{
    private static readonly Normal s_normal = new([new Uri("http://127.0.0.1:22222"), new Uri("http://127.0.0.1:22223")], null, []);

    [Fact]
    public void What_is_the_same_in_all_twins_must_be_the_same()
    {
        var model = Learn(_ => [Json("""{"user":"ann","n":1}""")], 3);
        Assert.Empty(model.Compare(RunOf(Json("""{"user":"ann","n":1}"""))));
        var difference = Assert.Single(model.Compare(RunOf(Json("""{"user":null,"n":1}"""))));
        Assert.Equal("json:$.user", difference.Place);
        Assert.Equal("ann", difference.Expected);
    }

    [Fact]
    public void What_varies_is_noise_and_what_is_missing_is_not()
    {
        var model = Learn(i => [Json($$"""{"id":"{{Id(i)}}","ok":true}""")], 3);
        Assert.Empty(model.Compare(RunOf(Json("""{"id":"zzzz9999","ok":true}"""))));
        Assert.Equal("json:$.id", Assert.Single(model.Compare(RunOf(Json("""{"ok":true}""")))).Place);
    }

    [Theory]
    [InlineData("150-a/b+c", true)]
    [InlineData("150-abc def", false)]
    public void A_random_value_may_hold_what_divides_words(string tag, bool fits)
    {
        string[] tags = ["150-rlPs", "150-x9Qk", "150-77aB"];
        var model = Learn(i => [Json($$"""{"tag":"W({{tags[i]}})"}""")], 3);
        Assert.Equal(fits, model.Compare(RunOf(Json($$"""{"tag":"W({{tag}})"}"""))).Count == 0);
    }

    [Fact]
    public void What_comes_only_sometimes_may_be_missing()
    {
        var model = Learn(i => [Json(i == 1 ? """{"a":1,"tip":"x"}""" : """{"a":1}""")], 3);
        Assert.Empty(model.Compare(RunOf(Json("""{"a":1}"""))));
        Assert.Empty(model.Compare(RunOf(Json("""{"a":1,"tip":"y"}"""))));
    }

    [Theory]
    [InlineData("""{"notes":{"n-812":{"text":"tea"}}}""", true)]
    [InlineData("""{"notes":{"n-812":{"title":"tea"}}}""", false)]
    [InlineData("""{"notes":{"error":{"text":"tea"}}}""", false)]
    [InlineData("""{"notes":{"n-812":{"text":"tea"}},"n-812":1}""", false)]
    [InlineData("""{"notes":{"n-812":{"text":"tea"},"n-813":{"text":"tea"}}}""", false)]
    [InlineData("""{"notes":{}}""", false)]
    public void What_has_another_name_in_every_run_may_have_another_in_the_next(string now, bool fits)
    {
        string[] ids = ["n-77", "n-301", "n-42"];
        var model = Learn(i => [Json("""{"notes":{"ID":{"text":"tea"}}}""".Replace("ID", ids[i], StringComparison.Ordinal))], 3);
        Assert.Equal(fits, model.Compare(RunOf(Json(now))).Count == 0);
    }

    [Fact]
    public void A_value_that_repeats_one_of_the_same_run_must_go_on_repeating_it()
    {
        var model = Learn(i => [Json($$"""{"id":"{{Id(i)}}"}""", step: 1), Json($$"""{"note":"of {{Id(i)}}"}""", step: 2)], 3);
        Assert.Empty(model.Compare(RunOf(Json("""{"id":"feed7777"}""", step: 1), Json("""{"note":"of feed7777"}""", step: 2))));
        Assert.Equal(2, Assert.Single(model.Compare(RunOf(Json("""{"id":"feed7777"}""", step: 1), Json("""{"note":"of beef8888"}""", step: 2)))).Slot.Step);
    }

    [Fact]
    public void What_repeats_a_value_of_a_response_that_is_wrong_itself_is_no_second_difference()
    {
        var model = Learn(i => [Json($$"""{"user":"ann","id":"{{Id(i)}}"}""", step: 1), Json($$"""{"note":"of {{Id(i)}}"}""", step: 2)], 3);
        Assert.Equal(1, Assert.Single(model.Compare(RunOf(Json("""{"user":"","id":"feed7777"}""", step: 1), Json("""{"note":"of beef8888"}""", step: 2)))).Slot.Step);
    }

    [Theory]
    [InlineData("seen at 22:20", true)]
    [InlineData("seen at 22:18", false)]
    [InlineData("seen at 23:19", false)]
    [InlineData("lost at 22:20", false)]
    public void A_clock_that_has_gone_on_is_no_difference(string text, bool fits)
    {
        var model = Learn(_ => [Json("""{"text":"seen at 22:19"}""")], 3);
        Assert.Equal(fits, model.Compare(RunOf(Json($$"""{"text":"{{text}}"}"""))).Count == 0);
    }

    [Fact]
    public void The_mark_of_a_version_is_not_what_it_marks()
    {
        var model = Learn(_ => [Json("""{"revision":2,"text":"tea"}""")], 3);
        Assert.Empty(model.Compare(RunOf(Json("""{"revision":0,"text":"tea"}"""))));
        Assert.Single(model.Compare(RunOf(Json("""{"revision":2,"text":"mate"}"""))));
    }

    [Fact]
    public void An_id_that_is_a_number_is_a_name_and_not_an_amount()
    {
        var model = Learn(i => [Json($$"""{"id":{{i + 1}}}""", step: 1), Json($$"""{"id":{{i + 1}},"text":"a"}""", step: 2)], 3);
        Assert.False(model.Grows);
        Assert.Empty(model.Compare(RunOf(Json("""{"id":40}""", step: 1), Json("""{"id":40,"text":"a"}""", step: 2))));
        Assert.Single(model.Compare(RunOf(Json("""{"id":40}""", step: 1), Json("""{"id":39,"text":"a"}""", step: 2))));
    }

    [Fact]
    public void A_number_that_grows_with_every_run_must_have_grown_by_as_much()
    {
        var model = Learn(i => [Json($$"""{"visits":{{10 + 3 * i}}}""")], 3);
        Assert.True(model.Grows);
        var before = RunOf(Json("""{"visits":100}"""));
        Assert.Empty(model.Compare(RunOf(Json("""{"visits":103}""")), before));
        Assert.Single(model.Compare(RunOf(Json("""{"visits":102}""")), before));
    }

    [Fact]
    public void An_array_whose_order_varies_is_compared_as_a_set()
    {
        string[] orders = ["[1,2,3]", "[3,1,2]", "[2,3,1]"];
        var model = Learn(i => [Json(orders[i])], 3);
        Assert.Empty(model.Compare(RunOf(Json("[3,2,1]"))));
        Assert.NotEmpty(model.Compare(RunOf(Json("[3,2,4]"))));
    }

    [Fact]
    public void Of_a_list_that_grows_the_own_items_must_be_there_once()
    {
        static string Log(int others, string own) => "[" + string.Join(',', Enumerable.Range(0, others).Select(i => $$"""{"by":"x{{i}}"}""").Append(own)) + "]";
        const string Own = """{"by":"me"}""";
        var model = Learn(i => [Json(Log(i, Own))], 3);
        Assert.Empty(model.Compare(RunOf(Json(Log(8, Own))), RunOf(Json(Log(7, Own)))));
        Assert.Contains(model.Compare(RunOf(Json(Log(8, """{"by":"nobody"}"""))), RunOf(Json(Log(7, Own)))), d => d.Place == "json:$[*]");
        Assert.Contains(model.Compare(RunOf(Json(Log(8, Own + "," + Own))), RunOf(Json(Log(8, Own)))), d => d.Place == "json:$[*]");
    }

    [Fact]
    public void Ports_and_times_are_no_differences()
    {
        var model = Learn(_ => [Json("""{"at":"2026-01-02T03:04:05Z","self":"http://127.0.0.1:22222/x","took":"3 ms"}""")], 3);
        Assert.Empty(model.Compare(RunOf(Json("""{"at":"2026-01-02T03:04:06Z","self":"http://127.0.0.1:22223/x","took":"12 ms"}"""))));
        Assert.NotEmpty(model.Compare(RunOf(Json("""{"at":"2026-01-02T03:04:06Z","self":"http://127.0.0.1:22223/y","took":"12 ms"}"""))));
    }

    [Fact]
    public void A_status_that_varies_makes_the_twins_unsteady()
    {
        var model = Learn(i => [Json("{}", step: 1), Json("{}", step: 2, status: i == 0 ? 201 : 409)], 3);
        Assert.Equal(2, model.Unsteady?.Step);
        Assert.Null(Learn(_ => [Json("{}")], 3).Unsteady);
    }

    [Fact]
    public void A_step_that_was_sent_again_gives_later_steps_its_new_id()
    {
        var model = Learn(i => [Json($$"""{"id":"{{Id(i)}}"}""", step: 1), Json($$"""{"of":"{{Id(i)}}"}""", step: 2)], 3);
        Assert.Empty(model.Compare(RunOf(Json("""{"id":"aaaa1111"}""", step: 1), Json("""{"id":"bbbb2222"}""", step: 1, occurrence: 1), Json("""{"of":"bbbb2222"}""", step: 2))));
    }

    [Fact]
    public void Noise_that_is_learned_later_counts_too()
    {
        var noise = new Noise(_ => false);
        var model = TwinModel.Learn([RunOf(Json("""{"ab":"A"}""")), RunOf(Json("""{"ab":"A"}"""))], noise);
        Assert.Single(model.Compare(RunOf(Json("""{"ab":"B"}"""))));
        noise.Add(1, "json:$.ab");
        Assert.Empty(model.Compare(RunOf(Json("""{"ab":"B"}"""))));
    }

    [Fact]
    public void What_is_known_to_vary_by_itself_is_not_constant_because_it_was_the_same_in_three_runs()
    {
        string[] seen = ["""{"ab":"A","list":["x","y"],"name":"ann"}""", """{"ab":"B","list":["y","x"],"name":"ann"}""", """{"ab":"A","list":["x","y"],"name":"ann"}"""];
        var main = Learn(i => [Json(seen[i])], 3);
        Run[] same = [.. Enumerable.Range(0, 3).Select(_ => RunOf(Json(seen[0]), Json(seen[0], occurrence: 1)))];
        var model = TwinModel.Learn(same, new Noise(_ => false), main);
        Assert.Empty(model.Compare(RunOf(Json(seen[0]), Json(seen[1], occurrence: 1))));
        Assert.Equal(2, TwinModel.Learn(same, new Noise(_ => false)).Compare(RunOf(Json(seen[0]), Json(seen[1], occurrence: 1))).Select(d => d.Place.Split('[')[0]).Distinct().Count());
        Assert.Equal(["json:$.ab", "json:$.name"], model.Compare(RunOf(Json("""{"list":["x","y"],"name":"bob"}"""))).Select(d => d.Place).Order());
    }

    [Fact]
    public void What_never_came_in_the_undisturbed_scenario_is_of_another_state_and_not_chance()
    {
        var main = Learn(i => [Json($$"""{"note":"Order {{Id(i)}} placed"}""")], 3);
        Run[] same = [.. Enumerable.Range(0, 3).Select(_ => RunOf(Json("""{"note":"No order yet"}""")))];
        var model = TwinModel.Learn(same, new Noise(_ => false), main);
        Assert.Empty(model.Compare(same[0]));
        Assert.Equal("json:$.note", Assert.Single(model.Compare(RunOf(Json($$"""{"note":"Order {{Id(4)}} placed"}""")))).Place);
    }

    [Fact]
    public void What_comes_and_goes_by_itself_may_have_been_there_or_away_in_three_runs()
    {
        string[] seen = ["""{"name":"ann","news":"x","list":["a","ad"]}""", """{"name":"ann","list":["a"]}""", """{"name":"ann","news":"x","list":["a","ad"]}"""];
        var main = Learn(i => [Json(seen[i])], 3);
        foreach (var (all, other) in new[] { (seen[0], seen[1]), (seen[1], seen[0]) })
        {
            Run[] same = [.. Enumerable.Range(0, 3).Select(_ => RunOf(Json(all)))];
            Assert.Empty(TwinModel.Learn(same, new Noise(_ => false), main).Compare(RunOf(Json(other))));
            Assert.NotEmpty(TwinModel.Learn(same, new Noise(_ => false)).Compare(RunOf(Json(other))));
        }
    }

    [Fact]
    public void Names_without_number_that_are_new_in_every_run_are_compared_in_time()
    {
        var random = new Random(1);
        string Body() => "{" + string.Join(',', Enumerable.Range(0, 20_000).Select(_ => $"\"k1 {new string([.. Enumerable.Range(0, 8).Select(_ => (char)('a' + random.Next(26)))])}\":1")) + "}";
        var time = System.Diagnostics.Stopwatch.StartNew();
        Learn(_ => [Json(Body())], 3).Compare(RunOf(Json(Body())));
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 60);
    }

    private static string Id(int i) => $"dead{i}{i}{i}{i}";

    private static TwinModel Learn(Func<int, Observation[]> run, int runs) =>
        TwinModel.Learn([.. Enumerable.Range(0, runs).Select(i => RunOf(run(i)))], new Noise(_ => false));

    private static Run RunOf(params Observation[] observations) => new(observations);

    private static Observation Json(string body, int step = 1, int occurrence = 0, int status = 200)
    {
        var answer = new Answer(status, [new("Content-Type", "application/json")], Encoding.UTF8.GetBytes(body), false);
        var request = new SentRequest("GET", new Uri("http://127.0.0.1:22222/"), [], default);
        var sent = new Step { Number = step, Name = "step", Method = "GET", Target = "/" };
        return new Observation(new Slot(step, occurrence), new Exchange(sent, 0, request, answer, null, null, TimeSpan.Zero), s_normal);
    }
}

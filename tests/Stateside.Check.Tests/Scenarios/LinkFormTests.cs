using System.Text;
using Stateside.Check.Conversations;
using Stateside.Check.Experiments;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Scenarios;

/// <summary>How links are found again in pages that are not quite as they were recorded, and what steps say of themselves.</summary>
public sealed class LinkFormTests
{
    [Fact]
    public void A_link_is_found_by_its_form_wherever_it_stands()
    {
        var forms = new LinkForms();
        Assert.Equal("html:link[/notes/*]", forms.Next("/notes/17"));
        Assert.Equal("html:link[/notes/*#2]", forms.Next("http://localhost:8080/notes/18#top"));
        Assert.Equal("html:link[/wiki.php;id=roses;do=logout;token=*]", forms.Next("/wiki.php?id=roses&do=logout&token=abcdef"));
        string[] links = ["/", "/wiki.php?id=roses&do=edit", "/notes/4", "/wiki.php?id=roses&do=logout&token=zyx", "/notes/3"];
        Assert.Equal("/wiki.php?id=roses&do=logout&token=zyx", LinkForms.Find(links, "/wiki.php;id=roses;do=logout;token=*"));
        Assert.Equal("/notes/3", LinkForms.Find(links, "/notes/*#2"));
        Assert.Null(LinkForms.Find(links, "/notes/*#3"));
    }

    [Fact]
    public void A_part_of_a_link_is_taken_by_the_form_of_the_link()
    {
        var page = Encoding.UTF8.GetBytes("<a href='/help'>Help</a><a href='/notes/77/edit'>Edit</a><a href='/out?key=k9&amp;do=leave'>Leave</a>");
        var step = new Step { Number = 1, Name = "look", Method = "GET", Target = "/" };
        var seen = new Exchange(step, 0, null, new Answer(200, [new("Content-Type", "text/html")], page, false), null, null, TimeSpan.Zero);
        Assert.Equal("77", Places.Find(seen, "html:link[/notes/*/edit]/1"));
        Assert.Equal("k9", Places.Find(seen, "html:link[/out;key=*;do=leave]?key"));
        Assert.Null(Places.Find(seen, "html:link[/notes/*]/1"));
    }

    [Fact]
    public void One_script_for_all_says_in_a_parameter_what_a_step_does()
    {
        var login = Step(1, "POST", "/index.php?title=Special:UserLogin&returnto=Main", "a=1");
        var field = Step(2, "POST", "/doku.php", "id=start&do=login&u=ann&p=x");
        var shown = Step(3, "POST", "/in", "name=ann&geheim=x");
        var search = Step(4, "POST", "/search", "next=login&q=how+to+log+in");
        var logout = Step(5, "GET", "/doku.php?id=start&do=logout", null);
        var scenario = new Scenario("x.http", [login, field, shown, search, logout], new Dictionary<string, string>(), []);
        var traits = Traits.Of(scenario, new HashSet<string> { "geheim" });
        Assert.Equal([1, 2, 3], traits.Logins.Order());
        Assert.Equal([5], traits.Logouts.Order());
    }

    private static Step Step(int number, string method, string target, string? body) => new()
    {
        Number = number,
        Name = target,
        Method = method,
        Target = target,
        Headers = body is null ? [] : [new("Content-Type", "application/x-www-form-urlencoded")],
        Body = body is null ? null : new StepBody(body, null),
    };
}

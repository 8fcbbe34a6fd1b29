using Microsoft.Extensions.Configuration;

namespace Stateside.Configuration.Tests;

public sealed class ReadingTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "Store": null, "AssumeDurable": null, "States": {}, "Session": null, "Limits": { "MaxTurns": null } }""")]
    [InlineData("""{ "States": { "cart": { "Expires": null } } }""")]
    [InlineData("""{ "States": { "cart": { "Expires": "" } } }""")]
    public void An_entry_that_says_nothing_has_its_default(string json)
    {
        var (model, faults) = Given.Read(Given.Shop(json));

        Assert.Empty(faults);
        Assert.Equal("sqlite:stateside.db", model.StoreUrl);
        Assert.False(model.AssumeDurable);
        Assert.Equal(new SessionModel("id", TimeSpan.FromHours(12), TimeSpan.FromDays(7), false), model.Session);
        Assert.Equal(new IdempotencyModel(false, TimeSpan.FromDays(1), TimeSpan.FromSeconds(30), 262_144), model.Idempotency);
        Assert.Equal(new LimitsModel(1_024, 256, 10, 1_048_576, 8_388_608), model.Limits);
        Assert.Equal(64 * 1024 * 1024, model.CacheMaxBytes);
        Assert.Equal([Place.Store, Place.Store], [model.Places["cart"], model.Places["order"]]);
        Assert.Equal(new StateModel(null, 1_048_576), model.States["cart"]);
    }

    [Fact]
    public void Every_entry_is_read()
    {
        var (model, faults) = Given.Read(Given.Shop("""
            {
              "Store": "memory:", "AssumeDurable": true,
              "States": { "cart": { "Place": "store", "Expires": "7.00:00:00", "MaxBytes": 2000, "MaxAge": "00:00:05", "Cache": true }, "order": {} },
              "Cache": { "MaxBytes": 6 },
              "Session": { "Cookie": "shop", "IdleTimeout": "00:30:00", "AbsoluteTimeout": "1.00:00:00", "AllowCrossSite": true },
              "Idempotency": { "Strict": true, "Retention": "2.00:00:00", "ClaimLease": "00:01:00", "MaxStoredBytes": 3000 },
              "Limits": { "MaxTurns": 1, "MaxQueue": 2, "MaxRuns": 3, "RequestBytes": 4, "ResponseBytes": 5 }
            }
            """));

        Assert.Empty(faults);
        Assert.Equal(("memory:", true), (model.StoreUrl, model.AssumeDurable));
        Assert.Equal(new SessionModel("shop", TimeSpan.FromMinutes(30), TimeSpan.FromDays(1), true), model.Session);
        Assert.Equal(new IdempotencyModel(true, TimeSpan.FromDays(2), TimeSpan.FromMinutes(1), 3000), model.Idempotency);
        Assert.Equal(new LimitsModel(1, 2, 3, 4, 5), model.Limits);
        Assert.Equal(6, model.CacheMaxBytes);
        Assert.Equal(Place.Store, model.Places["cart"]);
        Assert.Equal(new StateModel(TimeSpan.FromDays(7), 2000) { MaxAge = TimeSpan.FromSeconds(5), IsCached = true }, model.States["cart"]);
        Assert.Equal(new StateModel(null, 1_048_576), model.States["order"]);
    }

    [Fact]
    public void Names_are_compared_without_case_as_configuration_does()
    {
        var (model, faults) = Given.Read(Given.Shop("""{ "states": { "CART": { "maxbytes": 7 } }, "SESSION": { "cookie": "x" } }"""));

        Assert.Empty(faults);
        Assert.Equal((7, "x"), (model.States["cart"].MaxBytes, model.Session.CookieName));
    }

    /// <summary>What is in the table and is not read would be a switch without a wire.</summary>
    [Fact]
    public void A_wrong_value_of_any_entry_in_the_table_is_found_where_it_stands()
    {
        // The store's URL is judged when the store is made, with the text of its provider (see StoreTests).
        foreach (var entry in ConfigurationEntries.All.Where(e => e != ConfigurationEntries.Store))
        {
            var path = "Stateside:" + entry.Path.Replace("*", "cart", StringComparison.Ordinal);
            var section = new ConfigurationBuilder().AddInMemoryCollection([new(path, "n o n s e n s e")]).Build().GetSection("Stateside");
            var builder = new Microsoft.Extensions.DependencyInjection.ServiceCollection().AddStatesideEngine(section).AddState("cart", ShopJson.Default.Cart);

            var fault = Assert.Single(Given.Read(builder).Faults);
            // Of a secret nothing is repeated.
            Assert.Contains(entry is SecretsEntry ? $" {path} is not what it must be" : $" {path} is \"n o n s e n s e\"", fault, StringComparison.Ordinal);
            Assert.Equal(entry is not SecretsEntry, fault.Contains("n o n s e n s e", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Every_default_in_the_table_is_a_value_of_its_entry()
    {
        foreach (var entry in ConfigurationEntries.All.Where(e => e.DefaultText is not null))
        {
            var path = "Stateside:" + entry.Path.Replace("*", "cart", StringComparison.Ordinal);
            var section = new ConfigurationBuilder().AddInMemoryCollection([new(path, entry.DefaultText)]).Build().GetSection("Stateside");
            var builder = new Microsoft.Extensions.DependencyInjection.ServiceCollection().AddStatesideEngine(section).AddState("cart", ShopJson.Default.Cart);

            var (model, faults) = Given.Read(builder);

            Assert.Empty(faults);
            var plain = Given.Read(Given.Builder().AddState("cart", ShopJson.Default.Cart)).Model;
            Assert.Equal(
                (plain.StoreUrl, plain.AssumeDurable, plain.Session, plain.Idempotency, plain.Limits, plain.States["cart"], plain.Places["cart"]),
                (model.StoreUrl, model.AssumeDurable, model.Session, model.Idempotency, model.Limits, model.States["cart"], model.Places["cart"]));
        }
    }

    [Theory]
    [InlineData("00:00:01", true)]
    [InlineData("365.00:00:00", true)]
    [InlineData("00:00:00.999", false)]
    [InlineData("365.00:00:00.001", false)]
    [InlineData("-00:00:05", false)]
    [InlineData("30", false)]
    [InlineData("24:00:00", false)]
    [InlineData("12 h", false)]
    [InlineData("", false)]
    public void A_duration_has_a_colon_and_hours_up_to_23_and_lies_in_its_range(string text, bool good)
    {
        var parsed = ConfigurationEntries.IdempotencyRetention.TryParse(text, out _);
        Assert.Equal(good, parsed);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("1000", true)]
    [InlineData("0", false)]
    [InlineData("1001", false)]
    [InlineData("-1", false)]
    [InlineData("+5", false)]
    [InlineData("5.0", false)]
    [InlineData("5,0", false)]
    [InlineData("99999999999", false)]
    [InlineData("", false)]
    public void A_number_is_whole_and_lies_in_its_range(string text, bool good) =>
        Assert.Equal(good, ConfigurationEntries.LimitsMaxRuns.TryParse(text, out _));

    [Theory]
    [InlineData("id", true)]
    [InlineData("a!#$%&'*+-.^_`|~Z9", true)]
    [InlineData("__shop", true)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("a=b", false)]
    [InlineData("a;b", false)]
    [InlineData("kürbis", false)]
    [InlineData("a\r\nSet-Cookie: x", false)]
    [InlineData("__Host-id", false)]
    [InlineData("__host-id", false)]
    [InlineData("__SECURE-id", false)]
    [InlineData("__Http-id", false)]
    public void CKI_03_the_cookie_name_is_a_token_without_a_prefix_that_browsers_judge(string name, bool good) =>
        Assert.Equal(good, ConfigurationEntries.SessionCookie.TryParse(name, out _));

    [Fact]
    public void A_cookie_name_has_at_most_64_characters()
    {
        Assert.True(ConfigurationEntries.SessionCookie.TryParse(new string('a', 64), out _));
        Assert.False(ConfigurationEntries.SessionCookie.TryParse(new string('a', 65), out _));
    }

    [Theory]
    [InlineData("Client", true)]
    [InlineData("node", true)]
    [InlineData("1", false)]
    [InlineData("Client, Node", false)]
    [InlineData("", false)]
    public void A_place_is_one_of_the_three_names(string text, bool good) =>
        Assert.Equal(good, ConfigurationEntries.StatePlace.TryParse(text, out _));
}

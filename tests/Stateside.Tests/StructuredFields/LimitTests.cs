using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Stateside.AspNetCore.StructuredFields;

namespace Stateside.Tests.StructuredFields;

public class LimitTests
{
    [Theory]
    [InlineData("a,", StructuredField.MaxMembers)]
    [InlineData("();b=2,", StructuredField.MaxMembers)]
    public void A_list_may_have_as_many_members_as_the_RFC_asks_for_and_no_more(string member, int most)
    {
        Assert.True(StructuredField.TryParseList(Repeat(member, most).TrimEnd(','), out _));
        Assert.False(StructuredField.TryParseList(Repeat(member, most + 1).TrimEnd(','), out _));
    }

    [Fact]
    public void An_inner_list_and_parameters_and_a_dictionary_are_bounded_too()
    {
        Assert.True(StructuredField.TryParseList($"({Repeat("a ", 256)})", out _));
        Assert.False(StructuredField.TryParseList($"({Repeat("a ", 257)})", out _));
        Assert.True(StructuredField.TryParseItem("1" + Numbered(256, i => $";k{i}"), out _));
        Assert.False(StructuredField.TryParseItem("1" + Numbered(257, i => $";k{i}"), out _));
        Assert.True(StructuredField.TryParseDictionary(Numbered(1024, i => $"k{i},").TrimEnd(','), out _));
        Assert.False(StructuredField.TryParseDictionary(Numbered(1025, i => $"k{i},").TrimEnd(','), out _));
    }

    [Fact]
    public void A_field_that_is_too_long_is_refused_before_it_is_read()
    {
        Assert.True(StructuredField.TryParseItem($"\"{Repeat("a", StructuredField.MaxLength - 2)}\"", out _));
        var tooLong = Repeat("a", StructuredField.MaxLength + 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var accepted = StructuredField.TryParseItem(tooLong, out _);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.False(accepted);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Any_text_is_refused_or_parsed_to_what_can_be_written_and_never_throws()
    {
        var grammar = Gen.Elements([.. "\"\\:?@%()=;,*-+./ \t\0\u007f\u00e9\ud83daAzZ019"]);
        var text = Gen.Select(Gen.ListOf(grammar), characters => new string([.. characters]));
        Prop.ForAll(Arb.From(text), t =>
            (!StructuredField.TryParseItem(t, out var item) || StructuredField.TrySerialize(item, out _))
            && (!StructuredField.TryParseList(t, out var list) || StructuredField.TrySerialize(list, out _))
            && (!StructuredField.TryParseDictionary(t, out var dictionary) || StructuredField.TrySerialize(dictionary, out _))).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    [Fact]
    public void What_is_written_parses_back_and_is_written_the_same_again()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            foreach (var value in new[] { BareItem.String(text ?? ""), BareItem.DisplayString(text ?? ""), BareItem.Token(text ?? ""), BareItem.ByteSequence(Encoding.UTF8.GetBytes(text ?? "")) })
            {
                if (!StructuredField.TrySerialize(new Item(value), out var field)) continue;
                if (!StructuredField.TryParseItem(field, out var item) || item.Value.Type != value.Type || item.Value.Text != value.Text) return false;
                if (!item.Value.Bytes.Span.SequenceEqual(value.Bytes.Span)) return false;
            }
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
        Prop.ForAll(ArbMap.Default.ArbFor<long>(), ArbMap.Default.ArbFor<byte>(), (number, scale) =>
        {
            var value = number % 999_999_999_999 / (decimal)Math.Pow(10, scale % 4);
            return StructuredField.TrySerialize(new Item(BareItem.Decimal(value)), out var field)
                && StructuredField.TryParseItem(field, out var item) && item.Value.Type == BareItemType.Decimal && item.Value.Number == value;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private static string Numbered(int count, Func<int, string> text) => string.Concat(Enumerable.Range(0, count).Select(text));
}

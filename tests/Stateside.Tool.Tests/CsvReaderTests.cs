using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Stateside.Tool.Replay;

namespace Stateside.Tool.Tests;

public sealed class CsvReaderTests
{
    private static List<string[]> Read(string text)
    {
        var reader = new CsvReader(new StringReader(text));
        var (records, fields) = (new List<string[]>(), new List<string>());
        while (reader.Read(fields)) records.Add([.. fields]);
        return records;
    }

    [Theory]
    [InlineData("a,b\nc,d\n", "a|b;c|d")]
    [InlineData("a,b\r\nc,d", "a|b;c|d")]
    [InlineData("a,,\n,b,\n", "a||;|b|")]
    [InlineData("\"a,1\",\"say \"\"hi\"\"\"\n", "a,1|say \"hi\"")]
    [InlineData("\"two\r\nlines\",x\n", "two\r\nlines|x")]
    [InlineData("\"\",\"\"\n", "|")]
    [InlineData("a\rb,c\n", "a\rb|c")]
    [InlineData("a,\"b\"\r", "a|b")]
    [InlineData("", "")]
    public void Records_are_read_as_RFC_4180_has_them(string text, string expected) =>
        Assert.Equal(expected, string.Join(';', Read(text).Select(r => string.Join('|', r))));

    [Theory]
    [InlineData("a\nb\"c\n", "record 2 has a quote inside a field")]
    [InlineData("\"a\"b\n", "record 1 has text after a closing quote")]
    [InlineData("x\n\"a\n", "record 2 has a quote that is never closed")]
    public void What_is_not_of_this_form_is_refused_by_its_record(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<FormatException>(() => Read(text)).Message);

    [Fact]
    public void A_field_without_end_is_refused_before_it_fills_the_memory()
    {
        var endless = new StringBuilder("\"").Append('x', CsvReader.MaxFieldLength + 1).ToString();
        Assert.Contains("longer than", Assert.Throws<FormatException>(() => Read(endless)).Message);
    }

    [Fact]
    public void Every_text_survives_being_written_and_read_also_across_the_ends_of_buffers()
    {
        var text = Gen.ArrayOf(Gen.Elements('a', ',', '"', '\r', '\n', ' ', 'ö', '\0')).Select(c => new string(c));
        var records = Gen.NonEmptyListOf(Gen.NonEmptyListOf(text));
        FsCheck.Check.QuickThrowOnFailure(Prop.ForAll(Arb.From(records), Arb.From(Gen.Choose(0, 40_000)), (written, padding) =>
        {
            // A long first field moves everything behind it over the edge of the reader's buffer.
            var all = written.Select(r => r.ToArray()).Prepend([new string('p', padding)]).ToList();
            var file = string.Concat(all.Select(r => string.Join(',', r.Select(f => $"\"{f.Replace("\"", "\"\"")}\"")) + "\r\n"));
            return Read(file).Zip(all).All(pair => pair.First.SequenceEqual(pair.Second)) && Read(file).Count == all.Count;
        }));
    }
}

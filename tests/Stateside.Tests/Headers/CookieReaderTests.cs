using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Primitives;
using Stateside.AspNetCore.Http;

namespace Stateside.Tests.Headers;

public class CookieReaderTests
{
    private const string Name = "__Host-x";

    [Theory]
    [InlineData("__Host-x=v", "v")]
    [InlineData("a=1; __Host-x=v; b=2", "v")]
    [InlineData("a=1;__Host-x=v;b=2", "v")]
    [InlineData("a=1;\t__Host-x=v", "v")]
    [InlineData("__Host-x=", "")]
    public void One_cookie_of_the_name_is_found_wherever_it_stands(string header, string expected) => Found(header, expected);

    [Theory]
    [InlineData("")]
    [InlineData(";;; ;=;")]
    [InlineData("__Host-x")]
    [InlineData("__Host-xy=v; a__Host-x=v; __Host-=v")]
    [InlineData("a=__Host-x=v")]
    public void Other_cookies_are_not_it(string header) => Absent(header);

    [Theory]
    [InlineData("__Host-x=\"v\"", "\"v\"")]
    [InlineData("__Host-x=a=b==", "a=b==")]
    [InlineData("=empty; =; __Host-x=v; nameless", "v")]
    [InlineData("\u00e9\u00ff=\u00fe; __Host-x=\u00e9", "\u00e9")]
    [InlineData("a=\"unclosed; __Host-x=v", "v")]
    public void CKI_08_quotes_equals_signs_empty_names_and_8_bit_bytes_are_taken_as_they_are(string header, string expected) => Found(header, expected);

    [Fact]
    public void CKI_08_no_header_whatever_throws()
    {
        var piece = Gen.Elements("__Host-x", "=", ";", " ", "\"", "\\", ",", "\0", "\u00ff", "\ud83d", "a", "$Version=1", "\r\n");
        Prop.ForAll(Arb.From(Gen.Select(Gen.ListOf(piece), p => string.Concat(p))), header =>
        {
            var match = CookieReader.Find(header, Name, out var value);
            return match == CookieMatch.One ? header.Contains("__Host-x=" + value, StringComparison.Ordinal) : value == "";
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    [Theory]
    [InlineData("__Host-x=a; __Host-x=b")]
    [InlineData("__Host-x=a; b=1; __Host-x=a")]
    [InlineData("__Host-x=; __Host-x=a")]
    public void OWA_11_several_cookies_of_the_name_are_refused_even_if_they_are_equal(string header)
    {
        Assert.Equal(CookieMatch.Many, CookieReader.Find(header, Name, out var value));
        Assert.Equal("", value);
    }

    [Fact]
    public void OWA_11_several_header_lines_count_as_one()
    {
        Assert.Equal(CookieMatch.Many, CookieReader.Find(new StringValues(["__Host-x=a", "__Host-x=a"]), Name, out _));
        Assert.Equal(CookieMatch.One, CookieReader.Find(new StringValues(["a=1", "__Host-x=v", null]), Name, out var value));
        Assert.Equal("v", value);
    }

    [Theory]
    [InlineData("__host-x=v")]
    [InlineData("__HOST-X=v")]
    [InlineData("\u2000__Host-x=v")]
    [InlineData("a=1; \u00a0__Host-x=v")]
    [InlineData("__Host-x =v")]
    public void CKI_03_another_spelling_of_the_name_is_another_cookie(string header)
    {
        Absent(header);
        Found(header + "; __Host-x=real", "real");
    }

    [Fact]
    public void LIM_01_ten_thousand_cookies_are_read_in_one_pass_without_a_byte_allocated_for_them()
    {
        var header = new StringValues(string.Join("; ", Enumerable.Range(0, 10_000).Select(i => $"__Host-{i}=__Host-x=v")));
        CookieReader.Find(header, Name, out _);
        var (before, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
        var match = CookieReader.Find(header, Name, out _);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(CookieMatch.None, match);
        Assert.Equal(0, allocated);
        // One pass takes well under a millisecond; a quadratic one would take many seconds.
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 2);
    }

    private static void Found(string header, string expected)
    {
        Assert.Equal(CookieMatch.One, CookieReader.Find(header, Name, out var value));
        Assert.Equal(expected, value);
    }

    private static void Absent(string header)
    {
        Assert.Equal(CookieMatch.None, CookieReader.Find(header, Name, out var value));
        Assert.Equal("", value);
    }
}

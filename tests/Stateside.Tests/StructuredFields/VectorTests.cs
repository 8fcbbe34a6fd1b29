namespace Stateside.Tests.StructuredFields;

/// <summary>
/// Every vector of the HTTP working group: what must parse parses to what is expected and is written canonically, what
/// must fail fails. A case that may fail ("can_fail") is accepted here in every instance, and held to it.
/// </summary>
public class VectorTests
{
    /// <summary>File and number of cases, so that a file which is missing, emptied or cut fails (VEC-01).</summary>
    public static TheoryData<string, int> Files => new()
    {
        { "binary.json", 15 },
        { "boolean.json", 12 },
        { "date.json", 17 },
        { "dictionary.json", 26 },
        { "display-string.json", 22 },
        { "examples.json", 21 },
        { "item.json", 5 },
        { "key-generated.json", 640 },
        { "large-generated.json", 11 },
        { "list.json", 11 },
        { "listlist.json", 12 },
        { "number-generated.json", 193 },
        { "number.json", 37 },
        { "param-dict.json", 14 },
        { "param-list.json", 20 },
        { "param-listlist.json", 3 },
        { "string-generated.json", 256 },
        { "string.json", 14 },
        { "token-generated.json", 256 },
        { "token.json", 6 },
    };

    [Theory, MemberData(nameof(Files))]
    public void VEC_02_every_parsing_vector_is_executed_and_holds(string file, int count)
    {
        var cases = VectorCase.ReadAll(file);
        Assert.Equal(count, cases.Length);
        Assert.All(cases, c => Assert.Equal((c.Name, c.MustFail ? null : c.Expected()), (c.Name, c.Parse())));
    }

    [Theory, MemberData(nameof(Files))]
    public void What_parses_is_written_in_its_canonical_form(string file, int count)
    {
        var cases = VectorCase.ReadAll(file).Where(c => !c.MustFail).ToArray();
        Assert.InRange(cases.Length, 1, count);
        Assert.All(cases, c => Assert.Equal((c.Name, c.Canonical), (c.Name, c.TrySerialize(out var field) ? field : null)));
    }

    public static TheoryData<string, int> SerialisationFiles => new()
    {
        { "serialisation-tests/key-generated.json", 378 },
        { "serialisation-tests/number.json", 9 },
        { "serialisation-tests/string-generated.json", 33 },
        { "serialisation-tests/token-generated.json", 124 },
    };

    [Theory, MemberData(nameof(SerialisationFiles))]
    public void VEC_02_every_serialisation_vector_is_executed_and_holds(string file, int count)
    {
        var cases = VectorCase.ReadAll(file);
        Assert.Equal(count, cases.Length);
        Assert.All(cases, c => Assert.Equal((c.Name, c.MustFail ? null : c.Canonical), (c.Name, c.TrySerialize(out var field) ? field : null)));
    }

    [Fact]
    public void VEC_01_no_file_is_left_out()
    {
        var root = Repository.Vectors("structured-fields");
        var there = Directory.GetFiles(root, "*.json", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(root, f).Replace('\\', '/'));
        var executed = Files.Concat(SerialisationFiles).Select(row => (string)row[0]);
        Assert.Equal(there.Order(StringComparer.Ordinal), executed.Order(StringComparer.Ordinal));
    }
}

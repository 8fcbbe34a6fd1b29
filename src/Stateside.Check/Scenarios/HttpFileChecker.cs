namespace Stateside.Check.Scenarios;

/// <summary>Looks whether all expressions of a <c>.http</c> file can be filled in, so that a misspelt name is found before anything is sent.</summary>
internal sealed class HttpFileChecker(string file, Dictionary<string, string> variables, Dictionary<string, int> variableLines, Corrections corrections)
{
    private readonly HashSet<string> _sent = [];
    private readonly HashSet<string> _checkedVariables = [];

    /// <summary>Checks the steps in order.</summary>
    /// <exception cref="ScenarioException">An expression cannot be filled in.</exception>
    public void Check(IReadOnlyList<(Step Step, int Line)> steps)
    {
        var names = steps.Select(s => s.Step.Name).ToHashSet();
        foreach (var (step, line) in steps)
        {
            foreach (var template in Templates(step)) Check(template, line, step.Number, names, 0);
            _sent.Add(step.Name);
        }
    }

    private static IEnumerable<string> Templates(Step step)
    {
        yield return step.Target;
        foreach (var header in step.Headers) yield return header.Value;
        if (step.Body?.Template is { } text) yield return text;
        foreach (var piece in step.Body?.Pieces ?? [])
            if (piece.Template is { } part) yield return part;
    }

    private void Check(string template, int line, int number, HashSet<string> names, int depth)
    {
        if (depth > 20) throw Fault(line, "a variable is defined by itself");
        foreach (var part in Template.Parse(template))
        {
            if (!part.IsExpression) continue;
            Expression e;
            try { e = Expression.Parse(part.Text); }
            catch (FormatException fault) { throw Fault(line, fault.Message); }
            if (e.Kind is ExpressionKind.Response or ExpressionKind.Request) CheckStep(e.Name, line, names);
            else if (e.Kind == ExpressionKind.Variable && !corrections.Correlate.Any(c => c.Name == e.Name && c.Step < number)) CheckVariable(e.Name, line, number, names, depth);
        }
    }

    private void CheckStep(string name, int line, HashSet<string> names)
    {
        if (_sent.Contains(name)) return;
        throw Fault(line, names.Contains(name)
            ? $"'{name}' is sent only after this request; move it to the front"
            : $"no request is called '{name}'; write '# @name {name}' above the one that is meant");
    }

    private void CheckVariable(string name, int line, int number, HashSet<string> names, int depth)
    {
        if (!variables.TryGetValue(name, out var template))
            throw Fault(line, $"nothing is called '{name}'; define it with '@{name} = value' or --var {name}=VALUE, or, if a response holds it, write {{{{request.response.body.$.{name}}}}}");
        if (_checkedVariables.Contains(name)) return;
        Check(template, variableLines.GetValueOrDefault(name, line), number, names, depth + 1);
        _checkedVariables.Add(name);
    }

    private ScenarioException Fault(int line, string what) => new($"{file}:{line}: {what}");
}

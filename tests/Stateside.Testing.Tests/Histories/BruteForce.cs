using Stateside.Testing.Histories;

namespace Stateside.Testing.Tests.Histories;

/// <summary>The definition of linearizable, taken at its word: tries every order of the operations that returned and of any of those of unknown outcome.</summary>
internal static class BruteForce
{
    public static bool IsLinearizable<TState, TInput, TOutput>(History<TInput, TOutput> history, HistoryModel<TState, TInput, TOutput> model)
        where TInput : notnull =>
        CanGoOn(model, model.Initial, [.. history.Operations]);

    private static bool CanGoOn<TState, TInput, TOutput>(HistoryModel<TState, TInput, TOutput> model, TState state, List<Operation<TInput, TOutput>> left)
        where TInput : notnull
    {
        if (left.TrueForAll(o => o.IsOpen)) return true;
        for (var i = 0; i < left.Count; i++)
        {
            var next = left[i];
            // None that is left may have returned before this one was called.
            if (left.Exists(o => o.Return < next.Call) || model.Step(state, next.Input, next.Output) is not (true, var after)) continue;
            if (CanGoOn(model, after, [.. left[..i], .. left[(i + 1)..]])) return true;
        }
        return false;
    }
}

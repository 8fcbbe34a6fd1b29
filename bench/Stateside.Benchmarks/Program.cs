// Measures the turn and the seal by themselves, without HTTP: time and bytes allocated. One run: dotnet run -c Release --project bench/Stateside.Benchmarks
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Stateside.Benchmarks;

// In this process: BenchmarkDotNet would otherwise build a project of its own, under other package rules than this repository's.
var job = Job.ShortRun.WithWarmupCount(10).WithIterationCount(7).WithToolchain(InProcessEmitToolchain.Instance);
BenchmarkSwitcher.FromTypes([typeof(RequestBenchmarks), typeof(TurnBenchmarks), typeof(PieceBenchmarks), typeof(SealBenchmarks)])
    .Run(args, DefaultConfig.Instance.AddJob(job).HideColumns(Column.Error, Column.RatioSD));

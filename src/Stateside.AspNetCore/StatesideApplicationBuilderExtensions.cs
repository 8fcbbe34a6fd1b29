using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Stateside.AspNetCore.Binding;
using Stateside.AspNetCore.Endpoints;
using Stateside.AspNetCore.Forwarding;
using Stateside.AspNetCore.Http;
using Stateside.AspNetCore.Metrics;
using Stateside.AspNetCore.Mvc;
using Stateside.Sqlite;
using Stateside.Stores;

namespace Stateside;

/// <summary>Adds Stateside to an ASP.NET Core application.</summary>
public static class StatesideApplicationBuilderExtensions
{
    /// <summary>The name of the configuration section.</summary>
    public const string Section = "Stateside";

    /// <summary>Adds Stateside, configured by the section <c>Stateside</c>; the states are declared on what it returns. Without a store in the section it is SQLite in <c>stateside.db</c>.</summary>
    public static StatesideBuilder AddStateside(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        var stateside = services.AddStatesideEngine(builder.Configuration.GetSection(Section));
        stateside.Registrar = new StateRegistrar();

        services.AddNodes(builder.Configuration.GetSection(Section));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStoreProvider, SqliteStoreProvider>());
        // A state that was not declared is still no body: without these two, minimal APIs would try to read it from JSON, and their
        // exception would come before the start-up check that says what is missing.
        services.TryAddScoped(typeof(State<>), typeof(State<>));
        services.TryAddScoped(typeof(Snapshot<>), typeof(Snapshot<>));
        services.TryAddScoped<RunScope>();
        services.TryAddScoped(static scope => scope.GetRequiredService<RunScope>().Turn);
        services.TryAddSingleton<EndpointPlans>();
        services.TryAddSingleton<MiddlewareMark>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<ProblemDetailsOptions>, AppliedInProblems>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, EndpointChecks>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<MvcOptions>, StateMvcOptions>());
        services.TryAddSingleton(static provider => new MetricsCollector(provider.GetService<IMeterFactory>()));
        return stateside;
    }

    /// <summary>Puts the turns into the pipeline: after authentication and authorization, before the endpoints.</summary>
    public static IApplicationBuilder UseStateside(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.ApplicationServices.GetRequiredService<MiddlewareMark>().IsUsed = true;
        return app.UseMiddleware<StatesideMiddleware>();
    }

    /// <summary>Refuses requests to the endpoint without an <c>Idempotency-Key</c> (400, SS1002).</summary>
    public static TBuilder RequireIdempotencyKey<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ReceiptMetadata(CallsOutside: false, SafeToRepeat: false));

    /// <summary>
    /// Says that the handler calls the outside world (mail, payment, another service), which no store can commit or undo. The
    /// key is required and claimed before the handler runs; the handler runs once; what breaks off is told as "outcome unknown".
    /// </summary>
    /// <param name="builder">The endpoint.</param>
    /// <param name="safeToRepeat">True if the calls carry an id of the <see cref="Turn"/> by which the other side knows a repetition: then a claim that broke off is taken over by the next retry.</param>
    public static TBuilder CallsOutside<TBuilder>(this TBuilder builder, bool safeToRepeat = false) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ReceiptMetadata(CallsOutside: true, safeToRepeat));
}

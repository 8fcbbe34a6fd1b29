using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ApplicationModels;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.ModelBinding.Metadata;
using Microsoft.AspNetCore.Mvc.ModelBinding.Validation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Stateside.AspNetCore.Mvc;

/// <summary>
/// Makes states and the turn parameters of controllers' actions. Without it a plain controller would try to bind them from the posted body, and a
/// forged body must never become a state. Done last of all configuration, so that no other binder comes first. Applications without MVC never run it.
/// </summary>
internal sealed class StateMvcOptions : IPostConfigureOptions<MvcOptions>
{
    public void PostConfigure(string? name, MvcOptions options)
    {
        options.ModelBinderProviders.Insert(0, new StateBinderProvider());
        options.ModelMetadataDetailsProviders.Add(new StateMetadata());
        options.Conventions.Add(new StateParameters());
    }

    public static bool IsHandle(Type type) =>
        type == typeof(Turn) || type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(State<>) || type.GetGenericTypeDefinition() == typeof(Snapshot<>));
}

/// <summary>A handle is no input whatever attribute stands on it: <c>[FromBody] State&lt;Cart&gt;</c> would break the description of the API, if not more.</summary>
internal sealed class StateParameters : IParameterModelConvention
{
    public void Apply(ParameterModel parameter)
    {
        if (!StateMvcOptions.IsHandle(parameter.ParameterType)) return;
        parameter.BindingInfo ??= new BindingInfo();
        parameter.BindingInfo.BindingSource = BindingSource.Special;
    }
}

/// <summary>Says that a handle is no input, so that it is neither described nor looked into: validating it would read its value.</summary>
internal sealed class StateMetadata : IBindingMetadataProvider, IValidationMetadataProvider
{
    public void CreateBindingMetadata(BindingMetadataProviderContext context)
    {
        if (StateMvcOptions.IsHandle(context.Key.ModelType)) context.BindingMetadata.BindingSource = BindingSource.Special;
    }

    public void CreateValidationMetadata(ValidationMetadataProviderContext context)
    {
        if (StateMvcOptions.IsHandle(context.Key.ModelType)) context.ValidationMetadata.ValidateChildren = false;
    }
}

internal sealed class StateBinderProvider : IModelBinderProvider
{
    public IModelBinder? GetBinder(ModelBinderProviderContext context) =>
        StateMvcOptions.IsHandle(context.Metadata.ModelType) ? new StateBinder(context.BindingInfo.ServiceKey) : null;
}

/// <summary>Takes the handle from the run that the request's services belong to, and from nowhere else.</summary>
internal sealed class StateBinder(object? serviceKey) : IModelBinder
{
    public Task BindModelAsync(ModelBindingContext bindingContext)
    {
        var services = bindingContext.HttpContext.RequestServices;
        var handle = serviceKey is null
            ? services.GetRequiredService(bindingContext.ModelType)
            : services.GetRequiredKeyedService(bindingContext.ModelType, serviceKey);
        bindingContext.ValidationState.Add(handle, new ValidationStateEntry { SuppressValidation = true });
        bindingContext.Result = ModelBindingResult.Success(handle);
        return Task.CompletedTask;
    }
}

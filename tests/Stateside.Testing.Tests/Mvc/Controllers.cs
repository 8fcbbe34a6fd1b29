using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Stateside.Testing.Tests.Support;

namespace Stateside.Testing.Tests.Mvc;

/// <summary>The same actions for both styles of controllers. Virtual, because an action must not be static.</summary>
public abstract class StatesController : Controller
{
    [HttpGet("cart")]
    public virtual ActionResult<Cart> Read(Snapshot<Cart> cart) => cart.Value;

    [HttpPost("cart")]
    public virtual ActionResult<Cart> Add(State<Cart> cart, [FromQuery] int quantity = 1) => cart.Update(c => new Cart(c.Quantity + quantity));

    [HttpPost("both")]
    public virtual ActionResult<Cart> ReadAndAdd(State<Cart> cart, Snapshot<Counter> counter, Turn turn) => cart.Update(c => new Cart(c.Quantity + 1 + counter.Value.Value + turn.Run - 1));

    [HttpPost("orders")]
    public virtual ActionResult<Order> Place([NewKey] State<Order> order, State<Cart> cart, Turn turn)
    {
        var placed = order.Set(new Order(cart.Value.Quantity, turn.Now));
        cart.Delete();
        return CreatedAtAction(nameof(Find), new { id = order.Id }, placed);
    }

    [HttpGet("orders/{id}")]
    public virtual ActionResult<Order> Find([RouteKey("id")] Snapshot<Order> order) => order.Value;

    [HttpPost("profile")]
    public virtual ActionResult<Profile> Rename([UserKey] State<Profile> profile, [FromQuery] string name) => profile.Set(new Profile(name));

    [HttpGet("profile")]
    public virtual ActionResult<Profile> Profile([UserKey] Snapshot<Profile> profile) => profile.Value;

    [HttpPost("move/{from}/{to}")]
    public virtual ActionResult<Counter[]> Copy([RouteKey("from")] Snapshot<Counter> from, [RouteKey("to")] State<Counter> to) =>
        new[] { from.Value, to.Update(c => new Counter(c.Value + from.Value.Value)) };

    [HttpPost("counters/{id}")]
    public virtual ActionResult<Counter> Count([RouteKey("id")] State<Counter> counter) => counter.Update(c => new Counter(c.Value + 1));

    /// <summary>Says in so many words that the body is the state. It must not become true.</summary>
    [HttpPost("asked")]
    public virtual ActionResult<Cart> AskedFor([FromBody] State<Cart> cart) => cart.Update(c => new Cart(c.Quantity + 1));

    [HttpPost("form")]
    public virtual ActionResult<Cart> FromForm(State<Cart> cart, [FromForm] int quantity) => cart.Update(c => new Cart(c.Quantity + quantity));

    [HttpPost("body")]
    public virtual ActionResult<Cart> FromBody(State<Cart> cart, [FromBody] Cart more) => cart.Update(c => new Cart(c.Quantity + more.Quantity));

    [HttpPost("text")]
    public virtual string Text(State<Cart> cart) => $"now {cart.Update(c => new Cart(c.Quantity + 1)).Quantity}";

    [HttpPost("redirect")]
    public virtual IActionResult Away(State<Cart> cart)
    {
        cart.Update(c => new Cart(c.Quantity + 1));
        return RedirectToAction(nameof(Read));
    }

    [HttpPost("cookie")]
    public virtual IActionResult Cookie(State<Cart> cart)
    {
        cart.Update(c => new Cart(c.Quantity + 1));
        Response.Cookies.Append("taste", "sweet");
        Response.Headers.Append("X-Seen", cart.Value.Quantity.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Response.OnStarting(() =>
        {
            Response.Headers.Append("X-Last", "1");
            return Task.CompletedTask;
        });
        return NoContent();
    }

    [HttpPost("refused")]
    public virtual IActionResult Refused(State<Cart> cart)
    {
        cart.Update(c => new Cart(c.Quantity + 1));
        ModelState.AddModelError("quantity", "Too many.");
        return ValidationProblem();
    }

    [HttpPost("file")]
    public virtual IActionResult Download(State<Cart> cart)
    {
        cart.Update(c => new Cart(c.Quantity + 1));
        return File("content"u8.ToArray(), "application/octet-stream", "cart.bin");
    }

    [HttpPost("missing")]
    public virtual IActionResult Missing(State<Cart> cart)
    {
        cart.Update(c => new Cart(c.Quantity + 1));
        return NotFound();
    }

    [HttpPost("typed")]
    public virtual IResult Typed(State<Cart> cart) => TypedResults.Json(cart.Update(c => new Cart(c.Quantity + 1)), statusCode: 202);

    [HttpPost("paid")]
    [RequireIdempotencyKey]
    public virtual ActionResult<Cart> Pay(State<Cart> cart) => cart.Update(c => new Cart(c.Quantity + 1));

    [HttpPost("mailed")]
    [CallsOutside(SafeToRepeat = true)]
    public virtual ActionResult<Cart> Mail(State<Cart> cart) => cart.Update(c => new Cart(c.Quantity + 1));
}

[ApiController, Route("api")]
public sealed class ApiStatesController : StatesController;

[Route("plain"), ApiExplorerSettings(IgnoreApi = false)]
public sealed class PlainStatesController : StatesController;

[ApiController, Route("wrong")]
public class WrongController : ControllerBase
{
    [HttpGet("cart")]
    public virtual Cart Read(State<Cart> cart) => cart.Value;

    [HttpPost("undeclared")]
    public virtual void Undeclared(State<Uri> undeclared) => undeclared.Delete();

    [HttpPost("unrouted/{key}")]
    public virtual void Unrouted([RouteKey("id")] State<Counter> counter) => counter.Delete();
}

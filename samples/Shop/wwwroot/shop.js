// Everything the page does goes through the shop's HTTP contract. Every write carries an Idempotency-Key, so that it
// can be sent again until it is answered without being done twice.

const products = [
  ["85123A", "White hanging heart T-light holder", "2.55"],
  ["71053", "White metal lantern", "3.39"],
  ["84406B", "Cream cupid hearts coat hanger", "2.75"],
  ["22752", "Set of 7 babushka nesting boxes", "7.65"],
  ["21730", "Glass star frosted T-light holder", "4.25"],
  ["22633", "Hand warmer Union Jack", "1.85"],
];
const counterUrl = "/counters/page";
const attempts = 6;
let cartIsEmpty = true;

const $ = id => document.getElementById(id);
const say = text => { $("message").textContent = text; };
const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, "0")).join("");
}

async function read(url) {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
}

// Sends a write until it is answered, always under the same key. Null: nobody answered, and whether it was done is open.
async function write(method, url, body, key = newKey()) {
  const headers = { "Idempotency-Key": `"${key}"` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => null);
    if (response && response.ok) return { ok: true, value: response.status === 204 ? null : await response.json() };
    const problem = response ? await response.json().catch(() => ({})) : {};
    // The first write of a visitor has no session by which a retry could be known: that answer brings one.
    if (problem.type === "urn:stateside:problem:session-required") continue;
    const open = !response || response.status >= 500 || response.headers.has("Retry-After");
    if (!open) return { ok: false, detail: problem.detail ?? `The shop answers ${response.status}.` };
    say("The shop does not answer. Trying again…");
    await wait(Number(response?.headers.get("Retry-After")) * 1000 || 250 * 2 ** attempt);
  }
  return null;
}

function tell(result, done) {
  if (result === null) say("The shop did not answer. Try again later.");
  else say(result.ok ? done : result.detail);
}

function row(...cells) {
  const tr = document.createElement("tr");
  for (const text of cells) tr.appendChild(document.createElement("td")).textContent = text;
  return tr;
}

function showCart(cart) {
  const name = id => products.find(p => p[0] === id)?.[1] ?? id;
  $("lines").replaceChildren(...cart.lines.map(l => row(name(l.product_id), l.quantity, l.unit_price ?? "")));
  $("quantity").textContent = cart.quantity;
  // For the eye only; what an order is worth the shop computes, in decimals.
  $("sum").textContent = cart.lines.reduce((sum, l) => sum + l.quantity * Number(l.unit_price ?? 0), 0).toFixed(2);
  cartIsEmpty = cart.lines.length === 0;
  enable();
}

function enable() {
  $("order").disabled = $("clear").disabled = cartIsEmpty;
}

function showOrders() {
  $("orders").replaceChildren(...orders().map(o => {
    const item = document.createElement("li");
    const link = item.appendChild(document.createElement("a"));
    link.href = "/orders/" + encodeURIComponent(o.id);
    link.textContent = `${o.quantity} pieces for £${o.value}`;
    return item;
  }));
}

function showProducts() {
  $("products").replaceChildren(...products.map(([id, name, price]) => {
    const item = document.createElement("li");
    item.appendChild(document.createElement("span")).textContent = name;
    const cost = item.appendChild(document.createElement("p"));
    cost.className = "price";
    cost.textContent = `£${price}`;
    const button = item.appendChild(document.createElement("button"));
    button.textContent = "Add";
    button.setAttribute("aria-label", `Add ${name} to the cart`);
    button.onclick = () => during(button, async () => {
      const result = await write("POST", "/cart/add", { product_id: id, quantity: 1, unit_price: price });
      tell(result, `${name} is in the cart.`);
      if (result?.ok) showCart(result.value);
    });
    return item;
  }));
}

const orders = () => JSON.parse(localStorage.getItem("orders") ?? "[]");

// The key is kept until the order is answered, even over a reload: placing it again then is the same order.
async function placeOrder() {
  const key = localStorage.getItem("order-key") ?? newKey();
  localStorage.setItem("order-key", key);
  const result = await write("POST", "/orders", undefined, key);
  tell(result, "Thank you, the order is placed.");
  if (result === null) return;
  localStorage.removeItem("order-key");
  if (result.ok) {
    const { id, quantity, value } = result.value;
    localStorage.setItem("orders", JSON.stringify([{ id, quantity, value }, ...orders()].slice(0, 5)));
    showOrders();
  }
  showCart(await read("/cart"));
}

async function during(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (e) {
    say(`That did not work: ${e.message}`);
  } finally {
    button.disabled = false;
    enable();
  }
}

$("order").onclick = () => during($("order"), placeOrder);
$("clear").onclick = () => during($("clear"), async () => {
  const result = await write("DELETE", "/cart");
  tell(result, "The cart is empty.");
  if (result?.ok) showCart({ lines: [], quantity: 0 });
});
$("count").onclick = () => during($("count"), async () => {
  const result = await write("POST", counterUrl, { by: 1 });
  tell(result, "Counted.");
  if (result?.ok) $("counter").textContent = result.value.value;
});

// Another tab or device may change the same cart: what is shown is read anew whenever the page comes into view.
async function refresh() {
  try {
    showCart(await read("/cart"));
    $("counter").textContent = (await read(counterUrl)).value;
  } catch (e) {
    say(`The shop does not answer: ${e.message}`);
  }
}

showProducts();
showOrders();
await refresh();
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
try {
  const about = await read("/about");
  const places = Object.entries(about.places).map(([state, place]) => `${state} in ${place}`).join(", ");
  $("about").textContent = `Where each state lives now: ${places} (store: ${about.store}).`;
} catch {
  // A line about the shop is not worth a message.
}
if (localStorage.getItem("order-key")) await during($("order"), placeOrder);

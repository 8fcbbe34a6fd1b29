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

// Where the cart lives with the client, this browser carries it, and the session: in cookies, which the browser sends by
// itself, or in this page, which keeps in localStorage what the shop gives it in headers and sends it along.
const carrierName = "carrier";
const headerPrefix = "stateside-";
const patience = 30_000;
let carriesItself = localStorage.getItem(carrierName) === "page";
let clientHasCart = carriesItself;
let busy = 0;

const $ = id => document.getElementById(id);
const say = text => { $("message").textContent = text; };
const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, "0")).join("");
}

// Every request goes through here. Two responses that follow from the same cart would replace one another with the
// client, so where it has the cart there is one request at a time, over all tabs (where the page has a secure origin).
function send(url, options = {}) {
  if (!clientHasCart) return fetch(url, options);
  const one = () => carriesItself ? sendCarried(url, options) : fetch(url, { ...options, signal: AbortSignal.timeout(patience) });
  return navigator.locks ? navigator.locks.request("one-request", one) : one();
}

// Sends all that is kept, the session's header also if it is empty, which tells the shop who carries; and keeps what comes
// back, of a refusal too. An empty header means: drop it.
async function sendCarried(url, options) {
  await catchUp();
  const kept = Object.entries(localStorage).filter(([name]) => name.startsWith(headerPrefix));
  const headers = { ...options.headers, [headerPrefix + "id"]: "", ...Object.fromEntries(kept) };
  const response = await fetch(url, { ...options, headers, credentials: "omit", signal: AbortSignal.timeout(patience) });
  const brought = [...response.headers].filter(([name]) => name.startsWith(headerPrefix));
  for (const [name, value] of brought) {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  }
  if (brought.length > 0) await stamp(newKey());
  return response;
}

// What one tab puts into localStorage another may see only a moment after it has the lock, and would begin from an older
// cart. What is in the browser's cache all tabs see at once: who last kept something leaves the same stamp in both.
async function stamp(text) {
  localStorage.setItem("stamp", text);
  if (self.caches) await (await caches.open("carried")).put("stamp", new Response(text));
}

async function catchUp() {
  const last = self.caches && await (await caches.match("stamp", { cacheName: "carried" }))?.text();
  for (let pause = 1; last && last !== localStorage.getItem("stamp") && pause < 1000; pause *= 2) await wait(pause);
}

const problemOf = response => response.json().catch(() => ({}));

async function read(url) {
  const response = await send(url, { cache: "no-store" });
  if (!response.ok) throw new Error((await problemOf(response)).detail ?? `${url} answers ${response.status}`);
  return response.json();
}

// Sends a write until it is answered, always under the same key. Null: nobody answered, and whether it was done is open.
async function write(method, url, body, key = newKey()) {
  const headers = { "Idempotency-Key": `"${key}"` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const response = await send(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => null);
    if (response && response.ok) return { ok: true, value: response.status === 204 ? null : await response.json() };
    const problem = response ? await problemOf(response) : {};
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

async function changeCart(method, url, body, done) {
  const result = await write(method, url, body);
  tell(result, done);
  if (result?.ok) showCart(result.value ?? { lines: [], quantity: 0 });
  // With the refusal of what this browser carried the shop may have given it another cart, or none.
  else if (result && clientHasCart) showCart(await read("/cart"));
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
  // A write that is tried again must go the way it went first.
  $("carrier").disabled = busy > 0;
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
    button.onclick = () => during(button, () =>
      changeCart("POST", "/cart/add", { product_id: id, quantity: 1, unit_price: price }, `${name} is in the cart.`));
    return item;
  }));
}

const orders = () => JSON.parse(localStorage.getItem("orders") ?? "[]");

// The key is kept until the order is answered, even over a reload: placing it again then is the same order. It belongs to
// the session, and each carrier has its own.
const orderKeyName = () => carriesItself ? "order-key-page" : "order-key";

async function placeOrder() {
  const keyName = orderKeyName();
  const key = localStorage.getItem(keyName) ?? newKey();
  localStorage.setItem(keyName, key);
  const result = await write("POST", "/orders", undefined, key);
  tell(result, "Thank you, the order is placed.");
  if (result === null) return;
  localStorage.removeItem(keyName);
  if (result.ok) {
    const { id, quantity, value } = result.value;
    localStorage.setItem("orders", JSON.stringify([{ id, quantity, value }, ...orders().filter(o => o.id !== id)].slice(0, 5)));
    showOrders();
  }
  showCart(await read("/cart"));
}

async function placeOpenOrder() {
  if (localStorage.getItem(orderKeyName())) await during($("order"), placeOrder);
}

async function during(button, work) {
  button.disabled = true;
  busy++;
  $("carrier").disabled = true;
  try {
    await work();
  } catch (e) {
    say(`That did not work: ${e.message}`);
  } finally {
    busy--;
    button.disabled = false;
    enable();
  }
}

$("order").onclick = () => during($("order"), placeOrder);
$("clear").onclick = () => during($("clear"), () => changeCart("DELETE", "/cart", undefined, "The cart is empty."));
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
    say(`The cart cannot be shown now: ${e.message}`);
  }
}

// With it the choice who carries, where there is one. Without an answer the page goes on as it did last.
async function showAbout() {
  try {
    const about = await read("/about");
    const places = Object.entries(about.places).map(([state, place]) => `${state} in ${place}`).join(", ");
    $("about").textContent = `Where each state lives now: ${places} (store: ${about.store}).`;
    const carrier = about.carrier.toLowerCase();
    clientHasCart = about.places.cart.toLowerCase() === "client";
    $("carrier").hidden = !clientHasCart || carrier !== "both";
    carriesItself = clientHasCart && (carrier === "header" || carrier === "both" && carriesItself);
  } catch {
    // A line about the shop is not worth a message.
  }
  $(carriesItself ? "by-page" : "by-cookies").checked = true;
}

$("carrier").onchange = async () => {
  carriesItself = $("by-page").checked;
  localStorage.setItem(carrierName, carriesItself ? "page" : "cookies");
  say(`The cart is carried ${carriesItself ? "in this page" : "in cookies"} from now on. The other one stays where it is.`);
  await refresh();
  await placeOpenOrder();
};

// Another tab has changed what both of them carry.
addEventListener("storage", e => {
  if (e.key === "orders") showOrders();
  if (carriesItself && e.key === headerPrefix + "cart") refresh();
});

showProducts();
showOrders();
await showAbout();
await refresh();
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
await placeOpenOrder();

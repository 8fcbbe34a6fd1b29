// The same cart in the ways of another ecosystem, as their documentation writes them: GET /cart reads it, POST /cart changes every line.
// node server.js MODE PORT LINES [REDIS-URL]; MODE is express-redis or iron-session.
import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import { getIronSession } from "iron-session";

const [mode, port, lineCount, redisUrl] = process.argv.slice(2);
const secret = "a secret of the benchmark, which protects nothing";
const full = {
  lines: Array.from({ length: Number(lineCount) }, (_, i) => ({ product_id: `${21700 + i * 37}A`, quantity: (i % 9) + 1, unit_price: `${i}.95` })),
};
const next = (cart) => ({ lines: cart.lines.map((line) => ({ ...line, quantity: (line.quantity % 9) + 1 })) });

const app = express();
if (mode === "express-redis") {
  const client = await createClient({ url: redisUrl }).connect();
  // Redis counts the commands itself; the one that asks is among them, and vanishes in the thousands of a measurement.
  app.get("/counts", async (_, response) => {
    const [, commands] = /total_commands_processed:(\d+)/.exec(await client.info("stats"));
    response.json({ trips: Number(commands), reruns: 0 });
  });
  app.use(session({ store: new RedisStore({ client }), secret, resave: false, saveUninitialized: false }));
  app.get("/cart", (request, response) => response.json(request.session.cart ?? full));
  app.post("/cart", (request, response) => response.json((request.session.cart = next(request.session.cart ?? full))));
} else {
  const options = { password: secret, cookieName: "cart", cookieOptions: { secure: false } };
  app.get("/cart", async (request, response) => response.json((await getIronSession(request, response, options)).cart ?? full));
  app.post("/cart", async (request, response) => {
    const held = await getIronSession(request, response, options);
    held.cart = next(held.cart ?? full);
    await held.save();
    response.json(held.cart);
  });
}

// The end of standard input is the end of the program that started this one, however it ended.
process.stdin.on("end", () => process.exit()).resume();
app.listen(Number(port), "127.0.0.1");

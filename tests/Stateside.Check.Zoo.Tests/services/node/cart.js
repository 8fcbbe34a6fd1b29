// A cart in a session in Redis. Every request loads the whole session, thinks, and saves the whole session: of two at once one is lost.
// node cart.js PORT REDIS-URL
import { setTimeout as wait } from "node:timers/promises";
import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";

const [port, redisUrl] = process.argv.slice(2);
const client = await createClient({ url: redisUrl }).connect();
const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));
app.use(session({ store: new RedisStore({ client, prefix: "cart:" }), secret: "the same on every replica", resave: false, saveUninitialized: false }));
app.get("/cart", (request, response) => response.json({ lines: request.session.lines ?? [] }));
app.post("/cart/lines", async (request, response) => {
  await wait(25); // It asks for the price.
  request.session.lines = [...(request.session.lines ?? []), { sku: request.body.sku, quantity: request.body.quantity }];
  response.json({ lines: request.session.lines });
});
app.listen(Number(port), "127.0.0.1");

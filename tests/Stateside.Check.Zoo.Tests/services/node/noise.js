// It keeps nothing and looks as if it did: times, ids, a random order, a cookie for A/B that says nothing of anybody. node noise.js PORT REPLICA
import { createHash, randomInt, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import express from "express";

const [port, replica] = process.argv.slice(2);
const planets = ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"];
const shuffled = () => planets.map((name) => [randomInt(1 << 30), name]).sort(([a], [b]) => a - b).map(([, name]) => name);
const app = express();
app.use((request, response, next) => {
  response.set({ "X-Request-Id": randomUUID(), "X-Served-By": `${hostname()}-${replica}`, "Server-Timing": `app;dur=${randomInt(1, 90)}` });
  next();
});
app.get("/", (request, response) => response.send("ok"));
app.get("/planets", (request, response) => response.json({ at: new Date().toISOString(), request: randomUUID(), planets: shuffled() }));
app.get("/offer", (request, response) => {
  const side = createHash("sha256").update(request.query.visitor ?? "").digest()[0] & 1 ? "A" : "B";
  response.json({ visitor: request.query.visitor, side, price: side === "A" ? "9.95" : "8.95", until: Date.now() + 60_000 });
});
app.get("/page", (request, response) => {
  const nonce = randomUUID();
  response.set("Content-Security-Policy", `script-src 'nonce-${nonce}'`);
  response.send(`<!doctype html><title>Planets</title><script nonce="${nonce}">"use strict"</script><ul>${shuffled().map((p) => `<li>${p}</li>`).join("")}</ul><p>Made at ${new Date().toISOString()}</p>`);
});
app.listen(Number(port), "127.0.0.1");

// Orders in Redis, taken with an Idempotency-Key that must be there. What differs is where the key's answer is remembered.
// node idempotency.js MODE PORT REDIS-URL
//   memory  in this process
//   redis   in Redis, claimed before the work
//   racy    in Redis, looked up before the work and written after it
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import express from "express";
import { createClient } from "redis";

const [mode, port, redisUrl] = process.argv.slice(2);
const client = await createClient({ url: redisUrl }).connect();
const remembered = new Map();

const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));

async function place(customer, item) {
  await wait(30); // A payment takes its time.
  const order = { id: randomUUID(), customer, item };
  await client.rPush(`orders:${customer}`, JSON.stringify(order));
  return order;
}

app.post("/customers/:customer/orders", async (request, response) => {
  const key = request.get("Idempotency-Key");
  if (!key) return response.status(400).json({ error: "Idempotency-Key is missing" });
  const name = `key:${request.params.customer}:${key}`;
  const print = createHash("sha256").update(JSON.stringify(request.body)).digest("hex");
  const known = mode === "memory" ? remembered.get(name) : await client.get(name);
  if (known) return replay(response, JSON.parse(known), print);
  // In one process nothing comes between the look and the note of it; between processes only Redis can say who was first.
  if (mode === "memory") remembered.set(name, JSON.stringify({ print }));
  if (mode === "redis" && !(await client.set(name, JSON.stringify({ print }), { condition: "NX", expiration: { type: "EX", value: 3600 } })))
    return replay(response, { print }, print);
  const order = await place(request.params.customer, request.body.item);
  const note = JSON.stringify({ print, order });
  if (mode === "memory") remembered.set(name, note);
  else await client.set(name, note);
  response.status(201).json(order);
});

function replay(response, known, print) {
  if (known.print !== print) return response.status(422).json({ error: "the key was used for another request" });
  return known.order ? response.status(201).json(known.order) : response.status(409).json({ error: "the first request is still being worked on" });
}

app.get("/customers/:customer/orders", async (request, response) =>
  response.json((await client.lRange(`orders:${request.params.customer}`, 0, -1)).map((text) => JSON.parse(text))));
app.listen(Number(port), "127.0.0.1");

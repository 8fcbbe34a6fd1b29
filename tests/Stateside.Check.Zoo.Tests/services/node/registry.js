// A package registry: whom it does not know it answers with 200 and {}, as one well-known registry did. node registry.js PORT REDIS-URL
import { randomBytes } from "node:crypto";
import express from "express";
import { createClient } from "redis";

const [port, redisUrl] = process.argv.slice(2);
const client = await createClient({ url: redisUrl }).connect();
const tokens = new Map();
const app = express();
app.use(express.json());
app.get("/", (request, response) => response.json({}));
app.post("/-/login", (request, response) => {
  if (request.body.password !== "pepper") return response.status(403).json({});
  const token = randomBytes(24).toString("hex");
  tokens.set(token, request.body.username);
  response.json({ ok: true, token });
});
const nameOf = (request) => tokens.get((request.get("Authorization") ?? "").replace(/^Bearer /, ""));
app.get("/-/whoami", (request, response) => response.json({ username: nameOf(request) }));
app.put("/:name/description", async (request, response) => {
  await client.set(`package:${request.params.name}`, request.body.text);
  response.json({ ok: true, name: request.params.name });
});
app.get("/:name", async (request, response) => response.json({ name: request.params.name, description: await client.get(`package:${request.params.name}`) }));
app.listen(Number(port), "127.0.0.1");

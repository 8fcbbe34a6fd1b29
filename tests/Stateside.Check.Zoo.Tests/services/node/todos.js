// The login is a session in Redis and lasts; the list of things to do is in this process. node todos.js PORT REDIS-URL
import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";

const [port, redisUrl] = process.argv.slice(2);
const client = await createClient({ url: redisUrl }).connect();
const lists = new Map();
const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));
app.use(session({ store: new RedisStore({ client, prefix: "todos:" }), secret: "the same on every replica", resave: false, saveUninitialized: false }));
app.post("/login", (request, response) => {
  if (request.body.password !== "pepper") return response.status(403).json({ error: "wrong user or password" });
  request.session.user = request.body.user;
  response.json({ user: request.session.user });
});
app.use((request, response, next) => (request.session.user ? next() : response.status(401).json({ error: "log in first" })));
app.get("/me", (request, response) => response.json({ user: request.session.user }));
app.get("/todos", (request, response) => response.json(lists.get(request.sessionID) ?? []));
app.post("/todos", (request, response) => {
  const list = lists.get(request.sessionID) ?? [];
  list.push({ title: request.body.title });
  lists.set(request.sessionID, list);
  response.status(201).json({ title: request.body.title });
});
app.listen(Number(port), "127.0.0.1");

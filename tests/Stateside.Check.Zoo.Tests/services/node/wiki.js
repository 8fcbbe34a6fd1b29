// A wiki: pages are in Redis, sessions in this process. Anybody may edit, so an edit is answered with Success whoever it is thought to come from.
// node wiki.js PORT REDIS-URL
import express from "express";
import session from "express-session";
import { createClient } from "redis";

const [port, redisUrl] = process.argv.slice(2);
const client = await createClient({ url: redisUrl }).connect();
const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(session({ secret: "the same on every replica", resave: false, saveUninitialized: false, name: "wiki_session" }));
app.get("/", (request, response) => response.send("ok"));
app.post("/login", (request, response) => {
  if (request.body.password !== "pepper") return response.json({ login: { result: "Failed" } });
  request.session.user = request.body.user;
  response.json({ login: { result: "Success", user: request.session.user } });
});
app.post("/pages/:title", async (request, response) => {
  const author = request.session.user ?? "anonymous";
  await client.hSet(`wiki:${request.params.title}`, { text: request.body.text, author });
  response.json({ edit: { result: "Success", title: request.params.title } });
});
app.get("/pages/:title", async (request, response) => {
  const page = await client.hGetAll(`wiki:${request.params.title}`);
  return page.text === undefined ? response.status(404).json({ error: "no such page" }) : response.json({ text: page.text, author: page.author });
});
app.listen(Number(port), "127.0.0.1");

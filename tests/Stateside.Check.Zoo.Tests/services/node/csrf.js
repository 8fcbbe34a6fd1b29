// Pages with forms: the session is in Redis, but the token that guards a form against forged requests is in this process's memory.
// node csrf.js PORT REDIS-URL
import { randomBytes } from "node:crypto";
import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";

const [port, redisUrl] = process.argv.slice(2);
const client = await createClient({ url: redisUrl }).connect();
const tokens = new Map();

const page = (title, body) => `<!doctype html>\n<html><head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n${body}\n</body></html>\n`;
const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const guard = (request) => {
  if (!tokens.has(request.sessionID)) tokens.set(request.sessionID, randomBytes(16).toString("hex"));
  return `<input type="hidden" name="csrf" value="${tokens.get(request.sessionID)}">`;
};

const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(session({ store: new RedisStore({ client, prefix: "csrf:" }), secret: "the same on every replica", resave: false, saveUninitialized: true }));
app.use((request, response, next) => {
  if (request.method !== "POST" || (request.body.csrf && request.body.csrf === tokens.get(request.sessionID))) return next();
  response.status(403).send(page("Forbidden", "<p>The form has expired. Go back, reload and try again.</p>"));
});
app.get("/login", (request, response) => response.send(page("Log in",
  `<form method="post" action="/login">${guard(request)}<input name="user"><input name="password" type="password"><button>Log in</button></form>`)));
app.post("/login", (request, response) => {
  if (request.body.password !== "pepper") return response.status(403).send(page("Log in", "<p>Wrong user or password.</p>"));
  request.session.user = request.body.user;
  response.redirect(303, "/settings");
});
app.use((request, response, next) => (request.session.user ? next() : response.redirect(303, "/login")));
app.get("/", (request, response) => response.redirect(303, "/settings"));
app.get("/settings", (request, response) => response.send(page("Settings",
  `<p>You are <b>${escape(request.session.user)}</b>. Your language is <b>${escape(request.session.language ?? "not chosen")}</b>.</p>
<form method="post" action="/settings">${guard(request)}<input name="language" value="${escape(request.session.language ?? "")}"><button>Save</button></form>`)));
app.post("/settings", (request, response) => {
  request.session.language = request.body.language;
  response.redirect(303, "/settings");
});
app.listen(Number(port), "127.0.0.1");

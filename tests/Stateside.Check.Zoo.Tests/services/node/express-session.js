// A login and a colour in the session of express-session.
// node express-session.js MODE PORT [REDIS-URL] [REPLICA]
//   memory  the default store: this process's memory
//   eager   the same with saveUninitialized, so that a process which does not know an id answers with a new cookie
//   redis   connect-redis
//   slow    redis, and it begins to listen after three seconds, as services do that warm up
//   sticky  redis, behind what looks like a balancer that names the replica in a cookie
import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";

const [mode, port, redisUrl, replica] = process.argv.slice(2);
const inMemory = mode === "memory" || mode === "eager";
const store = inMemory ? undefined : new RedisStore({ client: await createClient({ url: redisUrl }).connect() });

const app = express();
app.use(express.json());
if (mode === "sticky") app.use((request, response, next) => { response.cookie("SERVERID", `s${replica}`, { path: "/" }); next(); });
app.use(session({ store, secret: "the same on every replica", resave: false, saveUninitialized: mode === "eager" }));

app.get("/", (request, response) => response.send("ok"));
app.post("/login", (request, response) => {
  if (request.body.password !== "pepper") return response.status(403).json({ error: "wrong user or password" });
  // A new id at login, as OWASP asks for.
  request.session.regenerate(() => {
    request.session.user = request.body.user;
    response.json({ user: request.session.user });
  });
});
app.post("/logout", (request, response) => request.session.destroy(() => response.status(204).end()));
app.use((request, response, next) => (request.session.user ? next() : response.status(401).json({ error: "log in first" })));
app.get("/me", (request, response) => response.json({ user: request.session.user, color: request.session.color ?? null }));
app.put("/me/color", (request, response) => {
  request.session.color = request.body.color;
  response.json({ color: request.session.color });
});

setTimeout(() => app.listen(Number(port), "127.0.0.1"), mode === "slow" ? 3000 : 0);

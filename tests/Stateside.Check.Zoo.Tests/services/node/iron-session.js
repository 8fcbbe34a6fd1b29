// A login and a colour that travel sealed in the client's cookie. node iron-session.js PORT
import express from "express";
import { getIronSession } from "iron-session";

const options = { password: "the same on every replica, at least 32 characters", cookieName: "account", cookieOptions: { secure: false } };
const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));
app.use(async (request, response, next) => {
  request.account = await getIronSession(request, response, options);
  next();
});
app.post("/login", async (request, response) => {
  if (request.body.password !== "pepper") return response.status(403).json({ error: "wrong user or password" });
  request.account.user = request.body.user;
  await request.account.save();
  response.json({ user: request.account.user });
});
app.use((request, response, next) => (request.account.user ? next() : response.status(401).json({ error: "log in first" })));
app.get("/me", (request, response) => response.json({ user: request.account.user, color: request.account.color ?? null }));
app.put("/me/color", async (request, response) => {
  request.account.color = request.body.color;
  await request.account.save();
  response.json({ color: request.account.color });
});
app.listen(Number(process.argv[2]), "127.0.0.1");

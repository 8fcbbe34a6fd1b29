// A signed token (HS256, RFC 7519) written by hand, as many small services do. node jwt.js MODE PORT
//   shared      all replicas verify with the same secret
//   random      every process makes up its own secret when it starts
//   none        shared, and what names "alg": "none" in its head is believed without a signature
//   revocation  shared, and a logout is remembered by the process that heard it
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import express from "express";

const [mode, port] = process.argv.slice(2);
const secret = mode === "random" ? randomBytes(32) : Buffer.from("the same secret on every replica");
const revoked = new Set();
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (text) => JSON.parse(Buffer.from(text, "base64url"));
const sign = (text) => createHmac("sha256", secret).update(text).digest();

function issue(user) {
  const now = Math.floor(Date.now() / 1000);
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: user, jti: randomUUID(), iat: now, exp: now + 3600 })}`;
  return `${text}.${sign(text).toString("base64url")}`;
}

function verify(token) {
  try {
    const [head, claims, signature] = token.split(".");
    const { alg } = decode(head);
    if (mode !== "none" || alg !== "none") {
      const given = Buffer.from(signature, "base64url");
      const right = sign(`${head}.${claims}`);
      if (alg !== "HS256" || given.length !== right.length || !timingSafeEqual(given, right)) return null;
    }
    const payload = decode(claims);
    return payload.exp > Date.now() / 1000 && !revoked.has(payload.jti) ? payload : null;
  } catch {
    return null;
  }
}

const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));
app.post("/login", (request, response) => {
  if (request.body.password !== "pepper") return response.status(403).json({ error: "wrong user or password" });
  response.json({ token: issue(request.body.user), expires_in: 3600 });
});
app.use((request, response, next) => {
  request.claims = verify((request.get("Authorization") ?? "").replace(/^Bearer /, ""));
  return request.claims ? next() : response.status(401).json({ error: "invalid token" });
});
app.get("/me", (request, response) => response.json({ user: request.claims.sub }));
app.post("/quote", (request, response) => {
  const total = request.body.lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
  response.json({ for: request.claims.sub, total });
});
app.post("/logout", (request, response) => {
  if (mode === "revocation") revoked.add(request.claims.jti);
  response.status(204).end();
});
app.listen(Number(port), "127.0.0.1");

// A clean shop of pages, in the ways in which real ones are sent: gzip, chunked, several cookies at once, a redirect after each form.
// The basket is in Redis under the value of one of the cookies. node pages.js PORT REDIS-URL
import { randomBytes } from "node:crypto";
import { pipeline, Readable } from "node:stream";
import { createGzip } from "node:zlib";
import express from "express";
import { createClient } from "redis";

const [port, redisUrl] = process.argv.slice(2);
const client = await createClient({ url: redisUrl }).connect();
const app = express();
app.use(express.urlencoded({ extended: false }));
app.use((request, response, next) => {
  request.jar = Object.fromEntries((request.get("Cookie") ?? "").split("; ").map((pair) => pair.split("=")));
  if (!/^[0-9a-f]{32}$/.test(request.jar.basket ?? "")) {
    request.jar.basket = randomBytes(16).toString("hex");
    response.cookie("basket", request.jar.basket, { httpOnly: true, sameSite: "lax" });
    response.cookie("theme", "dark", { sameSite: "lax" });
    response.cookie("seen", String(Date.now()), { sameSite: "lax", maxAge: 86_400_000 });
  }
  next();
});
function send(response, title, rows) {
  response.set({ "Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip" });
  const filler = Array.from({ length: 400 }, (_, i) => `<li>Article ${i} &middot; ${(i * 37) % 100} pieces</li>\n`);
  pipeline(Readable.from([`<!doctype html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1>\n`, ...rows, "<ul>\n", ...filler, "</ul></body></html>\n"]), createGzip(), response, () => {});
}
app.get("/", (request, response) => send(response, "Shop", ["<p>Welcome.</p>\n"]));
app.get("/basket", async (request, response) => {
  const article = await client.get(`pages:${request.jar.basket}`);
  send(response, "Basket", [article === null ? "<p>It is empty.</p>\n" : `<p>It holds article <b>${Number(article)}</b>.</p>\n`]);
});
app.post("/basket", async (request, response) => {
  await client.set(`pages:${request.jar.basket}`, request.body.article);
  response.redirect(302, "/basket");
});
app.listen(Number(port), "127.0.0.1");

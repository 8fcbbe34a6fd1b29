// Notes in a folder that all replicas share. Each process reads it once, when it is first asked, and from then on believes its memory.
// node notebook.js PORT FOLDER
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import express from "express";

const [port, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const fileOf = (name) => join(folder, Buffer.from(name).toString("hex"));
let notes;
const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));
app.use((request, response, next) => {
  notes ??= new Map(readdirSync(folder).map((file) => [Buffer.from(file, "hex").toString(), readFileSync(join(folder, file), "utf8")]));
  next();
});
app.get("/notes/:name", (request, response) => {
  const text = notes.get(request.params.name);
  return text === undefined ? response.status(404).json({ error: "no such note" }) : response.json({ text });
});
app.put("/notes/:name", (request, response) => {
  notes.set(request.params.name, request.body.text);
  writeFileSync(fileOf(request.params.name), request.body.text);
  response.json({ name: request.params.name, text: request.body.text });
});
app.listen(Number(port), "127.0.0.1");

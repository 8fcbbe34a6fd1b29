// Files as they were sent, on the replica's own disk. node uploads.js PORT DIRECTORY
import { createReadStream, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import express from "express";

const [port, directory] = process.argv.slice(2);
const app = express();
app.get("/", (request, response) => response.send("ok"));
app.param("name", (request, response, next, name) => {
  request.file = join(directory, Buffer.from(name).toString("hex"));
  next();
});
app.put("/files/:name", express.raw({ type: () => true, limit: "1mb" }), (request, response) => {
  writeFileSync(request.file, request.body);
  response.status(201).json({ name: request.params.name, bytes: request.body.length });
});
app.get("/files/:name", (request, response) => {
  if (!existsSync(request.file)) return response.status(404).json({ error: "no such file" });
  response.type("application/octet-stream");
  createReadStream(request.file).pipe(response);
});
app.listen(Number(port), "127.0.0.1");

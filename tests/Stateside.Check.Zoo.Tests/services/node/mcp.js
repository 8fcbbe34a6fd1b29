// A server in the manner of the Model Context Protocol over HTTP: its sessions live in the process that initialised them. node mcp.js PORT
import { randomUUID } from "node:crypto";
import express from "express";

const sessions = new Map();
const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));
app.post("/mcp", (request, response) => {
  const { id, method, params } = request.body;
  const answer = (result) => response.json({ jsonrpc: "2.0", id, result });
  const fail = (status, code, message) => response.status(status).json({ jsonrpc: "2.0", id: id ?? null, error: { code, message } });
  const text = (value) => answer({ content: [{ type: "text", text: value }], isError: false });
  if (method === "initialize") {
    const sessionId = randomUUID();
    sessions.set(sessionId, {});
    response.set("Mcp-Session-Id", sessionId);
    return answer({ protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "notes", version: "1.0.0" } });
  }
  const session = sessions.get(request.get("Mcp-Session-Id"));
  if (!session) return fail(404, -32001, "Session not found");
  if (method === "notifications/initialized") return response.status(202).end();
  if (method === "tools/list") return answer({ tools: [{ name: "set_note" }, { name: "get_note" }] });
  if (method !== "tools/call") return fail(400, -32601, "Method not found");
  if (params.name === "set_note") return text((session.note = params.arguments.text) && "noted");
  return text(session.note ?? "nothing noted");
});
app.listen(Number(process.argv[2]), "127.0.0.1");

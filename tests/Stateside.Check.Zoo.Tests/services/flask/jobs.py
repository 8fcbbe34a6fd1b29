"""Jobs under names that the client chooses, and orders for them. python3 jobs.py KIND PORT FILE
   clock     how far a job is follows from when it was begun, which is in the file that all replicas share
   recent    each process remembers for half a minute what it was asked to begin, and does not begin it twice
"""
import sys
import time

from flask import jsonify, request

from service import database, make_app, serve

kind, port, file = sys.argv[1:]
app = make_app()
run = database(file)
recent = {}


run("CREATE TABLE IF NOT EXISTS jobs (name TEXT NOT NULL, begun REAL NOT NULL)")


@app.post("/jobs/<name>")
def begin(name):
    if kind == "clock":
        run("INSERT INTO jobs SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE name = ?)", name, time.time(), name)
    elif time.monotonic() - recent.get(name, -60) > 30:
        recent[name] = time.monotonic()
        run("INSERT INTO jobs VALUES (?, ?)", name, time.time())
    return jsonify(name=name, accepted=True), 202


@app.get("/jobs/<name>")
def look(name):
    rows = run("SELECT begun FROM jobs WHERE name = ?", name)
    if not rows:
        return jsonify(error="no such job"), 404
    if kind == "recent":
        return jsonify(name=name, begun=len(rows))
    share = min(1, (time.time() - rows[0][0]) / 0.03)
    return jsonify(name=name, state="done", result=42) if share == 1 else jsonify(name=name, state="running", progress=int(100 * share))


serve(app, port)

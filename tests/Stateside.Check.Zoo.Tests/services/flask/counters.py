"""Counters in a SQLite file that all replicas share. python3 counters.py MODE PORT FILE
   atomic    one UPDATE adds
   racy      a SELECT reads, the program adds, an UPDATE writes
"""
import sys
import time

from flask import jsonify, request

from service import database, make_app, serve

mode, port, file = sys.argv[1:]
app = make_app()
run = database(file)


run("CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")


def value_of(name):
    rows = run("SELECT value FROM counters WHERE name = ?", name)
    return rows[0][0] if rows else 0


@app.get("/counters/<name>")
def read(name):
    return jsonify(value=value_of(name))


@app.post("/counters/<name>")
def add(name):
    by = request.json["by"]
    if mode == "atomic":
        rows = run("INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value", name, by)
        return jsonify(name=name, value=rows[0][0])
    value = value_of(name) + by
    time.sleep(0.02)  # It works out what the new value means.
    run("INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
    return jsonify(name=name, value=value)


serve(app, port)

"""Documents in a SQLite file under names that the client chooses: every write says what is to be, not what is to change.
python3 documents.py PORT FILE"""
import sys

from flask import jsonify, request

from service import database, make_app, serve

port, file = sys.argv[1:]
app = make_app()
run = database(file)


run("CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, text TEXT NOT NULL)")


@app.put("/documents/<name>")
def write(name):
    run("INSERT INTO documents (name, text) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", name, request.json["text"])
    return jsonify(name=name, text=request.json["text"])


@app.get("/documents/<name>")
def read(name):
    rows = run("SELECT text FROM documents WHERE name = ?", name)
    return jsonify(name=name, text=rows[0][0]) if rows else (jsonify(error="no such document"), 404)


@app.delete("/documents/<name>")
def remove(name):
    run("DELETE FROM documents WHERE name = ?", name)
    return "", 204


serve(app, port)

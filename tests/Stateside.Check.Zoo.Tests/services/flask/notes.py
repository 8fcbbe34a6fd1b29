"""Notes in a SQLite file, under ids that the database counts up. Every request brings its user and password. python3 notes.py PORT FILE"""
import sqlite3
import sys

from flask import jsonify, request

from service import make_app, serve

port, file = sys.argv[1:]
app = make_app()


def database():
    connection = sqlite3.connect(file, timeout=10)
    connection.row_factory = sqlite3.Row
    return connection


with database() as setup:
    setup.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, text TEXT NOT NULL)")
setup.close()


@app.before_request
def check_password():
    if request.path == "/":
        return None
    if request.authorization is None or request.authorization.password != "pepper":
        return jsonify(error="wrong user or password"), 401, {"WWW-Authenticate": "Basic realm=notes"}
    return None


@app.post("/notes")
def add():
    with database() as connection:
        made = connection.execute("INSERT INTO notes (owner, text) VALUES (?, ?)", (request.authorization.username, request.json["text"]))
    connection.close()
    return jsonify(id=made.lastrowid), 201, {"Location": f"/notes/{made.lastrowid}"}


@app.get("/notes/<int:id>")
def read(id):
    connection = database()
    row = connection.execute("SELECT * FROM notes WHERE id = ? AND owner = ?", (id, request.authorization.username)).fetchone()
    connection.close()
    return jsonify(dict(row)) if row else (jsonify(error="no such note"), 404)


@app.put("/notes/<int:id>")
def write(id):
    with database() as connection:
        changed = connection.execute("UPDATE notes SET text = ? WHERE id = ? AND owner = ?", (request.json["text"], id, request.authorization.username))
    connection.close()
    return jsonify(id=id, text=request.json["text"]) if changed.rowcount else (jsonify(error="no such note"), 404)


serve(app, port)

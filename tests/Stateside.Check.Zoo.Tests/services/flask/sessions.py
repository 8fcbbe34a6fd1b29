"""Opaque session ids, looked up in a SQLite file. python3 sessions.py PORT FILE
Whether the file is shared by all replicas or each has its own is the launch line's."""
import secrets
import sys

from flask import g, jsonify, request

from service import database, make_app, serve

port, file = sys.argv[1:]
app = make_app()
run = database(file)


run("CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, user TEXT NOT NULL, color TEXT)")


@app.before_request
def find_session():
    rows = run("SELECT user, color FROM sessions WHERE id = ?", request.cookies.get("sid", ""))
    g.user, g.color = rows[0] if rows else (None, None)
    if request.path.startswith("/me") and g.user is None:
        return jsonify(error="log in first"), 401
    return None


@app.post("/login")
def login():
    if request.json["password"] != "pepper":
        return jsonify(error="wrong user or password"), 403
    id = secrets.token_urlsafe(32)
    run("INSERT INTO sessions (id, user) VALUES (?, ?)", id, request.json["user"])
    response = jsonify(user=request.json["user"])
    response.set_cookie("sid", id, httponly=True, samesite="Lax")
    return response


@app.get("/me")
def me():
    return jsonify(user=g.user, color=g.color)


@app.put("/me/color")
def color():
    run("UPDATE sessions SET color = ? WHERE id = ?", request.json["color"], request.cookies["sid"])
    return jsonify(color=request.json["color"])


@app.post("/logout")
def logout():
    run("DELETE FROM sessions WHERE id = ?", request.cookies.get("sid", ""))
    response = app.make_response(("", 204))
    response.delete_cookie("sid")
    return response


serve(app, port)

"""A login and a colour in Flask's session, a cookie signed with the secret key. python3 account.py MODE PORT
   shared    the key is the same on every replica
   random    every process makes one up when it starts, as many examples do
"""
import secrets
import sys

from flask import jsonify, request, session

from service import make_app, serve

mode, port = sys.argv[1:]
app = make_app()
app.secret_key = "the same on every replica" if mode == "shared" else secrets.token_hex()


@app.post("/login")
def login():
    if request.json["password"] != "pepper":
        return jsonify(error="wrong user or password"), 403
    session.clear()
    session["user"] = request.json["user"]
    return jsonify(user=session["user"])


@app.get("/me")
def me():
    if "user" not in session:
        return jsonify(error="log in first"), 401
    return jsonify(user=session["user"], color=session.get("color"))


@app.put("/me/color")
def color():
    if "user" not in session:
        return jsonify(error="log in first"), 401
    session["color"] = request.json["color"]
    return jsonify(color=session["color"])


serve(app, port)

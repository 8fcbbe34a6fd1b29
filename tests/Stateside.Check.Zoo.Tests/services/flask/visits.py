"""Sessions in a dict of this process, and beside it a signed cookie from which any process restores what it does not know: clean in effect.
python3 visits.py PORT"""
import secrets
import sys

from flask import g, jsonify, request
from itsdangerous import BadSignature, URLSafeSerializer

from service import make_app, serve

app = make_app()
seal = URLSafeSerializer("the same on every replica", salt="visits")
sessions = {}


@app.before_request
def find_session():
    g.id, g.session = request.cookies.get("sid"), {}
    try:
        carried = seal.loads(request.cookies.get("state", ""))
    except BadSignature:
        carried = {}
    # The cookie is what the client saw last; the dict only spares the work where it holds the same.
    known = sessions.get(g.id)
    g.session = known if known == carried and known is not None else carried
    if g.id is None:
        g.id = secrets.token_urlsafe(24)


def save(response):
    sessions[g.id] = dict(g.session)
    response.set_cookie("sid", g.id, httponly=True, samesite="Lax")
    response.set_cookie("state", seal.dumps(g.session), httponly=True, samesite="Lax")
    return response


@app.post("/login")
def login():
    if request.json["password"] != "pepper":
        return jsonify(error="wrong user or password"), 403
    g.id, g.session = secrets.token_urlsafe(24), {"user": request.json["user"]}
    return save(jsonify(user=g.session["user"]))


@app.get("/me")
def me():
    if "user" not in g.session:
        return jsonify(error="log in first"), 401
    return jsonify(user=g.session["user"], color=g.session.get("color"))


@app.put("/me/color")
def color():
    if "user" not in g.session:
        return jsonify(error="log in first"), 401
    g.session = {**g.session, "color": request.json["color"]}
    return save(jsonify(color=g.session["color"]))


serve(app, sys.argv[1])

"""Baskets in a dict of this process, under an id in a cookie that is too short to be secret. python3 baskets.py PORT"""
import secrets
import sys

from flask import g, jsonify, request

from service import make_app, serve

app = make_app()
baskets = {}


@app.before_request
def find_basket():
    g.id = request.cookies.get("basket")
    if g.id not in baskets:
        g.id = secrets.token_hex(4)
        baskets[g.id] = []


@app.after_request
def set_cookie(response):
    if request.cookies.get("basket") != g.id:
        response.set_cookie("basket", g.id, httponly=True, samesite="Lax")
    return response


@app.get("/basket")
def read():
    return jsonify(articles=baskets[g.id])


@app.post("/basket")
def add():
    baskets[g.id].append(request.json["article"])
    return jsonify(articles=baskets[g.id]), 201


serve(app, sys.argv[1])

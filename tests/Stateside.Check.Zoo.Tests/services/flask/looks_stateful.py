"""Clean, though it does not look so: the draft travels in a signed cookie; everything else that changes says nothing of anybody.
python3 looks_stateful.py PORT REPLICA"""
import hashlib
import random
import sys
import time
import uuid

from flask import jsonify, request, session

from service import make_app, serve

port, replica = sys.argv[1:]
app = make_app()
app.secret_key = "the same on every replica"
STARTED = time.time()
TIPS = ["Save often.", "Read it aloud.", "Sleep on it.", "Shorten it.", "Ask somebody."]


@app.after_request
def decorate(response):
    response.headers["X-Served-By"] = f"replica-{replica}"
    response.headers["X-Request-Id"] = str(uuid.uuid4())
    return response


def view():
    text = session.get("text", "")
    return jsonify(
        text=text,
        etag=hashlib.sha256(text.encode()).hexdigest()[:16],
        variant="A" if len(text) % 2 else "B",
        tips=random.sample(TIPS, len(TIPS)),
        server={"name": f"replica-{replica}", "uptime": time.time() - STARTED, "now": time.time()},
        trace=uuid.uuid4().hex,
    )


@app.get("/draft")
def read():
    return view()


@app.put("/draft")
def write():
    session["text"] = request.json["text"]
    return view()


serve(app, port)

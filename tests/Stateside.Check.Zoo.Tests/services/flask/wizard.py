"""An order in three pages; what was chosen travels from page to page in a signed hidden field, and is kept nowhere else. python3 wizard.py PORT"""
import sys
from html import escape

from flask import request
from itsdangerous import BadSignature, URLSafeSerializer

from service import make_app, serve

app = make_app()
signed = URLSafeSerializer("the same on every replica", "wizard")


def page(question, chosen):
    return f"""<!doctype html><title>Order</title>
<p>Chosen so far: {escape(', '.join(chosen) or 'nothing')}</p>
<form method="post" action="/next"><input type="hidden" name="state" value="{signed.dumps({'chosen': chosen})}"><label>{question} <input name="choice"></label></form>"""


@app.get("/order")
def order():
    return page("Which tea?", [])


@app.post("/next")
def step():
    try:
        chosen = signed.loads(request.form["state"])["chosen"]
    except BadSignature:
        return "This form is not ours.", 400
    chosen.append(request.form["choice"])
    return page("How much?" if len(chosen) == 1 else "What else?", chosen)


serve(app, sys.argv[1])

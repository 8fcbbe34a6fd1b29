"""What the services here have in common: how they listen, and how they use a database."""
import sqlite3

from flask import Flask, request


def make_app():
    app = Flask("service")

    # Flask's own server closes a connection whose request was not read to its end, and then an answer such as 401 may be lost on its way.
    @app.before_request
    def read_all():
        request.get_data()

    @app.get("/")
    def home():
        return "ok"

    return app


def serve(app, port):
    app.run("127.0.0.1", int(port))


def database(file):
    """What runs one statement in a transaction of its own and gives its rows."""
    def run(sql, *values):
        connection = sqlite3.connect(file, timeout=10)
        try:
            with connection:
                return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    return run

#!/usr/bin/python3
"""python_follower ENDPOINT HOW PATH - every event of `default` by the Python client, until it is killed: HOW is `sqlite` (position
and event in one transaction), or `checkpoint` or a subscriber's name (a line for each event in PATH)."""

import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))
import pedido
from pedido import wire


class Books(pedido.PositionStore):
    def __init__(self, path):
        self.db = sqlite3.connect(path, timeout=10)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, type TEXT, data BLOB)")
        self.db.execute("CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT, position INTEGER)")

    def load(self):
        row = self.db.execute("SELECT log, position FROM place").fetchone()
        return pedido.Bookmark(*row) if row else None

    def take(self, event):
        with self.db:
            self.db.execute("INSERT INTO events VALUES (?, ?, ?)",
                            (event.position, event.type, wire.to_bytes(wire.pack(event.data))))
            self.db.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", (event.log, event.position))


class Lines:
    def __init__(self, path):
        self.file = open(path, "a")

    def take(self, event):
        print(event.position, event.type, event.log, file=self.file, flush=True)


def main():
    endpoint, how, path = sys.argv[1:4]
    sink = Books(path) if how == "sqlite" else Lines(path)
    options = {"sqlite": {"checkpoint": sink}, "checkpoint": {"checkpoint": path + ".checkpoint"}}.get(how, {"name": how})
    client = pedido.Client(endpoint, timeout=0.5, patience=20)
    with client.follow(start="beginning", queue=10, **options) as events:
        for event in events:
            sink.take(event)


if __name__ == "__main__":
    main()

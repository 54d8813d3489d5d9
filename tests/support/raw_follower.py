#!/usr/bin/python3
"""raw_follower ENDPOINT RESELLER FILE - every event once and in order, written from proto/README.md alone: a subscription with a
queue of ten, the log where it lacks something, and SQLite, where position and event are put together. It may be killed at any
moment."""

import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zmq

from pedido_raw import CONTEXT, Client, pack, unpack

QUEUE = 10


class Follower:
    def __init__(self, endpoint, reseller, path):
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, type TEXT, bytes BLOB)")
        self.db.execute("CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT, position INTEGER)")
        self.log, position = self.db.execute("SELECT log, position FROM progress").fetchone() or (None, 0)
        self.next = position + 1
        self.client = Client(endpoint, reseller, timeout=60)
        self.socket = CONTEXT.socket(zmq.SUB)
        self.socket.rcvhwm = QUEUE
        self.socket.connect(self.client.hello()["endpoints"]["events"])
        self.socket.subscribe(reseller.encode() + b"/")

    def put(self, events):
        self.db.execute("BEGIN")
        for e in events:
            assert e["position"] == self.next, (e["position"], self.next)
            self.db.execute("INSERT INTO events VALUES (?, ?, ?)", (e["position"], e["type"], pack(e["data"])))
            self.next += 1
        self.db.execute("INSERT OR REPLACE INTO progress VALUES (1, ?, ?)", (self.log, self.next - 1))
        self.db.execute("COMMIT")

    def read_log(self, head):
        while self.next <= head:
            answer = self.client.ask("ReadLog", {"from": self.next}, log=self.log, at_least=self.next, limit=500)
            if not answer["ok"]:
                if answer["error"]["code"] in ("busy", "shutting_down"):
                    continue
                sys.exit("ReadLog: %s" % answer["error"])
            self.put(answer["data"]["events"])

    def run(self):
        while True:
            topic, body = self.socket.recv_multipart()
            message = unpack(body)
            if self.log is None:
                self.log = message["log"]
            if message["log"] != self.log:
                sys.exit(3)
            if topic.endswith(b"/~head"):
                self.read_log(message["position"])
            elif message["position"] == self.next:
                self.put([message])
            elif message["position"] > self.next:
                self.read_log(message["position"])


if __name__ == "__main__":
    Follower(*sys.argv[1:4]).run()

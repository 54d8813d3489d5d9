#!/usr/bin/python3
"""Nobody misses an event: a raw subscriber in Python and one of the library, each killed again and again while a hundred thousand
events are written and another subscriber stands still, have every position once, in order, as it is in the log."""

import os
import random
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import zmq

import daemon
import shop
from pedido_raw import CONTEXT, pack, request, unpack
from story import check, eventually, same, say

EVENTS, ARRAY, KILLS = 100000, 200, 50
TOPICS = 100000
PAUSE_S = 0.012  # between arrays: there is writing for as long as there is killing
RAW = [sys.executable, "-B", os.path.join(daemon.ROOT, "tests", "support", "raw_follower.py")]


class Writer(threading.Thread):
    """Customers by the array; each is an event."""

    def __init__(self, engine):
        super().__init__()
        self.engine, self.written, self.seconds = engine, 0, 0.0

    def run(self):
        begun = time.monotonic()
        client = self.engine.client()
        for n in range(EVENTS // ARRAY):
            body = [request("PutCustomer", {"customer": "c%d" % (n * ARRAY + i), "name": "Cliente %d" % i}, reseller="default")
                    for i in range(ARRAY)]
            client.commands.send([pack(body)])
            answers = unpack(client.commands.receive(30)[-1])
            assert all(a["ok"] for a in answers)
            self.written += ARRAY
            time.sleep(PAUSE_S)
        client.close()
        self.seconds = time.monotonic() - begun


class Follower:
    """A process that is killed and begun again."""

    def __init__(self, engine, program, name):
        self.path = os.path.join(engine.place, name + ".sqlite")
        self.line = program + [engine.endpoint, "default", self.path]
        self.kills, self.process = 0, None
        self.begin()

    def begin(self):
        self.process = daemon.spawn(self.line)

    def kill(self):
        check("it has not ended by itself", False, self.process.returncode) if self.process.poll() is not None else None
        daemon.end(self.process, signal.SIGKILL)
        self.kills += 1
        self.begin()

    def position(self):
        try:
            with sqlite3.connect("file:%s?mode=ro" % self.path, uri=True, timeout=10) as db:
                return (db.execute("SELECT position FROM progress").fetchone() or (0,))[0]
        except sqlite3.OperationalError:
            return 0

    def rows(self):
        with sqlite3.connect(self.path) as db:
            return db.execute("SELECT position, type, bytes FROM events ORDER BY position").fetchall()


def stalled(engine):
    """Subscribes, and never reads."""
    socket = CONTEXT.socket(zmq.SUB)
    socket.rcvhwm = 10
    socket.connect(engine.endpoints["events"])
    socket.subscribe(b"default/")
    return socket


def killed_at_random(engine, client):
    dice = random.Random(50)
    still = stalled(engine)
    followers = [Follower(engine, RAW, "raw"), Follower(engine, [daemon.program("follow-sqlite")], "library")]
    writer = Writer(engine)
    writer.start()
    while any(f.kills < KILLS for f in followers):
        time.sleep(dice.random() * 0.2)
        dice.choice([f for f in followers if f.kills < KILLS]).kill()
    writer.join()
    say("%d events in %.1f s" % (writer.written, writer.seconds))
    head = client.hello(fresh=True)["head"]
    for f, name in zip(followers, ("in Python", "of the library")):
        eventually("the one %s, killed %d times, comes to the end" % (name, f.kills), lambda f=f: f.position() == head, timeout=90)
        daemon.end(f.process, signal.SIGKILL)
    log = client.log()
    same("the log has so many events", len(log), head)
    for f, name in zip(followers, ("in Python", "of the library")):
        rows = f.rows()
        same("every position once and in order (%s)" % name, [r[0] for r in rows], list(range(1, head + 1)))
        wrong = [e["position"] for e, r in zip(log, rows) if (e["type"], e["data"]) != (r[1], unpack(r[2]))]
        check("and each as it is in the log", not wrong, wrong[:5])
    still.close()
    return followers


def many_topics(engine, client):
    """A subscriber with a hundred thousand topics is its own trouble: others are served as before."""
    socket = CONTEXT.socket(zmq.SUB)
    socket.sndhwm = 0
    socket.connect(engine.endpoints["events"])
    for n in range(TOPICS):
        socket.subscribe(b"default/order/%d/" % n)
    socket.subscribe(b"default/customer/")
    other = engine.subscriber("default/")
    eventually("another one is heard to subscribe", lambda: other.receive(2.0), timeout=60)
    begun = time.monotonic()
    client.do("PutCustomer", {"customer": "seen", "name": "Visto"})
    eventually("and hears what happens", lambda: any(t.endswith("CustomerPut") for t, _ in other.events(0.3)), timeout=20)
    say("after %.1f s" % (time.monotonic() - begun))
    check("so does the one with all the topics", socket.poll(20000) != 0)
    socket.close()
    other.close()


def main():
    with daemon.Engine() as engine:
        client = engine.client(timeout=60)
        shop.furnish(client)
        killed_at_random(engine, client)
        many_topics(engine, client)


main()

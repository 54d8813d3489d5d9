#!/usr/bin/python3
"""The stream under load says what the log says: each event once, with its own command's id, person and trace, while arrays
come in as fast as they go and their memory is used again."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from pedido_raw import request
from story import check, same

ARRAYS, COMMANDS = 40, 200
KEYS = ("position", "type", "command", "actor", "on_behalf_of", "trace", "version", "data")


def told(event):
    return [event.get(key) for key in KEYS]


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        scoped, everything = engine.subscriber("default/"), engine.subscriber("~all/default/")
        begun = scoped.receive(3)[1]["position"]  # a heartbeat: the subscription stands
        sent = []
        for n in range(ARRAYS):
            ids = ["%d-%s-%d" % (n, "x" * (n % 40), i) for i in range(COMMANDS)]
            answers = client.array([
                request("PutCustomer", {"customer": "c%d" % i, "name": "Cliente %s" % id}, id, on_behalf_of="persona " + id,
                        trace="00-%032x-%016x-01" % (n + 1, i + 1)) for i, id in enumerate(ids)])
            assert all(a["ok"] for a in answers), answers
            sent += ids
        log = [told(e) for e in client.log() if e["position"] > begun]
        same("the log has every command, in order", [e[2] for e in log], sent)
        stream = [told(body) for _, body in scoped.events(1.5)]
        wrong = [pair for pair in zip(stream, log) if pair[0] != pair[1]]
        check("the stream says the same, event by event", stream == log, (len(stream), wrong[:1]))
        mirror = [told(body)[1:] for _, body in everything.events(1.5)]
        check("and its mirror under ~all/", mirror == [e[1:] for e in log], len(mirror))


main()

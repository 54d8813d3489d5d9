#!/usr/bin/python3
"""Calls that libpedido sends together, to a real engine: refusals in the midst of arrays, more calls than may be outstanding, an
engine that is killed with arrays under way, and one that tells many of them to come later. Each call ends once, with its own
answer, and nothing is done twice."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from story import check, eventually, same, say

TOGETHER = daemon.program("together")


def wanted(count):
    bad = sum(n % 7 == 3 for n in range(count))
    looks = sum(n % 11 == 5 and n % 7 != 3 for n in range(count))
    return count - bad - looks, bad + looks


def begin(engine, prefix, count):
    return daemon.spawn([TOGETHER, engine.endpoint, prefix, str(count)], stdout=subprocess.PIPE, text=True)


def expect(what, running, count):
    out, _ = running.communicate(timeout=60)
    same(what, (running.returncode, out), (0, "%d accepted, %d refused, 0 wrong\n" % wanted(count)))


def put(client):
    return [e["data"]["customer"] for e in client.log() if e["type"] == "CustomerPut"]


def once(client, prefix, count):
    names = [name for name in put(client) if name.startswith(prefix)]
    same("each customer of %s was put once" % prefix, (len(names), len(set(names))), (wanted(count)[0], wanted(count)[0]))


def main():
    with daemon.Engine() as engine:
        count = 30000
        expect("each call has its own answer", begin(engine, "a", count), count)
        with engine.client() as client:
            once(client, "a", count)
            position = client.ask("Health")["position"]
            running = begin(engine, "b", count)
            eventually("customers come in", lambda: client.ask("Health")["position"] > 200 + position, every=0.01)
        engine.kill()
        check("amid them the engine is killed", running.poll() is None)
        engine.start()
        expect("each call has its own answer all the same", running, count)
        # Three at a time are more than the engine has room for.
        several = [begin(engine, prefix, count) for prefix in "cde"]
        for running in several:
            expect("so it has among others", running, count)
        with engine.client() as client:
            for prefix in "bcde":
                once(client, prefix, count)
            busy = re.search(r'code="busy"} (\d+)', engine.pedido("metrics")[1])
            say("told to come later: %s" % (busy.group(1) if busy else 0))
    say("those that go together end on their own")


main()

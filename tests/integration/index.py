#!/usr/bin/python3
"""What orders are found by: files that a start maps and need not read; killed, taken away, damaged, and always as the rows say."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import NoAnswer, request
from story import check, eventually, same, say

ORDERS, ARRAY, MEMORY = 6000, 500, 2000  # each is found by half a dozen keys: more than stay in memory


def reference(n):
    return "index-%d" % n


def order(n):
    return {"customer": "lopez", "reference": reference(n), "items": [shop.item("std", "tienda-%d.es" % n)]}


def trade(client):
    """Orders with a domain each; every tenth gives it back."""
    for at in range(0, ORDERS, ARRAY):
        add = [request("AddOrder", order(n), "add-%d" % n) for n in range(at, at + ARRAY)]
        cancel = [request("CancelOrder", {"reference": reference(n)}) for n in range(at, at + ARRAY) if n % 10 == 0]
        confirm = [request("ConfirmOrder", {"reference": reference(n)}) for n in range(at, at + ARRAY) if n % 10 != 0]
        answers = client.array(add) + client.array(confirm + cancel)
        assert all(a["ok"] for a in answers), [a for a in answers if not a["ok"]][:1]


def runs(engine):
    return sorted(name for name in os.listdir(os.path.join(engine.data, "index")))


def knows(engine, client, what):
    """Old orders and new ones by what they are known by."""
    some = list(range(1, ORDERS, ORDERS // 40)) + [ORDERS - 1]
    taken = [client.call("AddOrder", {"customer": "lopez", "reference": reference(n), "items": [shop.item("care")]}) for n in some]
    same("%s: a reference is an order's for ever" % what, {a["error"]["code"] for a in taken}, {"reference_taken"})
    held = [client.call("AddOrder", {"customer": "nunez", "items": [shop.item("std", "tienda-%d.es" % n)]}) for n in some if n % 10]
    same("a domain is taken", {a["error"]["code"] for a in held}, {"domain_taken"})
    again = [client.call("AddOrder", order(n), "add-%d" % n) for n in some]
    same("an id is answered as before", [a["data"]["order"] for a in again], [n + 1 for n in some])
    states = {client.do("CheckStatus", {"order": n + 1})["state"] for n in some if n % 10}
    same("an order is found by its number", states, {"new"})


def killed(engine, client):
    engine.restart()
    knows(engine, client, "killed")
    check("nothing is made anew for that", "index_building" not in engine.log())
    freed = client.call("AddOrder", {"customer": "nunez", "items": [shop.item("std", "tienda-10.es")]})
    check("a domain that was given back is free", freed["ok"], freed)
    engine.stop()
    code, said = engine.offline("verify")
    check("verify finds nothing wrong", code == 0, said)


def taken_away(engine, client):
    shutil.rmtree(os.path.join(engine.data, "index"))
    code, said = engine.offline("verify")
    check("without the index all is well", code == 0, said)
    engine.start()
    check("it is made anew", "index_built" in engine.log())
    knows(engine, client, "made anew")
    engine.stop()
    code, said = engine.offline("verify")
    check("and as the rows say", code == 0, said)


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 16]))


def flip_pages(engine):
    """One bit in every page of the oldest file but the first."""
    path = os.path.join(engine.data, "index", runs(engine)[0])
    for at in range(4096 + 7, os.path.getsize(path) - 4096, 4096):
        flip(path, at)


def told(answer):
    return "found" if answer["ok"] else answer["error"]["code"]


def met_by_a_command(client):
    try:
        client.call("AddOrder", dict(order(1), items=[shop.item("care")]), timeout=2)
        check("whoever meets one is not answered", False)
    except NoAnswer:
        pass


def met_by_queries(client):
    answers = set()
    try:
        for n in range(1, ORDERS, 7):
            answers.add(told(client.ask("GetOrder", {"reference": reference(n)}, timeout=2)))
    except NoAnswer:
        pass
    check("nobody is told that an order is not there", answers <= {"found", "shutting_down"}, answers)


def damaged(engine, client):
    flip_pages(engine)
    code, said = engine.offline("verify")
    check("verify tells of pages that are others", code == 1 and "index" in said, said)
    for meet in (met_by_a_command, met_by_queries):
        engine.start()
        meet(client)
        same("and the engine ends", engine.process.wait(20), 1)
        check("which says why", "index_damaged" in engine.log())
        engine.start()
        check("the next start makes it anew", "index_built" in engine.log())
        knows(engine, client, "after that")
        engine.stop()
        if meet is met_by_a_command:
            flip_pages(engine)
    flip(os.path.join(engine.data, "index", runs(engine)[0]), 40)
    code, said = engine.offline("verify")
    check("a head that is another is told", code == 1 and "index" in said, said)
    engine.start()
    knows(engine, client, "without that file")
    engine.stop()


def main():
    with daemon.Engine(arguments=["--index-memory", str(MEMORY)]) as engine:
        client = engine.client(timeout=10)
        shop.furnish(client)
        trade(client)
        eventually("a file is written", lambda: runs(engine) and not any("unfinished" in name for name in runs(engine)))
        say("       %s" % " ".join(runs(engine)))
        knows(engine, client, "as it was written")
        killed(engine, client)
        taken_away(engine, client)
        damaged(engine, client)


main()

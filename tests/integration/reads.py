#!/usr/bin/python3
"""Looking leaves no trace: tens of thousands of reads and refusals change nothing in the log, hold nobody up and make the engine
no larger. And a stop ends no lease: what a worker holds is its own after the restart."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import request
from story import check, same, say

ORDERS, CUSTOMERS, AGAIN, ARRAY, NOTES = 24000, 24000, 120000, 1000, 800


def in_arrays(client, messages):
    return [a for at in range(0, len(messages), ARRAY) for a in client.array(messages[at:at + ARRAY])]


def own_mb(pid):
    """What is mapped of files is the system's, and looking at every row maps all that there is."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("RssAnon"))


def codes(answers):
    return {a["error"]["code"] if not a["ok"] else "ok" for a in answers}


def look(engine, client):
    add = [request("AddOrder", {"customer": "lopez", "items": [shop.item("care")]}) for _ in range(ORDERS)]
    same("orders are added", codes(in_arrays(client, add)), {"ok"})
    put = [request("PutCustomer", {"customer": "c%d" % i, "name": "n" * 200}) for i in range(CUSTOMERS)]
    same("customers as well", codes(in_arrays(client, put)), {"ok"})
    head = client.hello(fresh=True)["head"]
    check_all = [request("CheckStatus", {"order": i + 1}) for i in range(ORDERS)]
    same("each order is looked at", codes(in_arrays(client, check_all)), {"ok"})
    release = [request("ReleaseCustomer", {"customer": "c%d" % i, "reason": "none"}) for i in range(CUSTOMERS)]
    same("a hold that is none is taken from each customer", codes(in_arrays(client, release)), {"invalid_field"})
    before = own_mb(engine.process.pid)
    one = [request("CheckStatus", {"order": 1}) for _ in range(AGAIN)]
    same("one order is looked at again and again", codes(in_arrays(client, one)), {"ok"})
    grown = own_mb(engine.process.pid) - before
    say("       %d MB, and %d more after %d reads" % (before, grown, AGAIN))
    check("the engine grows by no more than an epoch of rows", grown < 64, grown)
    same("the log is as it was", client.hello(fresh=True)["head"], head)
    check("the next command is accepted", client.call("PutCustomer", {"customer": "x", "name": "X"})["ok"])


def search(engine, client):
    """A search looks at every row and keeps what it shows; a page is bounded in bytes as well as in rows."""
    before, began = own_mb(engine.process.pid), time.monotonic()
    nothing = [client.rows("Find", "found", {"text": "Peluquería"}) for _ in range(20)]
    grown, took = own_mb(engine.process.pid) - before, (time.monotonic() - began) / 20
    say("       %d rows in %d ms, %d MB more" % (ORDERS + CUSTOMERS, took * 1000, grown))
    same("nothing is found", nothing, [[]] * 20)
    check("searches make the engine no larger", grown < 16, grown)
    found = client.rows("Find", "found", {"text": "NNÑ"}, limit=1000)
    same("every customer is found once, page by page", len({f["customer"] for f in found}), CUSTOMERS)
    same("and nothing twice", len(found), CUSTOMERS)

    text = "n" * 1100
    same("a customer has many long notes", codes(in_arrays(client, [
        request("AddNote", {"customer": "c1", "text": text}) for _ in range(NOTES)])), {"ok"})
    answer = client.ask("GetCustomerHistory", {"customer": "c1"}, limit=1000)
    check("a page of them is no larger than others", 1 < len(answer["data"]["events"]) < NOTES * 3 / 4 and "next" in answer)
    events = client.rows("GetCustomerHistory", "events", {"customer": "c1"}, limit=1000)
    same("all of them are shown, in order", [e["version"] for e in events], list(range(1, NOTES + 2)))


def stop_with_a_lease(engine, client):
    worker = engine.worker("w1", ["hosting"])
    worker.ready()
    order = shop.walk_to_open(client, shop.item("vps"))
    task = worker.next()
    worker.ready()
    same("SIGTERM ends it", engine.stop(), 0)
    engine.start()
    types = [e["type"] for e in engine.client().log()]
    check("the stop took no lease away", "TaskReleased" not in types[-5:], types[-5:])
    check("the worker's report counts after the restart", engine.worker("w1", ["hosting"]).success(task)["ok"])
    same("and the order is completed", shop.status(engine.client(), order)["state"], "completed")


def main():
    # What is freed is freed, under the address sanitizer as well.
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        look(engine, client)
        search(engine, client)
        stop_with_a_lease(engine, client)
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


main()

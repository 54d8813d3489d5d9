#!/usr/bin/python3
"""Rows are a fold of the log: rebuild makes them anew, verify compares; a row altered on disk is found, and mended."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from damage import alter
from story import check, same, say


def fill(engine, client):
    """Orders in every state that can be reached."""
    shop.furnish(client)
    worker = engine.worker("w1", ["hosting", "mail"], credit=4)
    shop.add(client, shop.item("vps"))
    order = shop.add(client, shop.item("vps"))["order"]
    client.do("ConfirmOrder", {"order": order})
    order = shop.add(client, shop.item("vps"))["order"]
    client.do("CancelOrder", {"order": order, "reason": "prueba"})
    client.do("HoldCustomer", {"customer": "nunez", "reason": "impago"})
    client.do("ReleaseCustomer", {"customer": "nunez", "reason": "impago"})
    shop.walk_to_open(client, shop.item("care"))
    both = shop.walk_to_open(client, shop.item(domain=shop.DOMAIN), shop.item("mail", shop.DOMAIN, quantity=3))
    for _ in range(2):
        task = worker.next()
        if task["item"] == 1:
            worker.success(task, {"login": "https://panel.example", "server": "s7"})
        else:
            worker.failure(task, "no room")
    same("one failed, one not", shop.status(client, both)["state"], "provisioning_failed")
    client.do("RetryProvisioning", {"order": both})
    worker.success(worker.next())
    shop.walk_to_open(client, shop.item("vps"), customer="nunez")
    worker.progress(worker.next(), 10, "empieza")
    worker.close()
    client.do("AddNote", {"order": both, "text": "Llamar el lunes"})
    client.do("AddNote", {"customer": "nunez", "text": "Ya ha pagado"})
    client.do("AddNote", {"subscription": 1, "text": "Quiere PHP 8.3"})
    for i in range(300):
        client.do("PutCustomer", {"customer": "c%d" % i, "name": "Cliente %d" % i})


def picture(client):
    return {kind: client.rows(kind, key) for kind, key in (
        ("ListResellers", "resellers"), ("ListCustomers", "customers"), ("ListPlans", "plans"), ("ListOrders", "orders"),
        ("ListSubscriptions", "subscriptions"))}


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        fill(engine, client)
        before, log = picture(client), client.log()
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)
        code, said = engine.offline("rebuild")
        check("rebuild succeeds", code == 0, said)
        code, said = engine.offline("verify")
        check("and what it made is right", code == 0, said)
        engine.start()
        check("every list is the same", picture(client) == before)
        check("and the log", client.log()[:len(log)] == log)
        engine.stop()

        # In an event the name stands behind its key, in a row behind the id.
        name = b"\xa4c123\xabCliente 123"
        check("a row is altered on disk", alter(engine.data, name, name.replace(b"C", b"K")) > 0)
        code, said = engine.offline("verify")
        say(said.strip().split("\n")[-1][:200])
        same("verify fails with 1", code, 1)
        check("and names it", "customer" in said, said)
        code, said = engine.offline("rebuild")
        check("rebuild mends it", code == 0, said)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)
        engine.start()
        check("every list is the same", picture(client) == before)


main()

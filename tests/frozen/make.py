#!/usr/bin/python3
"""make NAME - a data directory with something of everything, and what the engine that has made it says of it: NAME.tar.xz and
NAME.jsonl. What is there is not made again: that is the point."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import daemon
import pedido_raw
import shop
from looks import looks

KEY = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"  # of nobody


def trade(engine, client):
    """Orders in all kinds of states."""
    worker = engine.worker("w1", ["hosting", "mail"], credit=4)
    done = shop.walk_to_open(client, shop.item(domain=shop.DOMAIN), shop.item("mail", domain="correo.es"), reference="pedido-1")
    for _ in range(2):
        task = worker.next()
        worker.progress(task, 40, "copiando")
        worker.success(task, {"login": "https://panel.example/%d" % task["task"]})
    assert shop.status(client, done)["state"] == "completed"
    failed = shop.walk_to_open(client, shop.item(domain="fallido.es"), reference="pedido-2")
    worker.failure(worker.next(), "no hay sitio", retryable=False)
    assert shop.status(client, failed)["state"] != "completed"
    running = shop.walk_to_open(client, shop.item("vps"), customer="nunez")
    worker.next()
    worker.goodbye()
    worker.close()
    draft = shop.add(client, shop.item("care"), customer="nunez")["order"]
    cancelled = shop.add(client, shop.item("vps"))["order"]
    client.do("CancelOrder", {"order": cancelled, "reason": "el cliente no quiere"})
    client.do("AddNote", {"order": running, "text": "llamar mañana"})
    client.do("HoldCustomer", {"customer": "nunez", "reason": "impago"})
    first = client.rows("ListSubscriptions", "subscriptions")[0]["subscription"]
    client.do("EndSubscription", {"subscription": first, "reason": "el cliente se va"})
    return done, failed, running, draft, cancelled


def main():
    if len(sys.argv) != 2 or os.path.exists(os.path.join(HERE, sys.argv[1] + ".tar.xz")):
        sys.exit(__doc__)
    name = os.path.join(HERE, sys.argv[1])
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        client.do("PutReseller", {"reseller": "sur", "name": "Sur, S. L.", "time_zone": "America/Lima"})
        trade(engine, client)
        client.do("GrantKey", {"key": KEY, "name": "ana", "role": "reseller"})
        client.do("AttachSubscriber", {"subscriber": "contabilidad", "holder": "h1", "from": 1})
        client.do("MoveSubscriber", {"subscriber": "contabilidad", "holder": "h1", "log": client.hello()["log"], "position": 7})
        engine.restart()
        with open(name + ".jsonl", "w", encoding="utf-8") as file:
            for kind, answer in looks(engine):
                file.write(json.dumps([kind, answer], ensure_ascii=False, sort_keys=True) + "\n")
        data = engine.data
        engine.stop()
        subprocess.run(["tar", "-C", os.path.dirname(data), "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-cJf",
                        name + ".tar.xz", os.path.basename(data)], check=True)


if __name__ == "__main__":
    main()

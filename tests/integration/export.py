#!/usr/bin/python3
"""What was completed, for an accountant; what happened, for other programs; and what there is, at a glance."""

import csv
import io
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, same


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        worker = engine.worker("w1", ["hosting", "mail"], credit=4)
        client.do("PutPlan", {"plan": "quoted", "name": 'Copia, "diaria"', "category": "backup", "published": True,
                              "domain": "none", "provisioning": "none"})
        client.do("PutPeriod", {"plan": "quoted", "period": "1m", "enabled": True, "setup_fee": 5, "recurring_fee": 1250,
                                "currency": "EUR"})
        shop.walk_to_open(client, shop.item("quoted", period="1m", quantity=2), reference="a")
        shop.add(client, reference="never completed")
        order = shop.walk_to_open(client, shop.item(domain=shop.DOMAIN), shop.item("care"), reference="b")
        worker.success(worker.next())
        same("two orders are completed", shop.status(client, order)["state"], "completed")
        code, said, talk = engine.pedido("log", "export", "--as", "csv")
        got = rows(said)
        same("a row for each completed item", (code, [(r["reference"], r["item"], r["plan"]) for r in got]),
             (0, [("a", "1", "quoted"), ("b", "1", "std"), ("b", "2", "care")]))
        same("texts are quoted, amounts have their decimals",
             [got[0][name] for name in ("plan_name", "quantity", "setup_fee", "recurring_fee", "total", "currency")],
             ['Copia, "diaria"', "2", "0.05", "12.50", "25.10", "EUR"])
        same("domains are as they are sent", got[1]["domain"], "xn--panadera-lpez-2ib7g.es")
        code, said, talk = engine.pedido("log", "export", "--as", "csv", "--until", "2020-01-01")
        same("none before there was any", (code, rows(said)), (0, []))
        code, said, talk = engine.pedido("log", "export", "--as", "csv", "--from", "+1h")
        same("nor in the future", (code, rows(said)), (0, []))

        code, said, talk = engine.pedido("log", "export", "--as", "cloudevents")
        clouds, log = [json.loads(line) for line in said.splitlines()], client.log()
        same("each event in the envelope of CloudEvents", (code, [int(c["id"]) for c in clouds]), (0, [e["position"] for e in log]))
        last = clouds[-1]
        same("with its source, type, subject and data", (last["specversion"], last["source"], last["type"], last["subject"]), (
            "1.0", "/pedido/%s/default" % client.hello()["log"], "pedido.OrderCompleted", "order/%d" % order))
        code, said, talk = engine.pedido("log", "export", "--from", "-2")
        same("as they are: the last two", (code, [json.loads(line)["position"] for line in said.splitlines()]),
             (0, [e["position"] for e in log][-2:]))
        same("another form is refused", engine.pedido("log", "export", "--as", "xml")[0], 2)

        code, said, talk = engine.pedido("log", "stat", "--json")
        told = json.loads(said)
        same("stat counts every event", (code, told["events"], told["head"]), (0, len(log), len(log)))
        same("by its type", told["types"]["OrderCompleted"], 2)
        code, said, talk = engine.pedido("log", "stat")
        check("and says so to people", code == 0 and "OrderCompleted" in said and client.hello()["log"] in said, said)


main()

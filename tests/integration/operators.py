#!/usr/bin/python3
"""What operators have: the list of tasks, what stands out in it, the repairs; workers and their draining; what is done by hand."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, eventually, same


def rows(engine, *words):
    code, out, said = engine.pedido("task", "list", "--json", *words)
    same("pedido task list %s" % " ".join(words), code, 0)
    return [json.loads(line) for line in out.splitlines()]


def stuck(engine, client):
    """A group that nobody works for stands out; so it does when a worker is there that can do something else."""
    order = shop.walk_to_open(client, shop.item("mail", "uno.es"))
    task = rows(engine)[0]
    eventually("a task that nobody can do says so",
               lambda: rows(engine, "--stuck")[0]["trouble"] == "no_worker", every=0.3)
    code, out, said = engine.pedido("task", "list")
    check("and stands out for people, too", "No worker" in out, out)
    worker = engine.worker("m1", ["mail"])
    worker.next()
    eventually("with a worker nothing is stuck", lambda: rows(engine, "--stuck") == [], every=0.3)
    same("it has it", [(t["task"], t["worker"], t["state"]) for t in rows(engine, "--worker", "m1")],
         [(task["task"], "m1", "leased")])
    same("by group", [t["task"] for t in rows(engine, "--group", "mail", "--state", "leased")], [task["task"]])
    same("by order", [t["order"] for t in rows(engine, "--order", str(order))], [order])
    reference = client.query("GetOrder", {"order": order})["order"]["reference"]
    same("or its reference", [t["order"] for t in rows(engine, "--order", "ref:" + reference)], [order])
    same("none is a day old", rows(engine, "--older-s", "86400"), [])
    return order, task["task"], worker


def repaired(engine, client, order, task, worker):
    for verb in ("fail", "succeed"):
        code, out, said = engine.pedido("task", verb, str(task))
        check("task %s asks for a reason" % verb, code != 0 and "--reason" in said, said)
    code, out, said = engine.pedido("task", "release", str(task), "m1 hangs", "--reason", "somebody else")
    check("one reason, not two", code == 2 and "twice" in said, said)
    code, out, said = engine.pedido("task", "retry", str(task), "it takes too long")
    check("a task that a worker has is not retried", code == 5 and "task_not_waiting" in said, said)
    code, out, said = engine.pedido("task", "release", str(task), "--reason", "m1 hangs", "--on-behalf-of", "ana")
    same("a task is taken from its worker", code, 0)
    again = worker.next()
    same("and handed out under the next lease", (again["task"], again["lease"]), (task, 2))
    failed = worker.failure(again, "the server is busy", retryable=True, code="busy", output="line 1\nline 2")
    check("a failure for now is taken", failed["ok"], failed)
    item = shop.status(client, order)["items"][0]
    same("waits for its next try", (item["waits_for"], item["attempt"]), ("next_try", 2))
    same("task retry waits no longer", engine.pedido("task", "retry", str(task))[0], 0)
    check("its worker has it again", worker.next() is not None)
    same("task fail ends it", engine.pedido("task", "fail", str(task), "wrong server")[0], 0)
    same("and the order is where that leads", shop.status(client, order)["state"], "provisioning_failed")
    code, out, said = engine.pedido("task", "succeed", str(task), "--reason", "too late")
    check("a closed task is not closed again", code == 5 and "RetryProvisioning" in said, said)
    code, out, said = engine.pedido("task", "show", str(task))
    for what in ("Failed", "wrong server", "TaskReleased", "m1 hangs", "line 2", "failed_by_operator"):
        check("task show tells of it: %s" % what, what in out, out)
    story = client.query("GetOrderHistory", {"order": order})["events"]
    taken = [e for e in story if e["type"] == "TaskReleased" and e["data"]["reason"] == "m1 hangs"]
    same("who did it is in the log", [e.get("on_behalf_of") for e in taken], ["ana"])


def by_hand(engine, client):
    shop.put_plan(client, "cert", "Certificado", "cert", "none", provisioning="manual")
    order = shop.walk_to_open(client, shop.item("cert", parameters={"csr": "MIIB"}))
    todo = rows(engine, "--provisioning", "manual")
    same("the to-do list of what is done by hand", [(t["order"], t["plan_name"], t["parameters"]) for t in todo],
         [(order, "Certificado", {"csr": "MIIB"})])
    code, out, said = engine.pedido("task", "succeed", str(todo[0]["task"]), "--reason", "issued", "--param", "serial=17")
    same("somebody has done it", (code, shop.status(client, order)["state"]), (0, "completed"))
    same("the list is empty", rows(engine, "--provisioning", "manual"), [])


def drained(engine, client):
    worker = engine.worker("d1", ["hosting"], credit=5)
    shop.walk_to_open(client, shop.item("vps"))
    task = worker.next()
    code, out, said = engine.pedido("worker", "drain", "nobody")
    same("a worker that is not there is no worker", code, 4)
    same("worker drain", engine.pedido("worker", "drain", "d1")[0], 0)
    shop.walk_to_open(client, shop.item("vps"))
    answer = worker.ready()
    check("the worker is told with its next heartbeat", answer["data"]["drain"], answer)
    check("and gets nothing more", worker.port.receive(0.3) is None and not worker.waiting)
    waiting = lambda: [(t["trouble"], t["group"]) for t in rows(engine, "--stuck")]
    eventually("what waits has nobody to do it", lambda: waiting() == [("no_worker", "hosting")], every=0.3)
    eventually("worker list shows it", lambda: "d1" in engine.pedido("worker", "list")[1], every=0.3)
    roster = json.loads(engine.pedido("worker", "list", "--json")[1])
    mine = [w for w in roster["workers"] if w["worker"] == "d1"][0]
    same("draining, with what it still has", (mine.get("draining"), mine["held"], mine["credit"]), (True, 1, 5))
    check("it finishes that", worker.success(task)["ok"])
    worker.goodbye()
    eventually("and is gone", lambda: "d1" not in engine.pedido("worker", "list")[1], every=0.3)


def left_behind(engine, client):
    """Each answer says what may be done next, to the end: what could not be removed is named in the history."""
    def says(name, code, *words):
        done, out, said = engine.pedido(*words)
        check(name, done == code, (out, said))
        return out + said

    worker = engine.worker("l1", ["hosting"], credit=1)
    worker.success(worker.next())  # what waited already
    order = shop.walk_to_open(client, shop.item("vps"))
    task = worker.next()
    check("it fails for good", worker.failure(task, "no room", retryable=False, output="copying\n\t3 of 7\nno room\n")["ok"])
    text = says("what may be done about it", 0, "order", "status", str(order))
    for hint in ("order retry %d", "order give-up %d --reason REASON", "order correct %d ITEM --domain DOMAIN"):
        check("it says: " + hint % order, hint % order in text, text)
    check("nothing is completed that could be accepted", "accept-partial" not in text, text)
    text = says("history", 0, "order", "history", str(order))
    check("its last line of output", "output no room" in text and "copying" not in text, text)
    text = says("task show", 0, "task", "show", str(task["task"]))
    check("all of its output", "    copying\n        3 of 7\n    no room\n" in text, text)
    text = says("nothing is abandoned before a clean-up has failed", 5, "order", "give-up", str(order), "why", "--abandon")
    check("it says how to give up", "next: pedido order give-up %d --reason REASON" % order in text, text)
    says("give up", 0, "order", "give-up", str(order), "no room")
    check("its removal fails", worker.failure(worker.next(), "no way in", retryable=False)["ok"])
    text = says("the clean-up has failed", 5, "order", "give-up", str(order), "--reason", "no room")
    check("it says how to abandon", "give-up %d --abandon --reason REASON" % order in text, text)
    says("abandoned", 0, "order", "give-up", str(order), "--abandon", "--reason", "no room")
    check("the history names what was left behind", "orphans " + task["instance"] in says("", 0, "order", "history", str(order)))
    check("so does the order", task["instance"] in says("", 0, "order", "show", str(order)))
    subscription = str(client.query("GetOrder", {"order": order})["order"]["items"][0]["subscription"])
    text = says("what is left is listed", 0, "subscription", "list", "--service-status", "removal_failed", "--json")
    check("by subscription", '"subscription":%s,' % subscription in text, text)
    text = says("and can be tried again", 0, "subscription", "show", subscription)
    check("by its task", "next: pedido task retry" in text, text)
    worker.goodbye()
    for words in (("order", "list"), ("subscription", "list")):
        says("a list of nobody's: %s" % words[0], 4, *words, "--customer", "nobody")
        says("and so with --json", 4, *words, "--customer", "nobody", "--json")


def crowd(engine, client):
    """A thousand workers that connect and vanish."""
    head = client.hello(fresh=True)["head"]
    crowd = [engine.worker("c%d" % n, ["crowd"]) for n in range(1000)]
    begun = time.monotonic()
    for worker in crowd:
        worker.port.open()
        worker.ready()
        worker.port.close()
    eventually("a thousand workers that came and went are seen", lambda: client.query("Health")["workers"] > 500)
    same("an order is taken as ever", shop.status(client, shop.walk_to_open(client, shop.item("care")))["state"], "completed")
    eventually("and they are forgotten after a lease's time", lambda: client.query("Health")["workers"] < 10, timeout=30)
    check("nothing of them is in the log", client.hello(fresh=True)["head"] <= head + 8, time.monotonic() - begun)


def main():
    with daemon.Engine(lease_ms=6000) as engine:
        client = engine.client()
        shop.furnish(client)
        order, task, worker = stuck(engine, client)
        repaired(engine, client, order, task, worker)
        by_hand(engine, client)
        drained(engine, client)
        left_behind(engine, client)
        crowd(engine, client)
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


main()

#!/usr/bin/python3
"""Same id, same reply, byte for byte: every command that appends, single and in an array, before and after a restart."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import msgpack
import schema_rows
import shop
from pedido_raw import pack, request, unpack
from story import check, same, say


def raw(client, message):
    """The bytes of a single command's answer."""
    client.commands.send([pack(dict(message, reseller="default"))])
    return client.commands.receive(10)[-1]


def raw_array(client, messages):
    """The bytes of each element of an array's answer."""
    client.commands.send([pack([dict(m, reseller="default") for m in messages])])
    frame = client.commands.receive(10)[-1]
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(frame)
    parts, count = [], unpacker.read_array_header()
    for _ in range(count):
        at = unpacker.tell()
        unpacker.skip()
        parts.append(frame[at:unpacker.tell()])
    return parts


def raw_report(worker, kind, task, id, **data):
    data.update(worker=worker.name, task=task["task"], lease=task["lease"])
    worker.port.send([pack(request(kind, data, id, reseller="default"))])
    while True:
        frame = worker.port.receive(10)[-1]
        if unpack(frame).get("id") == id:
            return frame


def commands():
    """One accepted command of each type, in an order in which each is possible; worker's reports come in between."""
    vps = [shop.item("vps")]
    yield request("PutReseller", {"reseller": "default", "name": "D", "time_zone": "Europe/Madrid"}, "i-reseller")
    yield request("PutPlan", {"plan": "vps", "name": "VPS", "category": "server", "published": True, "domain": "none",
                              "worker_group": "hosting"}, "i-plan")
    yield request("PutPeriod", {"plan": "vps", "period": "1y", "enabled": True, "setup_fee": 0, "recurring_fee": 500,
                                "currency": "EUR"}, "i-period")
    yield request("PutCustomer", {"customer": "lopez", "name": "López"}, "i-customer")
    yield request("HoldCustomer", {"customer": "lopez", "reason": "impago"}, "i-hold")
    yield request("ReleaseCustomer", {"customer": "lopez", "reason": "impago"}, "i-release")
    yield request("AddOrder", {"customer": "lopez", "items": vps, "reference": "r-1"}, "i-add")
    yield request("UpdateOrder", {"order": 1, "items": vps * 2}, "i-update")
    yield request("ConfirmOrder", {"order": 1, "total": 1000}, "i-confirm", expect=2, on_behalf_of="ana")
    yield request("OpenOrder", {"reference": "r-1"}, "i-open")
    yield request("AddOrder", {"customer": "lopez", "items": vps}, "i-add-2")
    yield request("CancelOrder", {"order": 2, "reason": "otra vez será"}, "i-cancel")
    yield request("AddNote", {"order": 2, "text": "Ha llamado, está conforme"}, "i-note", on_behalf_of="ana")
    yield request("SkipEvent", {"subscriber": "mail", "position": 1}, "i-skip")
    yield request("GrantKey", {"key": "uid/4000000000", "name": "nobody", "role": "monitor"}, "i-grant")
    yield request("RevokeKey", {"key": "uid/4000000000", "reason": "nobody needs it"}, "i-revoke")


def compare(client, worker, asked, reports, when):
    for message, first in asked:
        if raw(client, message) != first:
            check("%s %s: the same bytes" % (message["type"], when), False)
    say("ok     %d single commands %s: the same bytes" % (len(asked), when))
    parts = raw_array(client, [message for message, _ in asked])
    for (message, first), part in zip(asked, parts):
        if part != first:
            check("%s in an array %s: the same bytes" % (message["type"], when), False, [unpack(first), unpack(part)])
    say("ok     the same in one array %s" % when)
    for (kind, task, id, data), first in reports:
        same("%s %s: the same bytes" % (kind, when), raw_report(worker, kind, task, id, **data), first)


def covered(asked, reports):
    done = {m["type"] for m, _ in asked} | {r[0][0] for r in reports}
    wanted = {b.Name for b in schema_rows.blocks().values()
              if b.kind == "command" and not b.reads and b.port in ("commands", "workers")}
    same("every type of command that appends is among them", sorted(done), sorted(wanted))


def reused(client):
    taken = [
        ("another type", request("PutCustomer", {"customer": "x", "name": "X"}, "i-plan")),
        ("other data", request("PutCustomer", {"customer": "lopez", "name": "Otro"}, "i-customer")),
        ("another expect", request("ConfirmOrder", {"order": 1, "total": 1000}, "i-confirm", expect=3, on_behalf_of="ana")),
        ("another on_behalf_of", request("ConfirmOrder", {"order": 1, "total": 1000}, "i-confirm", expect=2))]
    for what, message in taken:
        same("an id with %s is refused" % what, unpack(raw(client, message))["error"]["code"], "id_reused")
    north = dict(request("PutCustomer", {"customer": "x", "name": "X"}, "i-customer"), reseller="norte")
    client.do("PutReseller", {"reseller": "norte", "name": "Norte"})
    client.commands.send([pack(north)])
    check("another reseller's ids are its own", unpack(client.commands.receive(10)[-1])["ok"])


class Recorder:
    """What was sent and how it was answered, byte by byte."""

    def __init__(self, client, worker):
        self.client, self.worker, self.asked, self.reports = client, worker, [], []

    def ask(self, message):
        self.asked.append((message, raw(self.client, message)))
        check(message["type"] + " is accepted", unpack(self.asked[-1][1])["ok"], unpack(self.asked[-1][1]))

    def report(self, kind, task, id, **data):
        self.reports.append(((kind, task, id, data), raw_report(self.worker, kind, task, id, **data)))
        check(kind + " is accepted", unpack(self.reports[-1][1])["ok"], unpack(self.reports[-1][1]))


def repairs(r):
    """The failed item of order 1 goes through the hands of worker, operators and reseller."""
    r.ask(request("RetryProvisioning", {"order": 1}, "i-retry"))
    r.report("ReportRelease", r.worker.next(), "i-give-back", reason="not today")
    task = r.worker.next()["task"]
    r.ask(request("ReleaseTask", {"task": task, "reason": "it hangs"}, "i-release-task"))
    r.report("ReportFailure", r.worker.next(), "i-not-now", retryable=True, output="line 1\nline 2")
    r.ask(request("RetryTask", {"task": task}, "i-retry-task"))
    r.ask(request("FailTask", {"task": task, "reason": "wrong server"}, "i-fail-task"))
    r.ask(request("CorrectItem", {"order": 1, "item": 2, "parameters": {"size": "s"}}, "i-correct"))
    r.ask(request("SucceedTask", {"task": task + 1, "reason": "removed by hand"}, "i-succeed-task"))
    r.ask(request("AcceptPartial", {"order": 1}, "i-accept"))
    r.ask(request("EndSubscription", {"subscription": 1, "reason": "moved"}, "i-end"))
    r.ask(request("AddOrder", {"customer": "lopez", "items": [shop.item("vps")]}, "i-add-3"))
    r.ask(request("ConfirmOrder", {"order": 3}, "i-confirm-3"))
    r.ask(request("OpenOrder", {"order": 3}, "i-open-3"))
    r.ask(request("FailTask", {"task": task + 3, "reason": "no server"}, "i-fail-3"))
    r.ask(request("GiveUp", {"order": 3, "reason": "no server"}, "i-give-up"))
    r.ask(request("ImportSubscription", {"customer": "lopez", "plan": "vps", "period": "1y", "start": 1, "expiration": 2,
                                         "reference": "old-1"}, "i-import"))


def refusals(client):
    late = request("AddOrder", {"customer": "later", "items": [shop.item("vps")]}, "i-refused")
    same("a command is refused", unpack(raw(client, late))["error"]["code"], "customer_not_found")
    client.do("PutCustomer", {"customer": "later", "name": "Later"})
    same("its id stays refused when it would be possible", unpack(raw(client, late))["error"]["code"], "customer_not_found")
    check("with a new id it is accepted", unpack(raw(client, dict(late, id="i-new")))["ok"])
    dry = request("PutCustomer", {"customer": "dry", "name": "Dry"}, "i-dry", dry_run=True)
    check("a dry run is answered", unpack(raw(client, dry))["ok"])
    real = {key: value for key, value in dry.items() if key != "dry_run"}
    check("and its id is still free", unpack(raw(client, real))["ok"])


def main():
    with daemon.Engine(lease_ms=60000) as engine:
        client, worker = engine.client(), engine.worker("w1", ["hosting"], credit=2)
        client.call("AttachSubscriber", {"subscriber": "mail", "holder": "h"})
        r = Recorder(client, worker)
        for message in commands():
            r.ask(message)
        one, two = worker.next(), worker.next()
        r.report("ReportProgress", one, "i-progress", progress=40)
        r.report("ReportSuccess", one, "i-success")
        r.report("ReportFailure", two, "i-failure", message="no")
        repairs(r)
        asked, reports = r.asked, r.reports
        covered(asked, reports)
        head = client.hello(fresh=True)["head"]

        compare(client, worker, asked, reports, "again")
        engine.restart()
        compare(client, worker, asked, reports, "after kill -9")
        log = [e for e in client.log() if e["type"] not in ("TaskLeased", "TaskReleased")]
        ids = [e["command"] for e in log]
        check("nothing was done twice", all(
            b - a == 1 for id in set(ids) for a, b in zip(*(lambda at: (at, at[1:]))(
                [i for i, other in enumerate(ids) if other == id]))), ids)
        check("and the log is as long as it was, but for leases", len(log) <= head, (len(log), head))
        reused(client)
        refusals(client)


main()

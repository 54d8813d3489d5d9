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
        asked, reports = [], []
        for message in commands():
            asked.append((message, raw(client, message)))
            check(message["type"] + " is accepted", unpack(asked[-1][1])["ok"], unpack(asked[-1][1]))
        one, two = worker.next(), worker.next()
        for report in (("ReportProgress", one, "i-progress", {"progress": 40}), ("ReportSuccess", one, "i-success", {}),
                       ("ReportFailure", two, "i-failure", {"message": "no"})):
            reports.append((report, raw_report(worker, report[0], report[1], report[2], **report[3])))
            check(report[0] + " is accepted", unpack(reports[-1][1])["ok"], unpack(reports[-1][1]))
        retry = request("RetryProvisioning", {"order": 1}, "i-retry")
        asked.append((retry, raw(client, retry)))
        check("RetryProvisioning is accepted", unpack(asked[-1][1])["ok"])
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

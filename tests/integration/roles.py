#!/usr/bin/python3
"""roles - every cell of roles.txt: the table that `pedido schema --roles` prints says the same, and a real engine does it. Each
message is sent under each role's key about what is its own and about what is foreign."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import daemon
import guarded
import pedido_raw
from story import check, same

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "..", "proto", "vectors", "vectors.jsonl")
# Each role of the table: what is granted, and whether of one reseller.
GRANTS = {
    "admin": ("admin", {"all": True}), "operator": ("operator", {"all": True}), "operator-of-one": ("operator", {}),
    "reseller": ("reseller", {}), "customer": ("customer", {"customer": "ana"}), "monitor": ("monitor", {"all": True}),
    "monitor-of-one": ("monitor", {}), "worker": ("worker", {"all": True}),
}
NOT_THERE = {"reseller": "reseller_not_found", "customer": "customer_not_found"}


def written():
    """{message: {role: reach}} as people wrote it."""
    with open(os.path.join(HERE, "roles.txt"), encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {row[0]: dict(zip(rows[0][1:], row[1:])) for row in rows[1:]}


def printed():
    out = subprocess.run([daemon.program("pedido"), "schema", "--roles", "--json"], check=True, stdout=subprocess.PIPE).stdout
    return {one["message"]: one["roles"] for one in map(json.loads, out.decode().splitlines())}


def examples():
    """{message: (port, data)}: one of each, that any door lets in."""
    found = {}
    schema = subprocess.run([daemon.program("pedido"), "schema", "--json"], check=True, stdout=subprocess.PIPE).stdout
    ports = {one["type"]: one["port"] for one in map(json.loads, schema.decode().splitlines()) if "port" in one}
    with open(VECTORS, encoding="utf-8") as file:
        for line in file:
            vector = json.loads(line)
            if vector["kind"] in ("command", "query") and vector["type"] in ports:
                found.setdefault(vector["type"], (ports[vector["type"]], vector["value"]))
    return found


class Guest:
    """Sends any message under a role's key to the port that it is for."""

    def __init__(self, engine, role):
        grant, more = GRANTS[role]
        self.name = role
        keys = engine.grant(role, grant, reseller="norte", **more)
        self.ports = {port: pedido_raw.Port(engine.tcp[port], keys) for port in ("commands", "queries", "workers")}

    def send(self, kind, port, data, id, **envelope):
        """The answer, and its bytes."""
        message = pedido_raw.request(kind, data, id, **envelope)
        return self.ports[port].ask(pedido_raw.pack(message), lambda a: isinstance(a, dict) and a.get("id") == id, 20.0)

    def close(self):
        for port in self.ports.values():
            port.close()


def code_of(answer):
    return "ok" if answer["ok"] else answer["error"]["code"]


def own(role, data):
    """The message about what is the role's own."""
    data = {key: value for key, value in data.items() if key != "all"}
    if "customer" in data and role == "customer":
        data["customer"] = "ana"
    if "worker" in data:
        data["worker"] = role + ".1"
    if "groups" in data:
        data["groups"] = ["hosting"]
    return data


def cell(guest, reach, kind, port, data, tell):
    """One cell: own and foreign. Dry where it can be, so that one cell changes nothing for the next."""
    dry = {"dry_run": True} if port == "commands" and kind not in NO_DRY_RUN else {}
    mine = own(guest.name, data)
    code = code_of(guest.send(kind, port, mine, tell("own"), reseller="norte", **dry)[0])
    if reach == "none":
        check("%s may not send %s" % (guest.name, kind), code == "not_authorised", code)
    else:
        check("%s may send %s" % (guest.name, kind), code not in ("not_authorised", "reseller_not_found"), code)
    foreign, _ = guest.send(kind, port, mine, tell("foreign"), reseller="sur", **dry)
    code = code_of(foreign)
    if reach == "none":
        check("%s may not send %s about another's" % (guest.name, kind), code == "not_authorised", code)
    elif reach in ("all", "worker"):
        check("%s may send %s about any reseller's" % (guest.name, kind),
              code not in ("not_authorised", "reseller_not_found"), code)
    else:
        _, there = guest.send(kind, port, mine, tell("same"), reseller="sur", **dry)
        _, nowhere = guest.send(kind, port, mine, tell("same"), reseller="nadie", **dry)
        check("%s: to %s another reseller's is as one that there is not" % (kind, guest.name),
              code == "reseller_not_found" and there == nowhere, (code, there, nowhere))
    if reach == "customer":
        answers = [guest.send(kind, port, dict(mine, customer=who), tell("who"), reseller="norte") for who in ("bruno", "nadie")]
        check("%s: to %s another customer is as one that there is not" % (kind, guest.name),
              code_of(answers[0][0]) == "customer_not_found" and answers[0][1] == answers[1][1], answers)
    if reach == "worker":
        code = code_of(guest.send(kind, port, dict(mine, worker="otro"), tell("worker"), reseller="norte")[0])
        check("%s: under another's name %s may not" % (kind, guest.name), code == "not_authorised", code)
    return 2


# What is answered at once, and has nothing to try.
NO_DRY_RUN = ("Hello", "CheckStatus", "DrainWorker", "AttachSubscriber", "MoveSubscriber", "DetachSubscriber", "DeleteSubscriber")


def the_table_says_what_was_written():
    wanted, found = written(), printed()
    same("the messages", sorted(found), sorted(wanted))
    for message, roles in wanted.items():
        same(message, found[message], roles)


def an_engine_does_what_the_table_says():
    wanted, known, cells = written(), examples(), 0
    same("an example of each", sorted(set(wanted) - set(known)), [])
    with guarded.Guarded() as engine:
        with engine.client() as admin:
            for reseller in ("norte", "sur"):
                admin.do("PutReseller", {"reseller": reseller, "name": reseller})
        for reseller in ("norte", "sur"):
            with engine.client(reseller=reseller) as admin:
                for customer in ("ana", "bruno"):
                    admin.do("PutCustomer", {"customer": customer, "name": customer})
        for role in GRANTS:
            guest = Guest(engine, role)
            for kind, roles in wanted.items():
                port, data = known[kind]
                cells += cell(guest, roles[role], kind, port, data, lambda what: "%s-%s-%s" % (role, kind, what))
            guest.close()
    same("cells, each with its own and with foreign things", cells, 2 * len(GRANTS) * len(wanted))
    print("%d cells" % cells)


the_table_says_what_was_written()
an_engine_does_what_the_table_says()

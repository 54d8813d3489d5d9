#!/usr/bin/python3
"""The seed's fourteen steps by the command line's verbs; exit statuses by refusal class; --json; the same id again."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, eventually, same, say

CATALOGUE = os.path.join(daemon.ROOT, "clients", "cli", "examples", "catalogue.json")
PLAN, MAIL = "hosting-std", "mail-basic"


class Shell:
    """`pedido` with the endpoint in its environment."""

    def __init__(self, engine):
        self.engine = engine

    def run(self, *words, status=0):
        code, out, err = self.engine.pedido(*words)
        if code != status:
            check("pedido %s ends with %d" % (" ".join(words), status), False, (code, out, err))
        return out, err

    def json(self, *words, status=0):
        """Each line of stdout as an object."""
        out, _ = self.run(*words, "--json", status=status)
        return [json.loads(line) for line in out.splitlines()]


def steps(shell, engine):
    """The numbers are the seed's."""
    out, _ = shell.run("ping")
    say("ok     1  the engine answers")
    out, _ = shell.run("plan", "import", CATALOGUE)
    check("2  the catalogue is imported", "5" in out or "hosting-std" in out, out)
    shell.run("customer", "put", "lopez", "Panadería López")
    out, _ = shell.run("customer", "list", "López")
    check("3-4  the customer is found by name", "lopez" in out and "Panadería López" in out, out)
    out, _ = shell.run("plan", "list", "estándar")
    check("5-6  the plan by a part of its name", PLAN in out and shop.HOSTING in out, out)
    check("7  and it alone", MAIL not in out, out)
    out, _ = shell.run("plan", "periods", PLAN)
    check("8  with its periods and fees", "1m" in out and "1y" in out and "99.00" in out.replace(",", "."), out)
    out, err = shell.run("order", "add", "lopez", "--plan", PLAN, "--period", "1y", "--domain", shop.DOMAIN)
    check("9-10  the order is added: its review", shop.DOMAIN in out and "99.00" in out.replace(",", "."), out)
    check("stderr says what is next", "pedido order confirm 1" in out + err, (out, err))
    order = shell.json("order", "show", "1")[0]["order"]
    same("11  to be verified", (order["state"], order["total"], order["items"][0]["domain_unicode"]), ("draft", 9900, shop.DOMAIN))
    shell.run("order", "confirm", "1", "--total", "99.00")
    same("confirmed", shell.json("order", "list")[0]["state"], "new")
    out, err = shell.run("order", "status", "1")
    check("12  the order is New", "new" in out.lower() and "pedido order open 1" in out + err, (out, err))
    shell.run("order", "open", "1")
    say("ok     13  opened")
    out, _ = shell.run("order", "status", "1", "--wait=0.3", status=11)
    check("14  its status says what it waits for", "hosting" in out, out)
    script = os.path.join(engine.place, "provision.sh")
    with open(script, "w") as file:
        file.write("#!/bin/sh\n[ \"$PEDIDO_ATTEMPT.$PEDIDO_ORDER\" = 1.2 ] && { echo 'no room' >&2; exit 1; }\n"
                   "echo 50%%; echo '{\"login\":\"https://panel.example/%s\"}'\n" % "lopez")
    os.chmod(script, 0o755)
    worker = engine.pedido_worker("--group", "hosting", "--group", "mail", "--exec", script, "--name", "w1")
    out, _ = shell.run("order", "status", "1", "--wait")
    check("completed", "completed" in out.lower(), out)
    out, _ = shell.run("panel", "lopez")
    check("the customer's panel shows the service, ready to use",
          shop.HOSTING in out and shop.DOMAIN in out and "https://panel.example/lopez" in out, out)
    return worker


def second_order(shell):
    shell.run("customer", "put", "nunez", "Café Núñez")
    shell.run("order", "add", "nunez", "--plan", MAIL, "--period", "1m", "--domain", "café-núñez.es")
    shell.run("order", "confirm", "2")
    shell.run("order", "open", "2")
    out, err = shell.run("order", "status", "2", "--wait", status=11)
    check("a failed provisioning is told, and how to go on", "no room" in out and "pedido order retry 2" in out + err, (out, err))
    shell.run("order", "retry", "2")
    shell.run("order", "status", "2", "--wait")
    types = [e["type"] for e in shell.json("order", "history", "2")]
    check("its history has the retry", "OrderRetried" in types and types[-1] in ("OrderCompleted", "SubscriptionActivated"), types)
    shell.run("order", "add", "nunez", "--plan", "licencia-oficina", "--period", "1m", "--quantity", "3")
    shell.run("order", "update", "3", "--plan", "licencia-oficina", "--period", "1y", "--quantity", "2")
    shell.run("order", "cancel", "3", "otra vez será")
    same("updated, then cancelled", [(o["state"], o["total"]) for o in shell.json("order", "list", "--state", "cancelled")],
         [("cancelled", 17000)])


def statuses(shell, engine):
    for words, status in (
            (("order", "add", "lopez", "--plan", PLAN, "--period", "1y", "--domain", "co.uk"), 3),
            (("order", "status", "99"), 4), (("customer", "show", "nobody"), 4),
            (("order", "open", "1"), 5),
            (("order", "add", "nunez", "--plan", PLAN, "--period", "1y", "--domain", shop.DOMAIN), 5),
            (("order", "fly", "1"), 2), (("order", "add"), 2), (("fly",), 2)):
        out, err = shell.run(*words, status=status)
        check("%d: pedido %s" % (status, " ".join(words)), out == "" and err != "", (out, err))
    shell.run("customer", "hold", "nunez", "impago")
    shell.run("order", "add", "nunez", "--plan", PLAN, "--period", "1y", "--domain", "otra.es", status=6)
    shell.run("customer", "release", "nunez", "impago")
    say("ok     6: an order for a customer on hold")
    begun = time.monotonic()
    code, out, err = daemon.Engine().pedido("ping", "--timeout", "0.3")
    check("10: nobody answers, and it says that it tried again", code == 10 and err != "", (code, err))
    check("in bounded time", time.monotonic() - begun < 10)


def formats(shell, engine):
    before = shell.json("order", "list")
    check("a list is one compact object a line, in full", len(before) == 3 and [o["order"] for o in before] == [1, 2, 3])
    same("--limit is a limit", len(shell.json("order", "list", "--limit", "2")), 2)
    subscriptions = shell.json("subscription", "list")
    same("two active subscriptions", [s["status"] for s in subscriptions], ["active", "active"])
    check("times are RFC 3339", subscriptions[0]["start"][4] == "-" and subscriptions[0]["start"].endswith("Z"), subscriptions[0])
    first, _ = shell.run("customer", "put", "same", "Same", "--id", "the-id", "--json")
    again, _ = shell.run("--json", "--id", "the-id", "customer", "put", "same", "Same")
    same("the same id, the same answer; options before or after the verb", again, first)
    shell.run("customer", "put", "same", "Other", "--id", "the-id", status=5)
    shell.run("customer", "put", "ghost", "Ghost", "--dry-run")
    shell.run("customer", "show", "ghost", status=4)
    say("ok     a dry run changes nothing")
    same("send: any message", shell.json("send", "GetCustomer", "customer=same")[0]["customer"]["name"], "Same")
    out, _ = shell.run("schema")
    check("schema prints every message", "AddOrder" in out and "GetPanel" in out)
    shell.run("reseller", "put", "norte", "Norte", "--time-zone", "America/Mexico_City")
    same("another reseller's orders are its own", shell.json("order", "list", "--reseller", "norte"), [])
    tail = daemon.spawn([daemon.program("pedido"), "--endpoint", engine.endpoint, "events", "tail", "--json"],
                        stdout=open(os.path.join(engine.place, "tail"), "wb"))
    path = os.path.join(engine.place, "tail")

    def tailed():
        shell.run("customer", "put", "seen", "Seen")
        with open(path) as file:
            return "CustomerPut" in file.read()
    eventually("events tail prints what happens, line by line", tailed)
    same("and ends with 0 when told to", daemon.end(tail), 0)


def bad_catalogue(shell, engine):
    path = os.path.join(engine.place, "bad.json")
    with open(CATALOGUE, encoding="utf-8") as file:
        catalogue = json.load(file)
    catalogue["plans"][0]["name"] = 7
    catalogue["plans"][1]["domain"] = "sometimes"
    catalogue["plans"][2]["periods"][0]["period"] = "1w"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(catalogue, file, indent=1)
    before = shell.json("plan", "list")
    code, out, err = engine.pedido("plan", "import", path)
    lines = [line for line in err.splitlines() if "bad.json" in line or "line" in line]
    check("a catalogue with three errors: all three are named", code not in (0, 10) and all(
        word in err for word in ("name", "domain", "period")) and len(lines) >= 3, (code, out, err))
    same("and nothing of it is put", shell.json("plan", "list"), before)
    with open(CATALOGUE, "rb") as whole, open(path, "wb") as file:
        file.write(whole.read() + b"\0more")
    code, out, err = engine.pedido("plan", "import", path)
    check("one that goes on behind a byte 0 is not read half", code not in (0, 10) and "byte 0" in err, (code, out, err))
    shell.run("plan", "import", CATALOGUE)
    same("importing the same again changes nothing", shell.json("plan", "list"), before)


def main():
    with daemon.Engine() as engine:
        shell = Shell(engine)
        worker = steps(shell, engine)
        second_order(shell)
        statuses(shell, engine)
        formats(shell, engine)
        bad_catalogue(shell, engine)
        same("the worker ends with 0", daemon.end(worker), 0)


main()

#!/usr/bin/python3
"""What makes the command line handy: contexts, completion in three shells, the manual, --like, filtered events, two languages."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, eventually, same

HOSTING = ("--plan", "hosting-std", "--period", "1y")


class Person:
    def __init__(self, engine):
        self.engine = engine

    def does(self, *words, status=0, **environment):
        code, out, err = self.engine.pedido(*words, **environment)
        if code != status:
            check("pedido %s ends with %d" % (" ".join(words), status), False, (code, out, err))
        return out, err

    def sees(self, *words, **environment):
        return [json.loads(line) for line in self.does(*words, "--json", **environment)[0].splitlines()]

    def shell(self, *arguments):
        done = subprocess.run(arguments, env=self.engine.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        return done.stdout.decode().split("\n"), done.stderr.decode()


def furnish(person):
    person.does("plan", "import", os.path.join(daemon.ROOT, "clients", "cli", "examples", "catalogue.json"))
    person.does("customer", "put", "lopez", "Panadería López")
    person.does("customer", "put", "nunez", "Café Núñez")
    person.does("order", "add", "lopez", *HOSTING, "--domain", shop.DOMAIN, "--plan", "mail-basic", "--period", "1m", "--domain",
                shop.DOMAIN, "--plan", "licencia-oficina", "--period", "1m", "--quantity", "3")


def like_another(person):
    _, err = person.does("order", "add", "nunez", "--like", "1", status=2)
    check("another customer cannot have the same name", "--domain is missing" in err and shop.DOMAIN in err, err)
    out, err = person.does("order", "add", "nunez", "--like", "1", "--domain", "cafe-nunez.es")
    check("its review says whose it is, and what is next", "nunez" in out and "pedido order confirm 2" in err, (out, err))
    order = person.sees("order", "show", "2")[0]["order"]
    same("the same plans, periods and quantities, the new name where there was one",
         [(i["plan"], i["period"], i["quantity"], i.get("domain")) for i in order["items"]],
         [("hosting-std", "1y", 1, "cafe-nunez.es"), ("mail-basic", "1m", 1, "cafe-nunez.es"), ("licencia-oficina", "1m", 3, None)])
    person.does("order", "add", "--like", "2", "--domain", "tienda.cafe-nunez.es", "--reference", "again")
    same("without a customer it is the same one", person.sees("order", "show", "ref:again")[0]["order"]["customer"], "nunez")


    _, err = person.does("order", "add", "--like", "1", "--period", "1y", status=2)
    check("what would be passed over is refused", "--period does not go with --like" in err, err)
    person.does("order", "add", "--like", "2", "--customer", "lopez", "--domain", "otra.panaderia-lopez.es", "--reference", "third")
    same("--customer says it as well", person.sees("order", "show", "ref:third")[0]["order"]["customer"], "lopez")


def what_is_not_said_stays(person):
    person.does("customer", "put", "ana", "Ana", "--email", "ana@example.es")
    person.does("customer", "put", "ana", "Ana María")
    same("a customer's e-mail", person.sees("customer", "show", "ana")[0]["customer"]["email"], "ana@example.es")
    person.does("plan", "put", "vps", "VPS", "--category", "server", "--domain", "none", "--worker-group", "big")
    person.does("plan", "put", "vps", "--name", "VPS Mini")
    plan = person.sees("plan", "show", "vps")[0]["plan"]
    same("a plan's group, category and domain", (plan["name"], plan["worker_group"], plan["category"], plan["domain"]),
         ("VPS Mini", "big", "server", "none"))
    person.does("plan", "period", "vps", "1m", "--currency", "EUR", "--setup-fee", "5", "--recurring-fee", "9.90")
    person.does("plan", "period", "vps", "1m", "--recurring-fee", "12")
    period = person.sees("plan", "periods", "vps")[0]
    same("a period's setup fee and currency; a renewal that was the recurring fee goes on being it",
         (period["setup_fee"], period["recurring_fee"], period["renewal_fee"], period["currency"]), (500, 1200, 1200, "EUR"))
    person.does("plan", "period", "vps", "1y", "--currency", "EUR", "--setup-fee", "0", "--recurring-fee", "1",
                "--renewal-fee-minor", str(2 ** 62))
    person.does("order", "add", "ana", "--plan", "vps", "--period", "1y", "--quantity", "4", "--reference", "dear")
    out, _ = person.does("order", "show", "ref:dear")
    check("a renewal fee that does not fit four times is shown once", "46116860184273879.04 EUR" in out, out)
    person.does("order", "cancel", "ref:dear")


def two_languages(person):
    out, err = person.does("order", "show", "1", "--lang", "es")
    check("the sheet, in Spanish", all(word in out + err for word in (
        "Pedido 1", "Borrador", "cuota periódica", "1 año", "Confirmar pedido")), (out, err))
    person.does("order", "confirm", "1")
    out, err = person.does("order", "status", "1", LANG="es_ES.UTF-8")
    check("by the locale, though it is not installed", "Nuevo" in out and "Abrir pedido" in err, (out, err))
    _, err = person.does("order", "confirm", "1", "--lang=es", status=5)
    check("a refusal, with the names of states and commands", "rechazado (illegal_transition)" in err and "Nuevo" in err and
          "Confirmar pedido" in err and "Abrir pedido" in err, err)
    _, err = person.does("order", "add", "lopez", "--plan", "hosting-std", "--period", "x", "--lang", "es", status=3)
    check("what is expected, too", "10 años" in err, err)
    out, _ = person.does("order", "add", "--help", "--lang", "es")
    check("help", "uso: pedido order add" in out and "plan" in out, out)
    _, err = person.does("order", "sohw", "1", "--lang", "es", status=2)
    check("what is wrong with the words", "order show" in err and "there is no" not in err, err)
    for words in (("order", "show", "1"), ("plan", "list"), ("order", "history", "1")):
        same("--json never changes: %s" % " ".join(words), person.sees(*words, "--lang", "es"), person.sees(*words))


def contexts(person):
    other = "ipc://%s/nobody" % person.engine.place
    nowhere = {"PEDIDO_ENDPOINT": ""}
    person.does("context", "add", "live", "--endpoint", person.engine.endpoint, **nowhere)
    person.does("context", "add", "spare", "--endpoint", other, "--reseller", "norte", **nowhere)
    same("the first one is in use", [(c["context"], c["used"]) for c in person.sees("context", "list")],
         [("live", True), ("spare", False)])
    person.does("ping", **nowhere)
    person.does("ping", "--timeout", "0.2", "--context", "spare", status=10, **nowhere)
    person.does("context", "use", "spare")
    person.does("ping", "--timeout", "0.2", status=10, **nowhere)
    person.does("ping", "--context", "live", **nowhere)
    person.does("ping", "--reseller", "default")
    check("the environment goes before the one in use, the option before the environment", True)
    person.does("ping", "--timeout", "0.2", "--context", "spare", status=10)
    there = ("order", "list", "--endpoint", person.engine.endpoint)
    same("an option goes before the context's reseller", person.sees(*there, "--reseller", "default")[0]["order"], 1)
    person.does(*there, status=4)
    person.does("context", "use", "none", **nowhere)
    person.does("ping", "--context", "live", **nowhere)
    person.does("context", "add", "spare", "--reseller", "sur")
    kept = {c["context"]: c["endpoint"] for c in person.sees("context", "list")}
    same("what is not said again stays", kept["spare"], other)
    path = os.path.join(person.engine.place, "pedido", "contexts.json")
    same("the file is its owner's alone", os.stat(path).st_mode & 0o777, 0o600)
    _, err = person.does("context", "use", "liev", status=2)
    check("a name that is spelled otherwise", "live" in err, err)
    many = [daemon.spawn([daemon.program("pedido"), "context", "add", "c%d" % n, "--reseller", "r"], stderr=subprocess.DEVNULL,
                         env=person.engine.environment()) for n in range(12)]
    same("twelve at a time", [one.wait(20) for one in many], [0] * 12)
    same("are all kept", len(person.sees("context", "list")), 14)
    with open(path, "w") as file:
        file.write("{")
    _, err = person.does("ping", status=1)
    check("a file that cannot be read is named, with its line", path in err and ":1:" in err, err)
    person.does("context", "add", "x", "--reseller", "r", status=1)
    with open(path) as file:
        same("and left as it is", file.read(), "{")
    check("the doctor sees it", "wrong" in person.does("doctor", status=1)[0])
    person.does("schema")
    with open(path, "w") as file:
        file.write("{}")
    person.does("context", "add", "x", "--endpoint", person.engine.endpoint)
    os.unlink(path)


def completion(person):
    bash = "eval \"$(pedido completion bash)\"; COMP_WORDS=(pedido %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _pedido; " \
           "printf '%%s\\n' \"${COMPREPLY[@]}\""
    zsh = "compdef() {}; _files() { print files }; _describe() { print -l -- ${(@P)2} }; eval \"$(pedido completion zsh)\"; " \
          "words=(pedido %s); CURRENT=$#words; _pedido"
    fish = "source (pedido completion fish | psub); complete -C 'pedido %s'"
    for line, wanted in (("ord", ["order"]), ("order sh", ["show"]), ("order list --sta", ["--state"]),
                         ("order list --state prov", ["provisioning", "provisioning_failed"]),
                         ("customer show lo", ["lopez"]), ("order add lopez --plan hosting-s", ["hosting-std"]),
                         ("order add lopez --plan hosting-std --period 1", ["1m", "1y"]),
                         ("order open 1", ["1"]), ("events tail --type OrderComp", ["OrderCompleted"])):
        same("bash: pedido %s" % line, person.shell("bash", "--norc", "-c", bash % line)[0][:-1], wanted)
        found = person.shell("zsh", "-f", "-c", zsh % line)[0][:-1]
        same("zsh: the same, each with what it is", [word.split(":")[0] for word in found], wanted)
        found = person.shell("fish", "--no-config", "-c", fish % line)[0][:-1]
        same("fish: the same", sorted(word.split("\t")[0] for word in found), wanted)


def manual(person):
    source, _ = person.does("manual")
    page = subprocess.run(["scdoc"], input=source.encode(), capture_output=True, timeout=20)
    same("scdoc takes the manual's source", (page.returncode, page.stderr), (0, b""))
    for words in ("pedido order add", "PEDIDO_ENDPOINT", "NO_COLOR", "contexts.json"):
        check("the page has %s" % words, words in page.stdout.decode().replace("\\&", "").replace("\\", ""), None)


def filtered_events(person):
    engine, shown = person.engine, {}
    asked = {"order": ("--order", "2"), "customer": ("--customer", "nunez"),
             "types": ("--type", "OrderConfirmed", "--type", "NoteAdded"), "count": ("--count", "2")}
    tails = {}
    for name, words in asked.items():
        path = os.path.join(engine.place, "tail-" + name)
        with open(path, "wb") as file, open(path + "-talk", "wb") as talk:
            tails[name] = daemon.spawn([daemon.program("pedido"), "events", "tail", "--json", *words], stdout=file, stderr=talk,
                                       env=engine.environment())
        eventually("%s is heard" % name, lambda p=path: b"following" in open(p + "-talk", "rb").read())
    person.does("customer", "put", "nunez", "Café Núñez e hijos")
    person.does("order", "confirm", "2")
    person.does("order", "open", "1")
    person.does("order", "cancel", "2")

    def events(name):
        with open(os.path.join(engine.place, "tail-" + name)) as file:
            return [json.loads(line)["type"] for line in file.read().splitlines()]
    eventually("of one order: what happened to it", lambda: events("order") == ["OrderConfirmed", "OrderCancelled"])
    eventually("of one customer: its own, and its orders'",
               lambda: events("customer") == ["CustomerPut", "OrderConfirmed", "OrderCancelled"])
    eventually("of some types", lambda: events("types") == ["OrderConfirmed"])
    same("so many and no more: it ends by itself", (tails["count"].wait(10), len(events("count"))), (0, 2))
    same("the others end with 0 at Ctrl-C", {daemon.end(tails[name], 2) for name in ("order", "customer", "types")}, {0})


def main():
    with daemon.Engine() as engine:
        person = Person(engine)
        furnish(person)
        like_another(person)
        what_is_not_said_stays(person)
        two_languages(person)
        contexts(person)
        completion(person)
        manual(person)
        filtered_events(person)


main()

#!/usr/bin/python3
"""A newcomer's mistakes: each is told what is wrong, and its message names the command that mends it; the next one works."""

import os
import re
import subprocess
import sys
import threading

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import msgpack
from story import check, same, say

CATALOGUE = os.path.join(daemon.ROOT, "clients", "cli", "examples", "catalogue.json")
HOSTING = ("--plan", "hosting-std", "--period", "1y")


class Newcomer:
    def __init__(self, engine):
        self.engine, self.count = engine, 0

    def errs(self, what, words, status, *needles, **environment):
        """A mistake: its exit status, nothing on stdout, and what its message must say."""
        self.count += 1
        code, out, err = self.engine.pedido(*words, **environment)
        same("%2d  %s: exit status" % (self.count, what), (code, out), (status, ""))
        for needle in needles:
            check("    says: %s" % needle, needle in err, err)

    def does(self, *words):
        """What the message named works."""
        code, out, err = self.engine.pedido(*words)
        check("    then pedido %s" % " ".join(words), code == 0, (code, out, err))
        return out


def before_anything(new):
    new.errs("a customer that nobody made", ("order", "add", "lopez", *HOSTING), 4, "pedido customer put lopez NAME")
    new.does("customer", "put", "lopez", "Panadería López")
    new.errs("no catalogue yet", ("order", "add", "lopez", *HOSTING), 4, "pedido plan import FILE")
    new.errs("a catalogue file that is not there", ("plan", "import", "catalog.json"), 1, "catalog.json")
    new.does("plan", "import", CATALOGUE)


def what_is_ordered(new):
    new.errs("a plan that is spelled otherwise", ("order", "add", "lopez", "--plan", "hosting-sdt", "--period", "1y"), 4,
             "Did you mean hosting-std?", "pedido plan list")
    new.errs("a period that does not exist", ("order", "add", "lopez", "--plan", "hosting-std", "--period", "3y"), 4,
             "pedido plan periods hosting-std")
    new.errs("no domain for a plan that needs one", ("order", "add", "lopez", *HOSTING), 3, "--domain DOMAIN")
    new.errs("a domain that nobody can have", ("order", "add", "lopez", *HOSTING, "--domain", "servidor.local"), 3,
             "such as panaderia-lopez.es")
    new.errs("a quantity in words", ("order", "add", "lopez", "--plan", "licencia-oficina", "--period", "1m", "--quantity", "two"),
             2, "`two` is not a whole number", "pedido order add --help")
    new.errs("too many", ("order", "add", "lopez", "--plan", "licencia-oficina", "--period", "1m", "--quantity", "20000"), 3,
             "from 1 to 10,000")
    new.errs("the domain before its plan", ("order", "add", "lopez", "--domain", "a.es", *HOSTING), 2,
             "--domain stands before any --plan")
    new.does("order", "add", "lopez", *HOSTING, "--domain", "panadería-lópez.es", "--reference", "web-1")


def the_wrong_order_of_steps(new):
    new.errs("opened before it is confirmed", ("order", "open", "1"), 5, "next: pedido order confirm 1")
    new.errs("another total than the one shown", ("order", "confirm", "1", "--total", "99.50"), 5, "pedido order show 1")
    new.errs("a comma in an amount", ("order", "confirm", "1", "--total", "99,00"), 2, "`99,00` is no amount in EUR")
    new.does("order", "confirm", "1")
    new.errs("the same reference again", ("order", "add", "lopez", *HOSTING, "--domain", "otra.es", "--reference", "web-1"), 5,
             "Order 1 has this reference", "pedido order show 1")
    new.does("customer", "put", "nunez", "Café Núñez")
    new.errs("somebody else's domain", ("order", "add", "nunez", *HOSTING, "--domain", "panadería-lópez.es"), 5,
             "pedido find panadería-lópez.es")
    new.does("customer", "hold", "nunez", "impago")
    new.errs("a customer on hold", ("order", "add", "nunez", *HOSTING, "--domain", "otra.es"), 6, "pedido customer show nunez")
    new.errs("an order that does not exist", ("order", "open", "17"), 4, "pedido order list")
    new.errs("an order that is no number", ("order", "show", "uno"), 2, "ref:REFERENCE")


def other_people(new):
    new.errs("a reseller that does not exist", ("order", "list", "--reseller", "norte"), 4, "pedido reseller put norte NAME")
    new.does("reseller", "put", "norte", "Norte")
    new.errs("a customer of another reseller, as if there was none", ("customer", "show", "lopez", "--reseller", "norte"), 4,
             "pedido customer put lopez NAME")


def what_is_typed(new):
    new.errs("a verb that is spelled otherwise", ("order", "shwo", "1"), 2, "did you mean `order show`?")
    new.errs("an option that is spelled otherwise", ("order", "list", "--stat", "new"), 2, "did you mean --state?")
    new.errs("a state that there is not", ("order", "list", "--state", "open"), 2, "draft, new, held")
    new.errs("a message that there is not", ("send", "AddOrdr"), 2, "did you mean AddOrder?")
    new.errs("an event that there is not", ("events", "tail", "--type", "OrderComplete"), 2, "did you mean OrderCompleted?")
    new.errs("a language that there is not", ("order", "list", "--lang", "fr"), 2, "en or es")
    new.errs("a context that nobody made", ("order", "list", "--context", "live"), 2, "pedido context list")
    new.errs("a place that is empty", ("order", "list", "--reseller", ""), 2, "--reseller: the value is empty")
    new.errs("an option that is of no use", ("events", "tail", "--limit", "3"), 2, "--limit is of no use here")
    new.errs("a list of a customer that is not there", ("order", "list", "--customer", "nobody"), 4, "customer_not_found")
    new.errs("nobody is at the terminal to be asked", ("order", "add"), 2, "CUSTOMER is missing")


def the_way_there(new):
    fast = ("--timeout", "0.2")
    nobody = "ipc://%s/nobody" % new.engine.place
    new.errs("the engine is not running", ("order", "list", *fast), 10, "pedidod --data DIR", "pedido doctor",
             PEDIDO_ENDPOINT=nobody)
    new.errs("the wrong port", ("order", "list", *fast), 10, "pedido doctor", PEDIDO_ENDPOINT=new.engine.endpoints["events"])
    new.errs("no endpoint at all", ("order", "list"), 2, "tcp://HOST:PORT", PEDIDO_ENDPOINT="localhost:7411")
    code, out, _ = new.engine.pedido("doctor", PEDIDO_ENDPOINT="tcp://127.0.0.1:1")
    check("    the doctor finds nobody, and says how to start one", code == 1 and "pedidod --data DIR" in out, (code, out))
    code, out, _ = new.engine.pedido("doctor")
    check("    the doctor finds all well here", code == 0 and out.count("ok ") >= 7, (code, out))


def newer_engine(new):
    """An engine of a later protocol, as far as a client of today can see it."""
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    endpoint = "ipc://%s/newer" % new.engine.place
    router.bind(endpoint)

    def serve():
        while router.poll(10000):
            *envelope, body = router.recv_multipart()
            request = msgpack.unpackb(body)
            if request["type"] == "End":
                return
            ports = {port: endpoint for port in daemon.PORTS}
            answer = {"id": request["id"], "ok": True, "position": 1, "data": {
                "protocol": 2, "software": "pedidod 9.0.0", "log": "0" * 32, "head": 1, "time": 0, "endpoints": ports,
                "limits": {"frame_bytes": 1, "array_commands": 1, "order_items": 1, "page_rows": 1}}}
            if request["type"] != "Hello":
                answer = {"id": request["id"], "ok": False, "error": {"code": "unsupported_version", "message": "Speak 2."}}
            router.send_multipart(envelope + [msgpack.packb(answer)])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    new.errs("an old client", ("customer", "put", "x", "X"), 3, "pedido doctor", PEDIDO_ENDPOINT=endpoint)
    code, out, _ = new.engine.pedido("doctor", PEDIDO_ENDPOINT=endpoint)
    check("    the doctor says which of them is older", code == 1 and "protocol 2" in out, (code, out))
    with context.socket(zmq.DEALER) as last:
        last.connect(endpoint)
        last.send_multipart([b"", msgpack.packb({"type": "End", "id": "1"})])
        thread.join(5)
    router.close()
    context.term()


def a_closed_pipe(new):
    new.count += 1
    line = "pedido order list --json | head -n 1; echo ${PIPESTATUS[0]} >&2; pedido --help | head -n 1 >/dev/null"
    done = subprocess.run(["bash", "-c", line], env=new.engine.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=20)
    check("%2d  a reader that goes away: nothing is said about it" % new.count,
          done.stdout.count(b"\n") == 1 and re.fullmatch(rb"(0|141)\n", done.stderr), done)


def main():
    with daemon.Engine() as engine:
        new = Newcomer(engine)
        before_anything(new)
        what_is_ordered(new)
        the_wrong_order_of_steps(new)
        other_people(new)
        what_is_typed(new)
        the_way_there(new)
        newer_engine(new)
        a_closed_pipe(new)
        check("at least twenty mistakes", new.count >= 20, new.count)
        say("%d mistakes" % new.count)


main()

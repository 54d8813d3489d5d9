#!/usr/bin/python3
"""The command line before something that speaks the protocol, but not as our engine does: it ends, says what it met, and does not
say that something was done which was not, nor the other way round."""

import json
import os
import sys
import threading
import time

import msgpack
import zmq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from story import check, same

CATALOGUE = os.path.join(daemon.ROOT, "clients", "cli", "examples", "catalogue.json")
PORTS = ("commands", "events", "queries", "workers")


class Odd:
    """Answers each type of message by a function of the request: data, or (code, message), or a whole answer."""

    def __init__(self):
        self.endpoint = "ipc://%s/odd" % daemon.directory()
        self.counts = {}
        self.answers = {"Hello": lambda request: {
            "protocol": 1, "software": "pedidod 0.1.0", "log": "0" * 32, "head": 1, "time": 1767225600000000,
            "endpoints": {port: self.endpoint for port in PORTS},
            "limits": {"frame_bytes": 1 << 20, "array_commands": 1024, "order_items": 32, "page_rows": 1000}}}
        self.place = self.endpoint[6:]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.ready = threading.Event()
        self.thread.start()
        self.ready.wait(10)

    def serve(self):
        router = zmq.Context.instance().socket(zmq.ROUTER)
        router.bind(self.endpoint)
        self.ready.set()
        while True:
            *envelope, body = router.recv_multipart()
            request = msgpack.unpackb(body)
            if isinstance(request, list):
                answer = self.array([self.one(one) for one in request])
            else:
                answer = self.one(request)
            if answer is not None:
                router.send_multipart(envelope + [msgpack.packb(answer)])

    def array(self, answers):
        return answers

    def one(self, request):
        self.counts[request["type"]] = self.counts.get(request["type"], 0) + 1
        found = self.answers.get(request["type"], lambda _: ("internal", "odd"))(request)
        if isinstance(found, tuple):
            return {"id": request["id"], "ok": False, "error": {"code": found[0], "message": found[1]}}
        if found is None or "ok" in found:
            return None if found is None else dict(found, id=request["id"])
        return {"id": request["id"], "ok": True, "position": 1, "data": found}

    def pedido(self, *words):
        engine = daemon.Engine()
        return engine.pedido(*words, PEDIDO_ENDPOINT=self.endpoint)


def lists_that_never_end(odd):
    odd.answers["ListOrders"] = lambda _: {"ok": True, "position": 1, "data": {"orders": []}, "next": "again"}
    begun = time.monotonic()
    odd.pedido("order", "list", "--limit", "3")
    check("a list whose pages lead to themselves ends", time.monotonic() - begun < 5 and odd.counts["ListOrders"] < 10, odd.counts)


def imports_that_do_not_add_up(odd):
    odd.answers["GetPlan"] = lambda _: ("plan_not_found", "There is none.")
    odd.answers["PutPlan"] = odd.answers["PutPeriod"] = lambda _: {"version": 1}
    for what, change in (("too many", lambda a: a + a), ("too few", lambda a: a[:1]),
                         ("no verdict", lambda a: [dict(one, ok=False) for one in a])):
        odd.array = change
        code, out, err = odd.pedido("plan", "import", CATALOGUE)
        check("an import with %s answers is no import" % what, code == 10 and "not what the protocol says" in err, (code, out, err))
    odd.array = lambda answers: answers


def confirmed_all_the_same(odd):
    odd.answers["ConfirmOrder"] = lambda _: {"order": 1, "reference": "r", "state": "new", "version": 2, "allowed": ["OpenOrder"]}
    odd.answers["GetOrder"] = lambda _: ("internal", "damaged")
    code, out, err = odd.pedido("order", "confirm", "1")
    check("a confirmation that was accepted is told, also when the order cannot be shown",
          code == 0 and "Order 1   New" in out and "pedido order open 1" in err, (code, out, err))


def what_is_missing(odd):
    odd.answers["CheckStatus"] = lambda _: {"order": 1, "reference": "r", "state": "provisioning", "version": 2, "items": [
        {"item": 1, "plan": "p", "state": "provisioning", "waits_for": "worker"}], "allowed": [None, 7, "\x1b[2J"]}
    code, out, err = odd.pedido("order", "status", "1")
    check("a lease without a worker", code == 0 and "null" not in out + err, (code, out, err))
    odd.answers["OpenOrder"] = lambda _: {"ok": False, "error": {
        "code": "illegal_transition", "message": "\x1b[2Jno", "state": "new", "command": None, "allowed": [1, None]}}
    for lang in ("en", "es"):
        code, out, err = odd.pedido("order", "open", "1", "--lang", lang)
        check("a refusal with half its details, and no escape of it (%s)" % lang,
              code == 5 and "\x1b" not in out + err and "null" not in err, (code, out, err))


def silent_after_one_word(odd):
    said = odd.answers["Hello"]
    odd.answers["Hello"] = lambda request: said(request) if odd.counts["Hello"] <= odd.once else None
    odd.once = odd.counts.get("Hello", 0) + 1
    code, out, _ = odd.pedido("doctor", "--timeout", "0.3")
    check("the doctor does not call that well", code == 1 and "answered once" in out, (code, out))
    code, out, _ = odd.pedido("doctor", "--timeout", "0.3", "--json", "--lang", "es")
    rows = [json.loads(line) for line in out.splitlines()]
    check("nor translates what programs read", code == 1 and "does not answer as an engine" in rows[-1]["detail"], rows)


def main():
    odd = Odd()
    lists_that_never_end(odd)
    imports_that_do_not_add_up(odd)
    confirmed_all_the_same(odd)
    what_is_missing(odd)
    silent_after_one_word(odd)
    same("the thread that played it is still there", odd.thread.is_alive(), True)


main()

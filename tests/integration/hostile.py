#!/usr/bin/python3
"""Bad input: each gets a refusal that says what and where, the log stays as it was, and others are served meanwhile."""

import json
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import schema_rows
import shop
import zmq
from pedido_raw import CONTEXT, Port, pack, request, unpack
from story import check, eventually, same, say

HELLO = pack(request("Hello", id="h"))


def vectors(ports):
    """Every frame of hostile.jsonl."""
    wrong, count = [], 0
    with open(os.path.join(schema_rows.PROTO, "vectors", "hostile.jsonl"), encoding="utf-8") as file:
        for row in map(json.loads, file):
            count += 1
            port = ports[row["port"]]
            port.send([bytes.fromhex(row["hex"])])
            frames = port.receive(5)
            if frames is None:
                wrong.append((row["name"], "no answer"))
                port.open()
                continue
            answer = unpack(frames[-1])
            if "codes" in row:
                codes = [a.get("error", {}).get("code") for a in answer]
                if codes != row["codes"]:
                    wrong.append((row["name"], codes))
                continue
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            if error.get("code") != row["code"] or not error.get("message"):
                wrong.append((row["name"], answer))
            elif "field" in row and not error.get("field", "").startswith(row["field"]):
                wrong.append((row["name"], answer))
            elif row["code"] == "malformed_message" and answer.get("id", "") is not None:
                wrong.append((row["name"], answer))
    for name, got in wrong:
        say("WRONG  %s: %r" % (name, got))
    check("%d bad messages are refused as the protocol says" % count, not wrong)


def too_many_elements(ports):
    ports["commands"].send([pack([None] * 1024)])
    answers = unpack(ports["commands"].receive(5)[-1])
    check("an array of nothing is answered one by one", len(answers) == 1024 and all(
        a["error"]["code"] == "malformed_message" for a in answers), answers[:1] if isinstance(answers, list) else answers)
    ports["commands"].send([b"\xdd\x00\x01\x00\x00" + b"\xc0" * 65536])
    same("65,537 elements are too large", unpack(ports["commands"].receive(5)[-1])["error"]["code"], "too_large")


def envelopes(ports, health):
    port = ports["commands"]
    for addresses in range(5):
        frames = [b"addr-%d" % i for i in range(addresses)] + [b""] + [HELLO]
        port.send(frames)
        got = port.receive(5)
        check("%d addresses come back" % addresses, got is not None and got[:-1] == frames[:-1] and unpack(got[-1])["ok"], got)
    bad = [[HELLO, HELLO], [b"a", b"b", b"c", b"d", b"e", b"", HELLO], [b"", HELLO, HELLO], [b"a", b"", HELLO, b""]]
    for frames in bad:
        before = health()["unaddressed"]
        port.send(frames)
        got = port.receive(0.3)
        check("%d frames are refused, or not answered but counted" % len(frames), health()["unaddressed"] == before + 1
              if got is None else unpack(got[-1])["error"]["code"] == "malformed_message", got)


def unanswerable(ports, health):
    """An address longer than any is given back: nobody could be answered, so nothing is done."""
    one = pack(request("PutCustomer", {"customer": "nobody", "name": "Nobody"}))
    two = pack([request("PutCustomer", {"customer": "nobody", "name": "Nobody"})])
    for what, body in (("a command", one), ("an array", two)):
        before = health()
        ports["commands"].send([b"x" * 256, b"", body])
        eventually("%s that cannot be answered is counted" % what, lambda: health()["unaddressed"] == before["unaddressed"] + 1)
        same("and not carried out", health()["head"], before["head"])


def oversized(engine, health):
    before = health()["disconnected"]
    for what, size in (("1 MiB and a byte", (1 << 20) + 1), ("64 MiB", 64 << 20)):
        port = Port(engine.endpoint)
        port.send([HELLO])
        check("a connection works", port.receive(5) is not None)
        port.send([b"\xc4" * size])
        eventually("a frame of %s ends it, and that is counted" % what, lambda: health()["disconnected"] > before)
        before = health()["disconnected"]
        port.close()
    largest = pack(request("PutCustomer", {"customer": "big", "name": "n" * 100}))
    port = Port(engine.endpoint)
    port.send([largest + b"\x00" * ((1 << 20) - len(largest))])
    same("1 MiB is read, and refused for what is in it", unpack(port.receive(5)[-1])["error"]["code"], "malformed_message")
    port.close()


def no_zmtp(engine):
    """Bytes that are no ZeroMQ, on each port's socket."""
    for endpoint in engine.endpoints.values():
        for noise in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(300), b"\xff" * 64, b""):
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(endpoint[len("ipc://"):])
            peer.sendall(noise)
            peer.close()
    say("ok     noise on every port")


def other_sockets(engine):
    req = CONTEXT.socket(zmq.REQ)
    req.connect(engine.endpoint)
    req.send(HELLO)
    check("a REQ socket is served", req.poll(5000) and unpack(req.recv())["ok"])
    front, back = CONTEXT.socket(zmq.ROUTER), CONTEXT.socket(zmq.DEALER)
    place = "ipc://%s/proxy" % engine.place
    front.bind(place)
    back.connect(engine.endpoint)
    control, stop = CONTEXT.socket(zmq.PAIR), CONTEXT.socket(zmq.PAIR)
    control.bind("inproc://proxy-end")
    stop.connect("inproc://proxy-end")
    thread = threading.Thread(target=zmq.proxy_steerable, args=(front, back, None, control), daemon=True)
    thread.start()
    for kind in (zmq.REQ, zmq.DEALER):
        behind = CONTEXT.socket(kind)
        behind.connect(place)
        # Behind a proxy there is an address, so an empty frame; REQ makes it itself.
        behind.send_multipart([HELLO] if kind == zmq.REQ else [b"", HELLO])
        check("behind a proxy, too", behind.poll(5000) and unpack(behind.recv_multipart()[-1])["ok"])
        behind.close()
    stop.send(b"TERMINATE")
    thread.join()
    for closing in (req, front, back, control, stop):
        closing.close()


class Bystander(threading.Thread):
    """Somebody else, who is served all the while."""

    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.endpoint, self.done, self.slowest, self.asked, self.served = endpoint, False, 0.0, 0, 0

    def run(self):
        port = Port(self.endpoint)
        while not self.done:
            begun = time.monotonic()
            port.send([HELLO])
            self.asked += 1
            if port.receive(10) is not None:
                self.served += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)
            time.sleep(0.005)
        port.close()


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        ports = {name: Port(engine.endpoints[name]) for name in ("commands", "queries", "workers")}
        bystander = Bystander(engine.endpoint)
        bystander.start()
        before = client.hello(fresh=True)["head"], client.log()

        def health():
            return client.query("Health")
        refusals = health()["refusals"]
        vectors(ports)
        check("refusals are counted", health()["refusals"] > refusals)
        too_many_elements(ports)
        envelopes(ports, health)
        unanswerable(ports, health)
        oversized(engine, health)
        no_zmtp(engine)
        other_sockets(engine)

        same("the log is as it was", (client.hello(fresh=True)["head"], client.log()), before)
        bystander.done = True
        bystander.join()
        check("others were served meanwhile", bystander.served == bystander.asked > 5 and bystander.slowest < 5,
              (bystander.served, bystander.asked, bystander.slowest))
        client.do("PutCustomer", {"customer": "after", "name": "After"})
        same("and the engine ends as it should", engine.stop(), 0)


main()

#!/usr/bin/python3
"""kill -9 in a loop under load: of at least 50,000 acknowledged commands none is lost and none is done twice.

The loader keeps several messages outstanding, arrays and singles, remembers every answer, and sends what was not answered
again with the same ids. The engine is killed whenever some thousand answers have come, in the middle of the rest."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import Port, pack, request, unpack
from story import check, same, say

KILLS, ACKNOWLEDGED = 20, 50000
OUTSTANDING, ARRAY = 8, 200
SEED = int(os.environ.get("PEDIDO_SEED", "1"))


class Loader:
    def __init__(self, endpoint):
        self.port, self.random = Port(endpoint), random.Random(SEED)
        self.count, self.resent = 0, 0
        self.open = {}       # id of a message's first command -> the message
        self.answered = {}   # id of a command -> (command, answer)

    def make(self):
        """An array of whole little orders, or a single."""
        self.count += 1
        name = "c%06d" % self.count
        if self.random.random() < 0.3:
            return request("PutCustomer", {"customer": name, "name": "Cliente %d" % self.count}, name)
        messages = []
        while len(messages) < ARRAY:
            reference = "%s-%d" % (name, len(messages))
            messages.append(request("AddOrder", {"customer": "lopez", "items": [shop.item("vps")], "reference": reference},
                                    reference + "a"))
            messages.append(request("ConfirmOrder", {"reference": reference}, reference + "b"))
            messages.append(request("PutCustomer", {"customer": "lopez", "name": "López"}, reference + "c"))
            messages.append(request("CancelOrder", {"reference": reference}, reference + "d"))
        return messages

    @staticmethod
    def key(message):
        return message["id"] if isinstance(message, dict) else message[0]["id"]

    def fill(self):
        while len(self.open) < OUTSTANDING:
            message = self.make()
            self.open[self.key(message)] = message
            self.port.send([pack(message)])

    def resend(self):
        """The engine is new: what was not answered is asked again."""
        self.port.open()
        for message in self.open.values():
            self.port.send([pack(message)])
            self.resent += 1

    def hear(self, timeout):
        """Takes one answer; how many commands it acknowledged."""
        frames = self.port.receive(timeout)
        if frames is None:
            return 0
        answer = unpack(frames[-1])
        message = self.open.get(self.key(answer) if answer else None)
        if message is None:
            return 0
        pairs = [(message, answer)] if isinstance(message, dict) else list(zip(message, answer))
        if any(not a["ok"] and a["error"]["code"] == "busy" for _, a in pairs):
            self.port.send([pack(message)])
            return 0
        for command, one in pairs:
            if not one["ok"] or one["id"] != command["id"]:
                check("every command is accepted", False, (command, one))
            self.answered[command["id"]] = (command, one)
        del self.open[self.key(message)]
        return len(pairs)


def load(engine, loader):
    """Kills until there were enough of both; returns the kills."""
    kills, total, spent = 0, 0, time.monotonic()
    while kills < KILLS or total < ACKNOWLEDGED:
        life, until = 0, loader.random.randrange(ACKNOWLEDGED // KILLS // 2, ACKNOWLEDGED // KILLS * 2)
        while life < until:
            loader.fill()
            life += loader.hear(5)
            if time.monotonic() - spent > 120:
                check("enough is done in two minutes", False, (kills, total))
        time.sleep(loader.random.random() * 0.01)
        engine.kill()
        kills += 1
        while True:  # what it said before it died was said, and counts
            heard = loader.hear(0.05)
            life += heard
            if not heard:
                break
        total += life
        engine.start()
        loader.resend()
    while loader.open:
        total += loader.hear(5)
    say("%d kills, %d commands acknowledged, %d messages sent again, seed %d" % (kills, total, loader.resent, SEED))
    return kills


def account(loader, log):
    """Answers against the log."""
    check("positions run from 1 without gap", shop.gapless(log))
    last, count, order_of = {}, {}, {}
    for event in log:
        last[event["command"]] = event["position"]
        count[event["command"]] = count.get(event["command"], 0) + 1
        if event["type"] == "OrderAdded":
            order_of.setdefault(event["data"]["reference"], []).append(event["data"]["order"])
    lost = [id for id in loader.answered if id not in last]
    check("none of %d acknowledged commands is lost" % len(loader.answered), not lost, lost[:5])
    doubled = [id for id in loader.answered if count[id] != 1] + [r for r, orders in order_of.items() if len(orders) != 1]
    check("none is done twice", not doubled, doubled[:5])
    moved = [id for id, (_, answer) in loader.answered.items() if answer["position"] != last[id]]
    check("each stands where its answer said", not moved, moved[:5])
    wrong = [id for id, (command, answer) in loader.answered.items() if command["type"] == "AddOrder" and
             order_of[command["data"]["reference"]] != [answer["data"]["order"]]]
    check("and each order has the number its answer said", not wrong, wrong[:5])
    strangers = set(last) - set(loader.answered)
    known = {e["command"] for e in log if e["position"] <= 20}
    check("nothing is in the log that nobody asked for", strangers <= known, list(strangers - known)[:5])


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        loader = Loader(engine.endpoint)
        kills = load(engine, loader)
        check("at least %d kills" % KILLS, kills >= KILLS)
        account(loader, client.log())
        for id in loader.random.sample(sorted(loader.answered), 200):
            command, answer = loader.answered[id]
            if client.call(command["type"], command["data"], id) != answer:
                same("the same id, the same reply", client.call(command["type"], command["data"], id), answer)
        say("ok     200 of them, asked again: the same replies")
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


main()

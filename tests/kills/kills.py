#!/usr/bin/python3
"""kill -9 under load: of all acknowledged commands none is lost and none is done twice.

A number is a shop of its own, in a new directory, whose engine is killed as often as --kills says. The loader keeps several
messages outstanding, arrays and singles, remembers every answer, and sends what was not answered again with the same ids. The
engine is killed whenever some thousand answers have come: in the middle of the rest, or the moment an answer comes; and, by the
dice, again while it starts, or while the rows are rebuilt. After each start some old commands are asked again. At the end answers,
and the events that a subscriber heard, are held against the log. The last line is `kills: N done, V violations`, N being kills.
"""

import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import campaign
import daemon
import shop
from pedido_raw import Port, Subscriber, pack, request, unpack
from story import check, same, say

LIFE = 2500                     # commands that an engine acknowledges before it is killed, half of it up to twice as many
OUTSTANDING, ARRAYS = 8, (200, 200, 1000)
ASKED_AGAIN, ASKED_AT_END = 20, 200
BUSY_S = 0.02                    # so long, at most, an engine has worked on what it was given last
START_S, REBUILD_S = 0.12, 0.25  # within these a start, or a rebuild, is killed, if it is not over
FOLD_S = (0.008, 0.06)           # and a rebuild's fold from where it begins: its first batch, or any


class Loader:
    def __init__(self, endpoint, dice):
        self.port, self.random = Port(endpoint), dice
        self.count, self.resent, self.total = 0, 0, 0
        self.open = {}       # id of a message's first command -> the message
        self.answered = {}   # id of a command -> (command, answer)

    def make(self):
        """An array of whole little orders, or a single."""
        self.count += 1
        name = "c%06d" % self.count
        if self.random.random() < 0.3:
            return request("PutCustomer", {"customer": name, "name": "Cliente %d" % self.count}, name)
        messages, size = [], self.random.choice(ARRAYS)
        while len(messages) < size:
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
        self.total += len(pairs)
        return len(pairs)

    def hear_out(self):
        """What it said before it died was said, and counts."""
        while self.hear(0.05):
            pass

    def ask_again(self, client, count):
        """Commands of any life have their replies."""
        ids = sorted(self.answered)
        for id in self.random.sample(ids, min(count, len(ids))):
            command, answer = self.answered[id]
            again = client.call(command["type"], command["data"], id)
            if again != answer:
                same("the same id, the same reply", again, answer)


class Listener:
    """Hears some of the events: whatever it heard must have been durable."""

    def __init__(self, endpoint):
        self.subscriber, self.heard = Subscriber(endpoint, "default/"), {}

    def hear(self):
        for _, body in self.subscriber.events(0.001):
            self.heard[body["position"]] = body["command"]


def live(engine, loader, listener):
    """A life, to its violent end."""
    until = loader.total + loader.random.randrange(LIFE // 2, LIFE * 2)
    limit = time.monotonic() + 60
    while loader.total < until:
        loader.fill()
        loader.hear(5)
        if time.monotonic() > limit:
            check("an engine does %d commands in a minute" % LIFE, False, loader.total)
    listener.hear()
    loader.fill()
    if loader.random.random() < 0.5:
        time.sleep(loader.random.random() * BUSY_S)
    else:
        loader.port.socket.poll(1000)  # when an answer comes: what it says must be durable by then
    engine.kill()
    loader.hear_out()
    listener.hear()


def kill_more(engine, dice):
    """Killed while it starts, or while its rows are made anew: how often."""
    kills = dice.choice((0, 1, 1, 2))
    for _ in range(kills):
        if dice.random() < 0.4:
            engine.launch()
            time.sleep(dice.random() * START_S)
            engine.kill()
        else:
            kill_rebuild(engine, dice)
    return kills


def kill_rebuild(engine, dice):
    """At any moment of it, or soon after it has checked the log and begins to throw rows away."""
    rebuild = daemon.spawn([daemon.program("pedidod"), "rebuild", "--data", engine.data], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)
    if dice.random() < 0.25:
        time.sleep(dice.random() * REBUILD_S)
    else:
        while not re.fullmatch(r"check: (\d+) of \1 events\n?", rebuild.stderr.readline() or "check: 1 of 1 events"):
            pass
        time.sleep(dice.random() * dice.choice(FOLD_S))
    rebuild.kill()
    rebuild.wait()
    rebuild.stderr.close()


def account(loader, listener, log):
    """Answers and what was heard against the log."""
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
    known = {e["command"] for e in log if e["position"] <= 20}
    strangers = set(last) - set(loader.answered) - known
    check("nothing is in the log that nobody asked for", not strangers, list(strangers)[:5])
    wrong = [position for position, command in listener.heard.items() if log[position - 1]["command"] != command]
    check("%d events were heard, each as the log has it" % len(listener.heard), listener.heard and not wrong, wrong[:5])


def shop_of_kills(number, wanted):
    """The kills."""
    dice = random.Random(number)
    with daemon.Engine(arguments=["--index-memory", "2000"]) as engine:
        client, kills = engine.client(), 0
        shop.furnish(client)
        loader, listener = Loader(engine.endpoint, dice), Listener(engine.endpoints["events"])
        while kills < wanted or loader.total < LIFE * wanted:
            live(engine, loader, listener)
            kills += 1 + kill_more(engine, dice)
            engine.start()
            loader.ask_again(client, ASKED_AGAIN)
            loader.resend()
        while loader.open:
            loader.hear(5)
        say("%d kills, %d commands acknowledged, %d messages sent again, number %d" % (kills, loader.total, loader.resent, number))
        account(loader, listener, client.log())
        loader.ask_again(client, ASKED_AT_END)
        say("ok     %d of them, asked again: the same replies" % ASKED_AT_END)
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)
    return kills


def main():
    parser = campaign.parser(__doc__, 60)
    parser.add_argument("--kills", type=int, default=20, help="of each number; %(default)s when absent")
    options = parser.parse_args()
    figures = campaign.Figures(options, "kills")
    for number in figures.numbers():
        try:
            figures.done += shop_of_kills(number, options.kills)
        except (AssertionError, RuntimeError) as error:
            figures.violation("number %d: %s" % (number, str(error)[:2000]),
                              "%s --from %d --count 1 --kills %d" % (sys.argv[0], number, options.kills))
        daemon.clean_up()
    figures.end_numbers()


main()

#!/usr/bin/python3
"""What lists are made from: made anew under load, killed while it is made, thrown away, damaged, too new or too far, and always the
same as what a new one would be; and queries that wait for it."""

import os
import random
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import damage
import daemon
import shop
from pedido_raw import Refused, pack, request, unpack
from story import check, eventually, same, say


def refused(what, code, ask):
    try:
        ask()
    except Refused as refusal:
        same(what, refusal.code, code)
    else:
        check(what, False, "it was answered")


FAST = 6000  # orders of a load, then it goes on slowly


class Load:
    """Orders that complete at once, in arrays, by a thread of its own, until it is ended."""

    def __init__(self, engine, name):
        self.engine, self.name, self.going, self.orders = engine, name, True, 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        client = self.engine.client(timeout=2.0)
        for n in range(100000):
            if not self.going:
                break
            message = []
            for i in range(60):
                reference = "%s-%d-%d" % (self.name, n, i)
                message.append(request("AddOrder", {"customer": ("lopez", "nunez")[i % 2], "reference": reference,
                                                    "items": [shop.item(("care", "vps")[i % 3 == 0])]}, reseller="default"))
                message.append(request("ConfirmOrder", {"reference": reference}, reseller="default"))
                message.append(request("OpenOrder", {"reference": reference}, reseller="default"))
            client.commands.send([pack(message)])
            answer = client.commands.receive(1.0)
            if answer is None:
                client.commands.open()  # the engine was killed; it is about to be started
            else:
                self.orders += 60
            if self.orders > FAST:
                time.sleep(0.1)
        client.close()

    def end(self):
        self.going = False
        self.thread.join()


def dump(engine):
    """All that the views of a stopped engine hold."""
    done = subprocess.run([daemon.program("pedidod"), "dump", "--data", engine.data], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    same("they can be printed", done.returncode, 0)
    return done.stdout.decode().splitlines()


def views_of(engine):
    return [os.path.join(engine.data, name) for name in ("views-a", "views-b") if os.path.exists(os.path.join(engine.data, name))]


def anew(engine):
    """The dump of views that are made from nothing, by an engine that only starts and stops."""
    for place in views_of(engine):
        shutil.rmtree(place)
    engine.start()
    with engine.client() as client:
        eventually("they are made", lambda: client.query("ListViews").get("serving"))
    engine.stop()
    return dump(engine)


def compare(engine, what):
    """A start appends EngineStarted and nothing else: what differs is that."""
    followed, made = dump(engine), anew(engine)
    lacking, extra = set(followed) - set(made), set(made) - set(followed)
    started = [line for line in lacking | extra if not line.startswith(("entry heads", "entry events", "entry events_by_hour"))]
    check("%s: %d lines as in those made anew" % (what, len(followed)), not started and len(extra) <= 8,
          (sorted(started)[:3], len(lacking), len(extra)))
    code, said = engine.offline("verify")
    check("and as verify makes them", code == 0 and "and view as the log says" in said, said)


def made_anew_under_load(engine):
    load = Load(engine, "load")
    time.sleep(0.5)
    for _ in range(3):
        code, said, talk = engine.pedido("views", "rebuild")
        check("`pedido views rebuild` ends", code == 0 and said.startswith("rebuilt in "), said + talk)
    load.end()
    say("%d orders meanwhile" % load.orders)
    engine.stop()
    compare(engine, "rebuilt under load")


def memory_is_given_back(engine):
    """After large batches the views are closed for a moment when there is little to do; nobody notices."""
    engine.start()
    client, asking = engine.client(), engine.client()
    client.query("RebuildViews")
    before = engine.log().count("views_reopened")
    eventually("they are made anew", lambda: not client.query("ListViews").get("building"))
    shown, going = [], [True]

    def ask():
        while going[0]:
            shown.append(len(asking.query("ListOrders", limit=10)["orders"]))

    thread = threading.Thread(target=ask)
    thread.start()

    def put_one():
        client.do("PutCustomer", {"customer": "calm", "name": "Calma"})
        return engine.log().count("views_reopened") > before

    eventually("and opened anew when it is calm", put_one, 20, 0.05)
    going[0] = False
    thread.join()
    same("every query was answered meanwhile", set(shown), {10})
    eventually("and they follow", lambda: [c["name"] for c in client.rows("ListCustomers", "customers") if c["customer"] == "calm"])
    engine.stop()
    compare(engine, "opened anew")


def killed_while_made(engine):
    """At any moment; what is half made is thrown away, what served goes on from where it was."""
    dice = random.Random(6)
    engine.start()
    load = Load(engine, "kills")
    for _ in range(6):
        with engine.client() as client:
            client.query("RebuildViews")
        time.sleep(dice.random() * 0.3)
        engine.restart()
    with engine.client() as client:
        eventually("they serve", lambda: client.query("ListViews").get("serving"))
        check("and answer", len(client.query("ListOrders", limit=10)["orders"]) == 10)
    load.end()
    engine.stop()
    compare(engine, "killed while they were made")


def scribble(engine, first, count):
    for place in views_of(engine):
        with open(os.path.join(place, "data.mdb"), "r+b") as file:
            file.seek(4096 * first)
            file.write(os.urandom(4096 * count))


def heal(client):
    try:
        return client.rows("ListOrders", "orders", {"customer": "lopez"}) and client.rows("ListOrders", "orders")
    except Refused as refusal:
        return refusal.code


def start(engine):
    """And until lists can be made."""
    engine.start()
    with engine.client() as client:
        eventually("they serve", lambda: client.query("ListViews").get("serving"), timeout=60)


def thrown_away(engine):
    start(engine)
    client = engine.client()
    before = client.rows("ListOrders", "orders")
    engine.stop()
    for place in views_of(engine):
        shutil.rmtree(place)
    start(engine)
    check("lists are the same", client.rows("ListOrders", "orders") == before)
    engine.kill()
    for place in views_of(engine):  # a directory, and nothing in it
        shutil.rmtree(place)
        os.mkdir(place)
    start(engine)
    check("and once more", client.rows("ListOrders", "orders") == before)
    engine.kill()
    scribble(engine, 3, 8)
    start(engine)
    check("damaged they are made anew", client.rows("ListOrders", "orders") == before)
    check("and the log says so", 'page_damaged path="%s' % engine.data in engine.log() and "views_building" in engine.log())
    engine.stop()
    # After a stop in good order a start does not look through them: who meets the damage has them made anew.
    for place in views_of(engine):
        found = damage.alter(place, b"\xa5lopez\x01", b"\xa5lopex\x01") + damage.alter(place, b"lopez\0", b"lopey\0")
        check("some of their bytes are others", found > 0)
    start(engine)
    eventually("whoever meets the damage has them made anew", lambda: heal(client) == before)
    engine.stop()


def too_far(engine):
    """An older copy of the log under views that have seen more."""
    start(engine)
    client = engine.client()
    engine.stop()
    older = engine.place + "/older"
    shutil.copytree(engine.data, older)
    start(engine)
    shop.add(client, shop.item("care"))
    client.rows("ListOrders", "orders")
    engine.stop()
    for name in ("books", "rows", "head"):
        there, copy = os.path.join(engine.data, name), os.path.join(older, name)
        if os.path.isdir(there):
            shutil.rmtree(there)
            shutil.copytree(copy, there)
        else:
            shutil.copy(copy, there)
    engine.launch()
    same("it does not start", engine.process.wait(15), 1)
    check("and says why", "log_shorter_than_known" in engine.log().splitlines()[-1], engine.log()[-500:])
    engine.arguments = ["--accept-shorter-log"]
    start(engine)
    engine.arguments = []
    same("accepted, there is no such order", len([o for o in client.rows("ListOrders", "orders")]), len(
        {o["order"] for o in client.rows("ListOrders", "orders")}))
    engine.stop()
    code, said = engine.offline("verify")
    check("and all is well", code == 0, said)


def waiting():
    """A query that names a position is answered from a state that has it, however far behind the views are."""
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        load = Load(engine, "wait")
        queries = engine.client()
        for n in range(40):
            answer = client.call("AddOrder", {"customer": "lopez", "items": [shop.item("care")]})
            shown = queries.ask("GetOrder", {"order": answer["data"]["order"]}, at_least=answer["position"])
            check("order %d is there" % n, shown["position"] >= answer["position"], shown) if n % 10 == 0 else None
            assert shown["data"]["order"]["state"] == "draft", shown
        load.end()
        head = client.hello(fresh=True)["head"]
        refused("a position that there is not", "position_out_of_range", lambda: queries.query("ListOrders", at_least=head + 1000))
        check("0 waits for nothing", queries.ask("ListOrders", at_least=0)["ok"])


def without():
    with daemon.Engine(arguments=["--views", "off"]) as engine:
        client = engine.client()
        shop.furnish(client)
        shop.add(client, shop.item("care"))
        for kind in ("ListOrders", "ReadLog", "ListCounters"):
            refused(kind, "views_off", lambda k=kind: client.query(k))
        check("Health is answered", client.query("Health")["writable"])
        engine.stop()
        engine.arguments = []
        engine.start()
        eventually("they are made", lambda: client.query("ListViews").get("serving"), timeout=60)
        same("with them, all is there", len(client.rows("ListOrders", "orders")), 1)
        engine.stop()
        engine.arguments = ["--views", "off"]
        engine.start()
        shop.add(client, shop.item("care"))
        engine.stop()
        engine.arguments = []
        engine.start()
        shop.add(client, shop.item("care"))
        eventually("they are made anew", lambda: client.query("ListViews").get("serving"), timeout=60)
        same("and what was done without them", len(client.rows("ListOrders", "orders")), 3)
        engine.stop()
        code, said = engine.offline("verify")
        check("and all is well", code == 0 and "and view as the log says" in said, said)


def main():
    engine = daemon.Engine()
    with engine:
        with engine.client() as client:
            shop.furnish(client)
        made_anew_under_load(engine)
        memory_is_given_back(engine)
        killed_while_made(engine)
        thrown_away(engine)
        too_far(engine)
    waiting()
    without()


main()

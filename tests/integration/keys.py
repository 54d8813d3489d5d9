#!/usr/bin/python3
"""keys - an engine on an encrypted port. Who has no key, or not the right one, hears nothing; who has one sees its own things
alone, and takes nothing from the others; who had one is out from the commit on that says so, also of what he was following."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import zmq

import daemon
import guarded
import pedido_raw
from python_package import pedido
from story import check, eventually, same


def put(client, name):
    client.do("PutCustomer", {"customer": name, "name": name})


def heard(follower, timeout=0.8):
    return [topic for topic, _ in follower.events(timeout)]


def is_silent(engine, **how):
    with engine.guest(timeout=1.0, **how) as guest:
        try:
            guest.call("Hello")
        except pedido_raw.NoAnswer:
            return True
    return False


def strangers_hear_nothing(engine, known):
    check("a key that nobody granted", is_silent(engine, keys=engine.new_keys()))
    check("no key at all", is_silent(engine, keys=None))
    wrong = pedido_raw.Keys(engine.new_keys().public, known.public, known.secret)
    check("the right key, and another engine's", is_silent(engine, keys=wrong))
    plain = pedido_raw.CONTEXT.socket(zmq.DEALER)
    plain.linger, plain.plain_username, plain.plain_password = 0, known.public.encode(), b"x"
    plain.connect(engine.tcp["commands"])
    plain.send(pedido_raw.pack(pedido_raw.request("Hello")))
    check("a name and a password", plain.poll(1000) == 0)
    plain.close()
    with engine.guest(known, timeout=5) as guest:
        check("and one that was granted is answered", guest.call("Hello", reseller="norte")["ok"])


def a_key_is_of_its_reseller(engine, north):
    message = pedido_raw.request("PutCustomer", {"customer": "ana", "name": "Ana"}, "the-id")
    with engine.guest(north, reseller="norte") as guest, engine.client(reseller="norte") as admin:
        answer = guest._ask(guest.commands, message, 10)
        check("who names no reseller means his own", answer["ok"] and answer["position"] > 0, answer)
        same("there it is", admin.query("GetCustomer", {"customer": "ana"})["customer"]["name"], "Ana")
        again = guest._ask(guest.commands, dict(message, reseller="norte"), 10)
        same("named or not, it is the same command", again, answer)
        same("no event is another's", {e["reseller"] for e in guest.log()}, {"norte"})


def a_captured_command_is_nobody_elses(engine, south):
    """Authorised first, then looked up."""
    message = pedido_raw.request("PutCustomer", {"customer": "ana", "name": "Ana"}, "the-id", reseller="norte")
    with engine.guest(south) as guest:
        there = guest._ask(guest.commands, message, 10)
        nowhere = guest._ask(guest.commands, dict(message, reseller="nadie"), 10)
        same("to another key it is of a reseller that there is not", there["error"]["code"], "reseller_not_found")
        same("said in the same words", there, nowhere)


def who_is_refused_silences_nobody(engine, north, south):
    follower, owner = engine.follower(north, "norte/"), engine.client(reseller="norte")
    check("a reseller's key follows its events", follower.receive(5)[0] == "norte/~head")
    for _ in range(3):
        stranger = engine.follower(south, "norte/", "norte/customer/b/", "sur/")
        check("another's key hears its own heart, and not this one's", stranger.receive(5)[0] == "sur/~head")
        stranger.socket.unsubscribe(b"norte/")
        stranger.close()
    put(owner, "b")
    same("when the others have gone he still hears", heard(follower), ["norte/customer/b/CustomerPut"])
    check("and his reseller's heart", eventually("a heartbeat", lambda: (follower.receive(3) or [""])[0] == "norte/~head"))
    follower.close()


def who_asks_too_much_is_cut_off(engine, south, north):
    follower, owner = engine.follower(north, "norte/"), engine.client(reseller="norte")
    check("one follows", follower.receive(5)[0] == "norte/~head")
    greedy = engine.follower(south, *["norte/customer/%d/" % i for i in range(200)])
    eventually("a connection that asks for what it may not have, again and again, is cut off",
               lambda: "connection=cut" in engine.log() or refused(owner, engine) >= 64)
    greedy.close()
    put(owner, "c")
    same("the other one does not notice", heard(follower), ["norte/customer/c/CustomerPut"])
    follower.close()


def refused(owner, engine):
    with engine.client() as admin:
        return sum(m["value"] for m in admin.query("GetMetrics")["metrics"] if m["metric"] == "subscriptions_refused_total")


def haste_is_ones_own(engine, north, south):
    """One key sends far more than its share at once; another's command comes in between."""
    hasty, calm = engine.guest(south, reseller="sur", timeout=30), engine.guest(north, reseller="norte", timeout=30)
    check("both are there", hasty.call("Hello")["ok"] and calm.call("Hello")["ok"])
    os.kill(engine.process.pid, signal.SIGSTOP)
    sent = []
    for n in range(12):
        array = [pedido_raw.request("PutCustomer", {"customer": "h%d" % i, "name": "H"}, "h%d-%d" % (n, i), reseller="sur")
                 for i in range(1000)]
        hasty.commands.send([pedido_raw.pack(array)])
        sent.append(array[0]["id"])
    one = pedido_raw.request("PutCustomer", {"customer": "c", "name": "C"}, "calm", reseller="norte")
    calm.commands.send([pedido_raw.pack(one)])
    os.kill(engine.process.pid, signal.SIGCONT)
    answer = pedido_raw.unpack(calm.commands.receive(20)[-1])
    check("who has little under way is answered", answer["ok"], answer)
    codes = set()
    while sent:
        array = pedido_raw.unpack(hasty.commands.receive(20)[-1])
        sent.remove(array[0]["id"])
        codes |= {one["error"]["code"] if not one["ok"] else "ok" for one in array}
    same("who has much is told to come again for some of it", codes, {"ok", "busy"})
    hasty.close()
    calm.close()


def a_revoked_key_is_out(engine, north):
    """It follows, and has an open connection for its commands; so has another key of the same reseller."""
    leaving = engine.grant("leaving", "reseller", reseller="norte")
    follower, other = engine.follower(leaving, "norte/"), engine.follower(north, "norte/")
    owner, guest = engine.client(reseller="norte"), engine.guest(leaving, reseller="norte")
    check("both follow", follower.receive(5) and other.receive(5))
    put(guest, "d")
    same("one hears", heard(follower), ["norte/customer/d/CustomerPut"])
    same("and the other", heard(other), ["norte/customer/d/CustomerPut"])
    engine.revoke(leaving)
    put(owner, "e")
    same("what happens after the revocation it does not hear", heard(follower), [])

    def hears_on():
        put(owner, "g%d" % len(told))
        told.extend(heard(other))
        return told

    told = []
    eventually("the other one hears on", hears_on)
    same("what it sends is refused, on the connection that it has", guest.call("Hello")["error"]["code"], "not_authorised")
    check("a new one is not let in", is_silent(engine, keys=leaving))
    engine.restart()
    check("nor after a crash", is_silent(engine, keys=leaving))
    for one in (follower, other, guest, owner):
        one.close()


def a_key_that_is_granted_less_follows_less(engine):
    keys = engine.grant("ops", "monitor", all=True)
    follower = engine.follower(keys, "~all/")
    owner = engine.client(reseller="norte")
    check("a monitor of all follows all", follower.receive(5))
    with engine.client(reseller="sur") as admin:
        admin.do("GrantKey", {"key": keys.public, "name": "ops", "role": "monitor"})
    put(owner, "f")
    same("of one reseller it does not", heard(follower), [])
    own = engine.follower(keys, "sur/")
    check("but follows that one", own.receive(5)[0] == "sur/~head")
    for one in (follower, own, owner):
        one.close()


def client_programs_take_keys(engine):
    """The command line, the Python client, and a worker that does a task."""
    identity, script = os.path.join(engine.place, "norte.key"), os.path.join(engine.place, "do")
    code, public, err = engine.pedido("key", "new", identity, "--name", "tienda")
    same("a key pair is made", code, 0)
    same("it is its owner's alone", os.stat(identity).st_mode & 0o777, 0o600)
    code, _, err = engine.pedido("key", "grant", identity, "--role", "reseller", "--reseller", "norte")
    check("and granted by its file", code == 0, err)
    remote = ("--endpoint", engine.tcp["commands"], "--identity", identity, "--server-key", engine.server_key)
    code, out, err = engine.pedido(*remote, "customer", "put", "cli", "Cliente", "--reseller", "norte")
    check("the command line sends under it", code == 0, err)
    keys = pedido.Keys.read(identity, engine.server_key)
    check("a secret is not shown", keys.secret not in repr(keys))
    with pedido.Client(engine.tcp["commands"], keys=keys) as client:
        same("so does the client in Python", client.get_customer(customer="cli").customer.name, "Cliente")
        with client.follow("norte", start="beginning") as follower:
            same("which follows as well", next(iter(follower)).type, "ResellerPut")
        client.put_plan(plan="vps", name="Servidor", category="server", published=True, domain="none", worker_group="hosting")
        client.put_period(plan="vps", period="1y", enabled=True, setup_fee=0, recurring_fee=100, currency="EUR")
        review = client.add_order(customer="cli", items=[pedido.messages.ItemRequest(plan="vps", period="1y")])
        client.confirm_order(order=review.order)
        client.open_order(order=review.order)
        works(engine, script, client, review.order)


def works(engine, script, client, order):
    identity = os.path.join(engine.place, "w.key")
    engine.pedido("key", "new", identity, "--name", "w1")
    code, _, err = engine.pedido("key", "grant", identity, "--role", "worker", "--all", "--groups", "hosting")
    check("a worker's key is granted", code == 0, err)
    with open(script, "w") as file:
        file.write("#!/bin/sh\nexit 0\n")
    os.chmod(script, 0o755)
    worker = engine.pedido_worker("--endpoint", engine.tcp["commands"], "--identity", identity, "--server-key", engine.server_key,
                                  "--group", "hosting", "--exec", script)
    eventually("the worker does the order's task", lambda: client.check_status(order=order).state == "completed")
    with engine.client() as admin:
        workers = eventually("it is listed", lambda: admin.query("ListWorkers")["workers"])
    check("under a name of its key's", workers[0]["worker"].startswith("w1."), workers)
    same("SIGTERM ends it", daemon.end(worker, signal.SIGTERM), 0)


def main():
    with guarded.Guarded() as engine:
        with engine.client() as admin:
            for name in ("norte", "sur"):
                admin.do("PutReseller", {"reseller": name, "name": name})
        north, south = (engine.grant(name, "reseller", reseller=name) for name in ("norte", "sur"))
        strangers_hear_nothing(engine, north)
        a_key_is_of_its_reseller(engine, north)
        a_captured_command_is_nobody_elses(engine, south)
        who_is_refused_silences_nobody(engine, north, south)
        who_asks_too_much_is_cut_off(engine, south, north)
        haste_is_ones_own(engine, north, south)
        a_key_that_is_granted_less_follows_less(engine)
        client_programs_take_keys(engine)
        a_revoked_key_is_out(engine, north)


main()

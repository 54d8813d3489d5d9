#!/usr/bin/python3
"""Who subscribes hears what begins with his prefix, which ends in a slash: so nobody hears of a reseller whose name begins alike.
And those who come, go, and come again leave nothing behind."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from story import check, eventually, same


def put(client, name):
    client.do("PutCustomer", {"customer": name, "name": name})


def heard(subscriber, timeout=0.6):
    return [topic for topic, _ in subscriber.events(timeout)]


def only_what_ends_in_a_slash(engine, north, northern):
    cut = {prefix: engine.subscriber(prefix) for prefix in ("norte", "nor", "", "~all", "norte/customer", "norte/~headless")}
    whole, one = engine.subscriber("norte/"), engine.subscriber("norte2/customer/b/")
    check("who subscribes to a scope hears its heart", whole.receive(5)[0] == "norte/~head")
    put(north, "a")
    put(northern, "b")
    same("and what happens there", heard(whole), ["norte/customer/a/CustomerPut"])
    same("and of a thing what happens to it", heard(one), ["norte2/customer/b/CustomerPut"])
    for prefix, subscriber in cut.items():
        same("%r is nobody's to hear" % prefix, subscriber.receive(0.05), None)
    check("the engine's log says so", engine.log().count("subscription_refused") == 3, engine.log())
    for subscriber in list(cut.values()) + [whole, one]:
        subscriber.close()


def come_and_go(engine, north):
    """Two of one prefix; when one goes the other still hears, and when both have gone nothing is published."""
    first, second = engine.subscriber("norte/"), engine.subscriber("norte/")
    check("both are heard to come", first.receive(5) and second.receive(5))
    first.close()
    put(north, "c")
    same("the other one hears", heard(second), ["norte/customer/c/CustomerPut"])
    second.socket.unsubscribe(b"norte/")
    second.socket.subscribe(b"norte/customer/d/")
    second.socket.subscribe(b"norte/~head")
    eventually("another prefix, and a heart beside", lambda: second.receive(2))
    put(north, "c")
    put(north, "d")
    same("then only that", heard(second), ["norte/customer/d/CustomerPut"])
    second.close()

    def published():
        return [m["value"] for m in north.query("GetMetrics")["metrics"] if m["metric"] == "published_total"][0]

    def nobody_listens():
        before = published()
        put(north, "e")
        return published() == before

    eventually("when all have gone nothing is published", nobody_listens)


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        for name in ("norte", "norte2"):
            client.do("PutReseller", {"reseller": name, "name": name})
        north, northern = engine.client(reseller="norte"), engine.client(reseller="norte2")
        only_what_ends_in_a_slash(engine, north, northern)
        come_and_go(engine, north)


main()

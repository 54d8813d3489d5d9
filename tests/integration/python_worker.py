#!/usr/bin/python3
"""The worker in Python against the engine: success, a failure that passes, SIGTERM, Stop, two deaths of the engine."""

import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, eventually, same

LEASE_MS = 800
WORKER = os.path.join(daemon.ROOT, "clients", "worker", "examples", "worker.py")


class Place:
    """Where its instances are made."""

    def __init__(self, engine):
        self.engine, self.path = engine, os.path.join(engine.place, "instances")

    def worker(self, name, *options):
        with open(os.path.join(self.engine.place, "worker-log"), "ab") as log:
            return daemon.spawn([sys.executable, WORKER, "--endpoint", self.engine.endpoint, "--name", name,
                                 "--group", "hosting", "--place", self.path] + list(options), stdout=log, stderr=log)

    def made(self):
        return sorted(os.listdir(self.path)) if os.path.isdir(self.path) else []


def ended(client, order):
    answer = client.do("CheckStatus", {"order": order, "wait_ms": 15000, "until": "end"}, timeout=20)
    return answer["state"], answer["items"][0]


def types(client, order):
    return [e["type"] for e in client.query("GetOrderHistory", {"order": order})["events"]]


def leased_to(client, order, worker):
    """And it knows: the engine's word for it may still be under way."""
    def begun():
        told = [e["actor"] for e in client.query("GetOrderHistory", {"order": order})["events"]
                if e["type"] == "TaskProgressed"]
        return told and told[-1] == "worker/" + worker
    eventually("%s has it" % worker, begun)


def success(client, place):
    order = shop.walk_to_open(client)
    same("the order is completed", ended(client, order)[0], "completed")
    got = client.query("GetSubscription", {"subscription": 1})["subscription"]
    same("an instance was made", place.made(), [got["instance"]])
    same("its login is the subscription's", got["parameters"], {"login": "file://" + os.path.join(place.path, got["instance"])})
    check("its progress was told", "TaskProgressed" in types(client, order))
    client.do("EndSubscription", {"subscription": 1, "reason": "moved"})
    eventually("ended, it is removed", lambda: client.query(
        "GetSubscription", {"subscription": 1})["subscription"]["status"] == "terminated")
    same("nothing is left", place.made(), [])


def failure_that_passes(client, place):
    shutil.rmtree(place.path)
    open(place.path, "w").close()  # no directory can be made below a file
    order = shop.walk_to_open(client)
    eventually("a failure that may pass is tried again", lambda: shop.status(client, order)["items"][0].get("attempt") == 2)
    os.remove(place.path)
    state, item = ended(client, order)
    same("and succeeds", (state, item["attempt"]), ("completed", 2))


def given_back(client, place):
    """SIGTERM: what ends within the grace is finished, the rest goes to another."""
    slow = place.worker("slow", "--pause", "60", "--grace", "0.2")
    order = shop.walk_to_open(client)
    leased_to(client, order, "slow")
    same("SIGTERM ends the worker with 0", daemon.end(slow), 0)
    events = [e for e in client.query("GetOrderHistory", {"order": order})["events"] if e["type"] == "TaskReleased"]
    same("it gave its task back", [e["data"]["reason"] for e in events], ["told to stop"])
    brief = place.worker("brief", "--pause", "1.2")
    leased_to(client, order, "brief")
    same("SIGTERM ends the next with 0", daemon.end(brief), 0)
    same("but it finished its task", ended(client, order)[0], "completed")
    same("nothing failed on the way", types(client, order).count("TaskFailed"), 0)


def cancelled(client, place):
    worker = place.worker("w3", "--pause", "60")
    order = shop.walk_to_open(client)
    leased_to(client, order, "w3")
    time.sleep(0.7)  # the next heartbeat is seconds away, so that the engine's Stop alone can say it
    client.do("CancelOrder", {"order": order})
    eventually("a cancelled order's worker stops, and removes", lambda: shop.status(client, order)["state"] == "cancelled", 2)
    check("it gave the task back itself", "TaskReleased" in types(client, order))
    same("SIGTERM ends it with 0", daemon.end(worker), 0)


def engine_dies(engine, client, place):
    """kill -9 of the engine, once while the task is worked on, once while its result waits for an answer."""
    worker = place.worker("w4", "--pause", "1.0")
    order = shop.walk_to_open(client)
    leased_to(client, order, "w4")
    engine.restart()
    same("the engine is killed in mid-task: the order is completed", ended(client, order)[0], "completed")
    got = types(client, order)
    same("one hand-out, one result", (got.count("TaskLeased"), got.count("TaskSucceeded")), (1, 1))
    before = place.made()
    order = shop.walk_to_open(client)
    leased_to(client, order, "w4")
    engine.kill()
    eventually("the task is done without the engine", lambda: place.made() != before)
    engine.endpoints["workers"] = "ipc://%s/moved" % engine.place
    engine.start()
    same("its result is told when the engine is back, at another port", ended(client, order)[0], "completed")
    got = types(client, order)
    same("once", (got.count("TaskSucceeded"), got.count("TaskStale")), (1, 0))
    same("SIGTERM ends the worker with 0", daemon.end(worker), 0)


def main():
    with daemon.Engine(lease_ms=LEASE_MS) as engine:
        client = engine.client()
        shop.furnish(client)
        place = Place(engine)
        try:
            first = place.worker("w1")
            success(client, place)
            failure_that_passes(client, place)
            same("SIGTERM ends an idle worker with 0", daemon.end(first, signal.SIGTERM), 0)
            given_back(client, place)
            engine_dies(engine, client, place)
        except BaseException:
            print(open(os.path.join(engine.place, "worker-log")).read()[-4000:])
            raise
        living = [s["instance"] for s in client.rows("ListSubscriptions", "subscriptions") if s["status"] == "active"]
        same("there is what active subscriptions name", place.made(), sorted(living))
        check("the log is whole", shop.gapless(client.log()))
    with daemon.Engine() as engine:  # its heartbeats are seconds apart
        client = engine.client()
        shop.furnish(client)
        cancelled(client, Place(engine))


main()

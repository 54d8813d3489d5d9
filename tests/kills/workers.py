#!/usr/bin/python3
"""Engine and workers are killed again and again while orders are provisioned: every order completes, each exactly once, and
every instance that a worker made belongs to one subscription."""

import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import NoAnswer, request
from story import check, eventually, same, say

ORDERS, ENGINE_KILLS, WORKER_KILLS, LEASE_MS = 240, 10, 8, 800
SEED = int(os.environ.get("PEDIDO_SEED", "1"))

SCRIPT = """#!/bin/sh
echo 30%% working
sleep 0.0$(($PEDIDO_TASK %% 9))
echo "$PEDIDO_INSTANCE $PEDIDO_SUBSCRIPTION" >>"%s/made"
echo "{\\"login\\":\\"$PEDIDO_INSTANCE\\"}"
"""


def open_orders(client, first, count):
    """Add, confirm and open by reference, in one array; sent again until it is answered."""
    messages = []
    for i in range(first, first + count):
        reference = "w-%d" % i
        order = {"customer": "lopez", "items": [shop.item("vps")], "reference": reference}
        messages += [request("AddOrder", order, reference + "a"),
                     request("ConfirmOrder", {"reference": reference}, reference + "b"),
                     request("OpenOrder", {"reference": reference}, reference + "c")]
    wrong = [a for a in client.array(messages) if not a["ok"]]
    check("orders %d to %d are open" % (first, first + count - 1), not wrong, wrong[:2])


def start_worker(engine, script, number):
    return engine.pedido_worker("--group", "hosting", "--exec", script, "--name", "w%d" % number, "--jobs", "4")


def trouble(engine, client, script, dice):
    """Opens orders and kills; returns the workers that are left."""
    workers = [start_worker(engine, script, i) for i in range(3)]
    steps = ["engine"] * ENGINE_KILLS + ["worker"] * WORKER_KILLS
    dice.shuffle(steps)
    each = ORDERS // len(steps) + 1
    for n, what in enumerate(steps):
        open_orders(client, n * each, each)
        time.sleep(dice.random() * 0.4)
        if what == "engine":
            engine.restart()
        else:
            which = dice.randrange(3)
            daemon.end(workers[which], signal.SIGKILL)
            workers[which] = start_worker(engine, script, 3 + n)
    say("       %d kills of the engine, %d of workers, seed %d" % (ENGINE_KILLS, WORKER_KILLS, SEED))
    return workers, each * len(steps)


def account(engine, client, count):
    log = client.log()
    check("positions run from 1 without gap", shop.gapless(log))
    for kind in ("OrderAdded", "OrderOpened", "OrderCompleted"):
        orders = [e["data"]["order"] for e in log if e["type"] == kind]
        check("%s: once for each order" % kind, sorted(orders) == list(range(1, count + 1)), len(orders))
    done = [e["data"]["task"] for e in log if e["type"] == "TaskSucceeded"]
    same("each task succeeded once", (len(done), len(set(done))), (count, count))
    leases = {}
    for event in log:
        if event["type"] == "TaskLeased":
            task, lease = event["data"]["task"], event["data"]["lease"]
            check("leases count up", lease == leases.get(task, 0) + 1, event) if lease != leases.get(task, 0) + 1 else None
            leases[task] = lease
    say("       %d hand-outs for %d tasks" % (sum(leases.values()), count))
    subscriptions = client.rows("ListSubscriptions", "subscriptions")
    check("every subscription is active, with its own instance's login", all(
        s["status"] == "active" and s["parameters"]["login"] == s["instance"] for s in subscriptions))
    made = {}
    with open(os.path.join(engine.place, "made")) as file:
        for line in file:
            instance, subscription = line.split()
            made.setdefault(instance, set()).add(subscription)
    check("what was made more than once was the same instance", all(len(of) == 1 for of in made.values()) and len(made) == count)


def main():
    dice = random.Random(SEED)
    with daemon.Engine(lease_ms=LEASE_MS, arguments=["--index-memory", "1024"]) as engine:
        client = engine.client(timeout=30)
        shop.furnish(client)
        script = os.path.join(engine.place, "provision.sh")
        with open(script, "w") as file:
            file.write(SCRIPT % engine.place)
        os.chmod(script, 0o755)
        workers, count = trouble(engine, client, script, dice)

        def all_done():
            try:
                return not client.rows("ListOrders", "orders", {"state": "provisioning"}, timeout=5)
            except NoAnswer:
                return False
        eventually("every order ends", all_done, 40, 0.2)
        states = {o["state"] for o in client.rows("ListOrders", "orders")}
        same("all completed", states, {"completed"})
        account(engine, client, count)
        for worker in workers:
            same("a worker ends with 0", daemon.end(worker), 0)
        same("SIGTERM ends the engine", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


main()

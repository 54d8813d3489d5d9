#!/usr/bin/python3
"""frozen - each data directory that a former version has left: it verifies, opens, and is served with the same answers; it takes
new orders, comes back after a crash, and verifies again. What was answered then may have more fields now, and no others."""

import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FROZEN = os.path.join(HERE, "..", "frozen")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import daemon
import shop
from looks import looks
from story import check, same


# What was not at its end then has gone on when it is opened years later: deadlines have passed, drafts were given up. Its names and
# what was agreed stay.
MOVING = ("draft", "new", "held", "open", "provisioning", "removing", "cancelling", "waiting", "created", "leased")
AGREED = ("order", "reference", "customer", "subscription", "item", "plan", "plan_name", "period", "quantity", "total", "created",
          "service", "domain", "items")


def moves(thing):
    return any(thing.get(key) in MOVING for key in ("state", "service_status", "task_state"))


def holds(then, now):
    """Everything that was said then is said now."""
    if isinstance(then, dict):
        keys = [key for key in then if not moves(then) or key in AGREED]
        if isinstance(then.get("order"), dict) and moves(then["order"]):
            keys.remove("allowed")
        return isinstance(now, dict) and all(key in now and holds(then[key], now[key]) for key in keys)
    if isinstance(then, list):
        return isinstance(now, list) and len(then) == len(now) and all(holds(a, b) for a, b in zip(then, now))
    return then == now


def serve(archive):
    name = os.path.basename(archive)[:-len(".tar.xz")]
    with open(os.path.join(FROZEN, name + ".jsonl"), encoding="utf-8") as file:
        wanted = dict(json.loads(line) for line in file)
    engine = daemon.Engine(lease_ms=30000)
    subprocess.run(["tar", "-C", engine.place, "-xJf", archive], check=True)
    code, out = engine.offline("verify")
    check("%s: verify finds nothing wrong" % name, code == 0, out)
    with engine:
        found = json.loads(json.dumps(dict(looks(engine))))
        same("%s: the same is answered to the same questions" % name, sorted(set(wanted) - set(found)), [])
        for what, answer in wanted.items():
            if what == "log":  # what has happened since comes behind it
                found[what] = found[what][:len(answer)]
            check("%s: %s" % (name, what), holds(answer, found[what]), {"then": answer, "now": found[what]})
        with engine.client() as client:
            client.do("ReleaseCustomer", {"customer": "nunez", "reason": "impago"})
            order = shop.walk_to_open(client, shop.item("vps"))
        engine.restart()
        with engine.client() as client:
            check("a new order is there after a crash", shop.status(client, order)["state"] in ("open", "provisioning"))
        engine.stop()
        code, out = engine.offline("verify")
        check("and all is well again", code == 0, out)


archives = sorted(glob.glob(os.path.join(FROZEN, "*.tar.xz")))
check("there is one", archives)
for one in archives:
    serve(one)

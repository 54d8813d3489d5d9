#!/usr/bin/python3
"""pedido-worker with a shell script: success, parameters, failure; a dead worker's task goes to another; stale results."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import pedido_raw
import shop
from story import check, eventually, same

LEASE_MS = 1500

SCRIPT = r"""#!/bin/sh
case "$PEDIDO_PARAM_DO" in
    quiet) exit 0 ;;
    flood) echo 10%; exec sed 's/./x/g' ;;
    fail) echo 30% trying; [ "$PEDIDO_ATTEMPT" -gt 1 ] && { echo "done at last"; exit 0; }
        echo "no room on s7" >&2; exit 1 ;;
    hang) echo $$ >"$PLACE/$PEDIDO_TASK.$PEDIDO_LEASE"; [ -e "$PLACE/go" ] || exec sleep 60 ;;
    *) echo 50% "making $PEDIDO_DOMAIN_UNICODE"; echo "{\"login\":\"https://panel.example/$PEDIDO_CUSTOMER\"}" ;;
esac
"""


def ended(client, order):
    answer = client.do("CheckStatus", {"order": order, "wait_ms": 15000, "until": "end"}, timeout=20)
    return answer["state"], answer["items"][0]


def results(client):
    order = shop.walk_to_open(client, shop.item(domain=shop.DOMAIN))
    same("a script that prints parameters completes the order", ended(client, order)[0], "completed")
    got = client.query("GetSubscription", {"subscription": 1})["subscription"]
    same("they are the subscription's", got["parameters"], {"login": "https://panel.example/lopez"})
    types = [e["type"] for e in client.query("GetOrderHistory", {"order": order})["events"]]
    check("its progress was told", "TaskProgressed" in types, types)
    for what in ("quiet", "flood"):
        big = {"do": what, **{"k%d" % i: "v" * 256 for i in range(31)}}
        order = shop.walk_to_open(client, shop.item("vps", parameters=big))
        same("%s: unread stdin or an echo of it is success" % what, ended(client, order)[0], "completed")
    order = shop.walk_to_open(client, shop.item("vps", parameters={"do": "fail"}))
    state, item = ended(client, order)
    same("a failing script fails the order, in its own words", (state, item["message"]), ("provisioning_failed", "no room on s7"))
    client.do("RetryProvisioning", {"order": order})
    state, item = ended(client, order)
    same("tried again it succeeds", (state, item["attempt"], item["message"]), ("completed", 2, "done at last"))


def death(engine, client, first, script):
    place = engine.place
    order = shop.walk_to_open(client, shop.item("vps", parameters={"do": "hang"}))
    eventually("a task hangs", lambda: [n for n in os.listdir(place) if n.endswith(".1")])
    task = [n for n in os.listdir(place) if n.endswith(".1")][0].split(".")[0]
    second = start(engine, script, "w2")
    same("one task, one lease", shop.status(client, order)["items"][0]["worker"], "w1")
    daemon.end(first, signal.SIGKILL)
    eventually("its worker dies, another gets the task under the next lease",
               lambda: os.path.exists(os.path.join(place, task + ".2")))
    same("it is the other's", shop.status(client, order)["items"][0]["worker"], "w2")
    check("the dead worker's script was ended with it", not daemon.alive(int(open(os.path.join(place, task + ".1")).read())))
    open(os.path.join(place, "go"), "w").close()
    same("SIGTERM ends the second with 0", daemon.end(second), 0)
    third = start(engine, script, "w3")
    same("its task goes to a third, and is done", ended(client, order)[0], "completed")
    lease = [e["data"]["lease"] for e in client.query("GetOrderHistory", {"order": order})["events"] if e["type"] == "TaskLeased"]
    same("three hand-outs, three leases", lease, [1, 2, 3])
    same("SIGTERM ends it with 0", daemon.end(third), 0)


def stale(engine, client):
    """Two workers of our own: the first falls silent, then comes back with its result."""
    slow, quick = engine.worker("slow", ["hosting"]), engine.worker("quick", ["hosting"])
    order = shop.walk_to_open(client, shop.item("vps"))
    task = slow.next()
    newer = quick.next(LEASE_MS / 1000.0 * 4)
    same("the silent one's task is handed to another", (newer["task"], newer["lease"], newer["instance"]),
         (task["task"], task["lease"] + 1, task["instance"]))
    answer = slow.success(task, {"login": "https://wrong.example"})
    same("the old lease's result is stale", answer["error"]["code"], "stale_lease")
    same("and changes nothing", shop.status(client, order)["state"], "provisioning")
    slow.success(task, {"login": "https://wrong.example"})
    slow.held = [{"reseller": "default", "task": task["task"], "lease": task["lease"]}]
    slow.ready(credit=0)
    same("its lease is told as lost", [lease["lease"] for lease in slow.lost], [task["lease"]])
    answer = quick.success(newer, {"login": "https://right.example"}, id="the-result")
    check("the new lease's result is taken", answer["ok"], answer)
    again = quick.success(newer, {"login": "https://right.example"}, id="another-id")
    check("told again under another id it is accepted again", again["ok"], again)
    types = [e["type"] for e in client.query("GetOrderHistory", {"order": order})["events"]]
    same("one hand-out lost, one stale result recorded", (types.count("TaskReleased"), types.count("TaskStale")), (1, 1))
    same("completed once", types.count("OrderCompleted"), 1)
    logins = [s["parameters"]["login"] for s in client.rows("ListSubscriptions", "subscriptions") if s["order"] == order]
    same("with the right result", logins, ["https://right.example"])
    for worker in (slow, quick):
        worker.goodbye()
        worker.close()


def together(engine, client):
    """Reports in an array: each is decided on its own, in order, and heard again it is answered as before."""
    worker = engine.worker("many", ["hosting"], credit=3)
    for _ in range(3):
        shop.walk_to_open(client, shop.item("vps"))
    tasks = [worker.next() for _ in range(3)]

    def one(kind, task, id, lease=None, **data):
        named = dict(data, worker="many", task=task["task"], lease=lease or task["lease"])
        return pedido_raw.request(kind, named, id)
    array = pedido_raw.pack([
        one("ReportProgress", tasks[0], "t-1", progress=50), one("ReportSuccess", tasks[0], "t-2"),
        one("ReportSuccess", tasks[1], "t-3", lease=tasks[1]["lease"] + 1),
        pedido_raw.request("WorkerReady", {"worker": "many", "groups": ["hosting"], "credit": 0, "leases": []}, "t-4"),
        one("ReportFailure", tasks[1], "t-5", message="no room"), one("ReportSuccess", tasks[2], "t-6")])
    answers, first = worker.port.ask(array, lambda answer: isinstance(answer, list), 10)
    same("each report of an array has its own answer, in order",
         [(a["id"], "ok" if a["ok"] else a["error"]["code"]) for a in answers],
         [("t-1", "ok"), ("t-2", "ok"), ("t-3", "stale_lease"), ("t-4", "invalid_field"), ("t-5", "ok"), ("t-6", "ok")])
    _, again = worker.port.ask(array, lambda answer: isinstance(answer, list), 10)
    check("the same array, the same answer", first == again, (first, again))
    worker.held = []
    worker.goodbye()
    worker.close()


def start(engine, script, name):
    return engine.pedido_worker("--group", "hosting", "--exec", script, "--name", name, "--drain-timeout", "0")


def main():
    with daemon.Engine(lease_ms=LEASE_MS) as engine:
        client = engine.client()
        shop.furnish(client)
        os.environ["PLACE"] = engine.place
        script = os.path.join(engine.place, "provision.sh")
        with open(script, "w") as file:
            file.write(SCRIPT)
        os.chmod(script, 0o755)
        first = start(engine, script, "w1")
        try:
            results(client)
            death(engine, client, first, script)
            stale(engine, client)
            together(engine, client)
        except BaseException:
            print(open(os.path.join(engine.place, "worker-log")).read()[-4000:])
            raise
        check("the log is whole", shop.gapless(client.log()))


main()

#!/usr/bin/python3
"""pedido-worker and a real engine, on bad days: runs that take too long, print too much, leave children behind, are to stop; an
engine that is killed meanwhile; two workers of one name; a drain. And the example script."""

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, eventually, same

EXAMPLE = os.path.join(daemon.ROOT, "clients", "worker", "examples", "provision.sh")

SCRIPT = r"""#!/bin/sh
[ "$PEDIDO_OPERATION" = deprovision ] && { echo "$PEDIDO_SERVICE_MADE" >>"$PLACE/removed"; exit 0; }
case "$PEDIDO_PARAM_DO" in
    flood) seq 1 100000 >&2; seq 1 1500000; echo the end ;;
    later) [ "$PEDIDO_ATTEMPT" -gt 1 ] || { echo "s7 is down" >&2; exit 75; }; echo up again ;;
    long) [ "$PEDIDO_ATTEMPT" -gt 1 ] || exec sleep 60; echo quicker ;;
    leave) sleep 60 & echo $! >"$PLACE/left"; echo done ;;
    hang) echo $$ >"$PLACE/$PEDIDO_TASK.$PEDIDO_LEASE"; exec sleep 60 ;;
    wait) echo "run" >>"$PLACE/runs"; until [ -e "$PLACE/go-$PEDIDO_TASK" ]; do sleep 0.05; done; echo '{"made":"m1"}' ;;
esac
"""


def history(client, order, kind=None):
    return [e for e in client.query("GetOrderHistory", {"order": order})["events"] if kind in (None, e["type"])]


def ended(client, order):
    answer = client.do("CheckStatus", {"order": order, "wait_ms": 15000, "until": "end"}, timeout=20)
    return answer["state"]


def order_of(client, what):
    return shop.walk_to_open(client, shop.item("vps", parameters={"do": what}))


def running(engine, client, order, name=None):
    """The task, when a script works on it: what was only handed out is given back by a worker that ends."""
    def found():
        item = shop.status(client, order)["items"][0]
        if item.get("worker") != (name or item.get("worker", "")) or not item.get("task"):
            return None
        with open(os.path.join(engine.place, "worker-log"), errors="replace") as log:
            return "fact=task_started reseller=default task=%d " % item["task"] in log.read() and item["task"]
    return eventually("a run is under way", found)


def start(engine, script, name="w1", *more):
    return engine.pedido_worker("--group", "hosting", "--exec", script, "--name", name, *more)


def runs(engine, client, worker):
    begun = time.monotonic()
    order = order_of(client, "flood")
    same("10 MiB of output do not keep a run from its end", ended(client, order), "completed")
    check("for long", time.monotonic() - begun < 10, time.monotonic() - begun)
    told = history(client, order, "TaskSucceeded")[0]["data"]["output"]
    check("the end of it is in the task's history", told.endswith("1499999\n1500000\nthe end"), told[-80:])
    check("as much as there is room for", 1900 < len(told) <= 2000, len(told))
    with open("/proc/%d/status" % worker.pid) as status:
        peak = int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
    check("the worker has not kept the rest", peak < (1 << 18 if os.environ.get("PD_SANITIZE") else 32 << 10), peak)

    order = order_of(client, "later")
    same("exit status 75 is tried again", ended(client, order), "completed")
    failed = history(client, order, "TaskFailed")[0]["data"]
    check("after a pause, in the script's words", "next_try" in failed and failed["message"] == "s7 is down", failed)

    order = order_of(client, "long")
    same("what is over its time, too", ended(client, order), "completed")
    failed = history(client, order, "TaskFailed")[0]["data"]
    check("as time_limit", "next_try" in failed and failed["code"] == "time_limit", failed)

    begun = time.monotonic()
    order = order_of(client, "leave")
    same("a child that holds the pipes does not keep the task", ended(client, order), "completed")
    check("open", time.monotonic() - begun < 5, time.monotonic() - begun)
    with open(os.path.join(engine.place, "left")) as file:
        pid = int(file.read())
    eventually("and is ended", lambda: not daemon.alive(pid))


def cancelled(engine, client):
    order = order_of(client, "hang")
    task = running(engine, client, order)
    path = os.path.join(engine.place, "%d.1" % task)
    eventually("its script is up", lambda: os.path.exists(path) and os.path.getsize(path))
    client.do("CancelOrder", {"order": order, "reason": "changed her mind"})
    eventually("cancelled meanwhile, what may have been made is removed and the order ends",
               lambda: shop.status(client, order)["state"] == "cancelled")
    with open(path) as file:
        check("the run was stopped", not daemon.alive(int(file.read())))
    released = history(client, order, "TaskReleased")
    same("and given back", [e["data"]["reason"] for e in released], ["stopped"])


def engine_killed(engine, client):
    order = order_of(client, "wait")
    task = running(engine, client, order)
    eventually("its script is up", lambda: os.path.exists(os.path.join(engine.place, "runs")))
    engine.kill()
    time.sleep(0.3)
    engine.start()
    client = engine.client()
    same("the engine is killed and started again: the worker keeps it", shop.status(client, order)["state"], "provisioning")
    engine.kill()
    open(os.path.join(engine.place, "go-%d" % task), "w").close()
    time.sleep(0.5)  # the run ends while nobody is there to hear it
    engine.start()
    client = engine.client()
    same("killed once more: the result comes all the same", ended(client, order), "completed")
    types = [e["type"] for e in history(client, order)]
    same("once, under the one lease", [types.count(t) for t in ("TaskLeased", "TaskSucceeded", "TaskStale", "TaskReleased")],
         [1, 1, 0, 0])
    with open(os.path.join(engine.place, "runs")) as file:
        same("of one run", file.read().split(), ["run"])

    subscription = [s for s in client.rows("ListSubscriptions", "subscriptions") if s["order"] == order][0]["subscription"]
    client.do("EndSubscription", {"subscription": subscription, "reason": "no longer wanted"})
    eventually("to remove it the script gets what it has printed", lambda: os.path.exists(os.path.join(engine.place, "removed")) and
               "m1" in open(os.path.join(engine.place, "removed")).read().split())
    return client


def drained(engine, client, worker, script):
    order = order_of(client, "wait")
    task = running(engine, client, order)
    client.do("DrainWorker", {"worker": "w1"})
    later = order_of(client, "none")
    time.sleep(0.8)
    check("a worker that is drained works on", worker.poll() is None)
    open(os.path.join(engine.place, "go-%d" % task), "w").close()
    same("to the end", ended(client, order), "completed")
    same("and ends with 0", worker.wait(10), 0)
    check("without having been given more", shop.status(client, later)["items"][0]["waits_for"] == "no_worker")
    second = start(engine, script, "w2", "--drain-timeout", "30")
    same("another does the rest", ended(client, later), "completed")
    order = order_of(client, "wait")
    task = running(engine, client, order, "w2")
    second.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    open(os.path.join(engine.place, "go-%d" % task), "w").close()
    same("SIGTERM: what runs may finish", ended(client, order), "completed")
    same("and it ends with 0", second.wait(10), 0)


def one_name(engine, client, script):
    older = start(engine, script, "twin", "--kill-after", "1")
    order = order_of(client, "hang")
    task = running(engine, client, order, "twin")
    path = os.path.join(engine.place, "%d.1" % task)
    eventually("its script is up", lambda: os.path.exists(path) and os.path.getsize(path))
    newer = start(engine, script, "twin", "--drain-timeout", "0", "--kill-after", "1")
    same("a second of its name: the first ends with 1", older.wait(10), 1)
    with open(path) as file:
        check("and its run with it", not daemon.alive(int(file.read())))
    with open(os.path.join(engine.place, "worker-log")) as file:
        check("it says why", "Another process has begun to work under this name" in file.read())
    eventually("the task is the other's, under the next lease", lambda: os.path.exists(os.path.join(engine.place, "%d.2" % task)))
    same("which ends with 0", daemon.end(newer), 0)
    released = history(client, order, "TaskReleased")[-1]["data"]
    same("and gives it back at once", released["reason"], "the worker is leaving")
    client.do("CancelOrder", {"order": order})


def example(engine, client):
    services = os.path.join(engine.place, "services")
    os.environ["SERVICES"] = services
    worker = engine.pedido_worker("--group", "hosting", "--exec", EXAMPLE, "--name", "example")
    order = shop.walk_to_open(client, shop.item(domain=shop.DOMAIN, parameters={"size": "10 GB"}))
    eventually("the example's disk is not there: not now", lambda: history(client, order, "TaskFailed"))
    os.mkdir(services)
    same("then it is", ended(client, order), "completed")
    instance = os.listdir(services)
    same("one directory is made", len(instance), 1)
    place = os.path.join(services, instance[0])
    with open(os.path.join(place, "pages", "index.txt")) as page, open(os.path.join(place, "size")) as size:
        same("with what was ordered", (page.read(), size.read()), (shop.DOMAIN + "\n", "10 GB\n"))
    got = [s for s in client.rows("ListSubscriptions", "subscriptions") if s["order"] == order][0]
    same("the customer gets a login", got["parameters"]["login"], "https://panel.example/" + instance[0])

    env = dict(os.environ, PEDIDO_INSTANCE=instance[0], PEDIDO_OPERATION="provision", PEDIDO_PLAN_NAME="x")
    again = subprocess.run([EXAMPLE], env=env, capture_output=True, text=True, check=True)
    check("done again it changes nothing, and says the same", again.stdout.splitlines()[-1].startswith('{"login"') and
          os.listdir(services) == instance, again)
    client.do("EndSubscription", {"subscription": got["subscription"], "reason": "no longer wanted"})
    eventually("it is removed", lambda: not os.listdir(services))
    env["PEDIDO_OPERATION"] = "deprovision"
    same("removed again, that is success", subprocess.run([EXAMPLE], env=env, stdout=subprocess.DEVNULL, check=False).returncode, 0)
    env["PEDIDO_OPERATION"] = "suspend"
    refused = subprocess.run([EXAMPLE], env=env, capture_output=True, check=False)
    same("what it does not know it refuses for good", refused.returncode, 1)
    same("SIGTERM ends it with 0", daemon.end(worker), 0)


def main():
    with daemon.Engine(lease_ms=1500) as engine:
        client = engine.client()
        shop.furnish(client)
        os.environ["PLACE"] = engine.place
        script = os.path.join(engine.place, "provision.sh")
        with open(script, "w") as file:
            file.write(SCRIPT)
        os.chmod(script, 0o755)
        worker = start(engine, script, "w1", "--kill-after", "1", "--time-limit", "4")
        try:
            runs(engine, client, worker)
            cancelled(engine, client)
            client = engine_killed(engine, client)
            drained(engine, client, worker, script)
            one_name(engine, client, script)
            example(engine, client)
        except BaseException:
            print(open(os.path.join(engine.place, "worker-log")).read()[-4000:])
            raise
        check("the log is whole", shop.gapless(client.log()))


main()

#!/usr/bin/python3
"""The drills of the domain that want real processes: drills.py 1|2|6|7|12|16. The others are stories in tests/scenarios."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import pack, request, unpack
from story import check, eventually, same, skip

SENDS = 24  # more than an engine sends until it has answered a command


def opened(client):
    return [e for e in client.log() if e["type"] == "OrderOpened"]


def ask(client, message, is_up=lambda: True):
    """The answer's bytes, or None: the engine is gone. Asked once: another time would have the engine send more than is counted."""
    client.commands.send([pack(dict(message, reseller="default"))])
    for _ in range(200):
        frames = client.commands.receive(0.1)
        if frames is not None:
            return frames[-1]
        if not is_up():
            break
    return None


def kill_children(process):
    """Those of strace; alone they would go on."""
    try:
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as children:
            for pid in children.read().split():
                os.kill(int(pid), signal.SIGKILL)
        process.wait(10)
    except (FileNotFoundError, ProcessLookupError):
        pass


def killed_at(data, n, message):
    """What OpenOrder is answered by an engine that is killed when it is about to send for the n-th time; whether it was killed."""
    wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", "inject=sendto:signal=KILL:when=%d" % n]
    engine = daemon.Engine(data=data, wrapper=wrapper)
    engine.launch()
    with engine.client() as client:
        answer = None
        if ask(client, request("Hello", {}), lambda: engine.process.poll() is None) is not None:
            answer = ask(client, message, lambda: engine.process.poll() is None)
    check("the %2d. message it sends kills it" % n, engine.process.poll() is not None or answer is not None)
    alive = engine.process.poll() is None
    kill_children(engine.process)
    daemon.end(engine.process, signal.SIGKILL)
    daemon.forget(engine.place)
    return answer, not alive


def between_commit_and_reply():
    """Drill 1: the engine is killed between its commit and its reply. The same id gets the reply that was never sent."""
    if shutil.which("strace") is None:
        skip("strace is not here")
    message, hits = request("OpenOrder", {"order": 1}, "drill-1"), 0
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        order = shop.add(client)["order"]
        client.do("ConfirmOrder", {"order": order})
        engine.stop()
        for n in range(1, SENDS):
            copy = os.path.join(engine.place, "copy")
            shutil.copytree(engine.data, copy)
            answer, killed = killed_at(copy, n, message)
            with daemon.Engine(data=copy) as again:
                client = again.client()
                there = len(opened(client)) == 1
                hits += there and answer is None
                reply = ask(client, message)
                check("and the same id is accepted", unpack(reply)["ok"] and unpack(reply)["data"]["state"] == "provisioning")
                same("twice with the same bytes", ask(client, message), reply)
                same("it was opened once", len(opened(client)), 1)
                if answer is not None:
                    same("what was answered before is answered again", reply, answer)
            daemon.forget(again.place)
            shutil.rmtree(copy)
            if not killed:
                break
    check("some of the engines died between commit and reply", hits > 0, hits)


def between_work_and_commit():
    """Drill 2: the worker has done it, and the engine dies before it can write that down. The worker says it again."""
    with daemon.Engine(lease_ms=5000) as engine:
        client = engine.client()
        shop.furnish(client)
        order = shop.walk_to_open(client)
        worker = engine.worker("w1", ["hosting"])
        task = worker.next()
        engine.process.send_signal(signal.SIGSTOP)
        report = {"worker": "w1", "task": task["task"], "lease": task["lease"], "parameters": {"login": "https://panel"}}
        worker.port.send([pack(request("ReportSuccess", report, "drill-2", reseller="default"))])
        time.sleep(0.2)
        engine.restart()
        client = engine.client()
        same("the engine knows nothing of it", shop.status(client, order)["state"], "provisioning")
        worker = engine.worker("w1", ["hosting"])
        worker.held = [{"reseller": "default", "task": task["task"], "lease": task["lease"]}]
        same("the worker keeps its lease", worker.ready()["data"]["lost"], [])
        check("and says it again, under the same id",
              worker.success(task, {"login": "https://panel"}, id="drill-2")["ok"])
        check("and once more", worker.success(task, {"login": "https://panel"}, id="drill-2")["ok"])
        same("the order is completed", shop.status(client, order)["state"], "completed")
        log = client.log()
        same("once", [e["type"] for e in log].count("SubscriptionActivated"), 1)
        same("under one lease", [e["data"]["lease"] for e in log if e["type"] == "TaskLeased"], [1])


def garbage_or_nothing():
    """Drill 6: a worker answers garbage, or nothing, until the deadline. Nothing but the deadline changes anything."""
    with daemon.Engine(lease_ms=60000) as engine:
        client = engine.client()
        shop.furnish(client)
        shop.put_plan(client, "quick", "Rápido", "quick", "none", worker_group="hosting", deadline_s=3)
        order = shop.walk_to_open(client, shop.item("quick"))
        worker = engine.worker("w1", ["hosting"])
        task = worker.next()
        head = client.hello(fresh=True)["head"]
        mine = {"worker": "w1", "task": task["task"], "lease": task["lease"]}
        refused = {
            "a task that never was": ("ReportSuccess", dict(mine, task=99), "task_not_found"),
            "a lease that never was": ("ReportSuccess", dict(mine, lease=2), "stale_lease"),
            "another's name": ("ReportProgress", dict(mine, worker="w2"), "stale_lease"),
            "more than all": ("ReportProgress", dict(mine, progress=101), "invalid_field"),
            "a key of its own": ("ReportSuccess", dict(mine, result="ok"), "unknown_field"),
            "a number for a text": ("ReportFailure", dict(mine, message=17), "invalid_field"),
            "a yard of output": ("ReportSuccess", dict(mine, output="x" * 2001), "invalid_field"),
            "33 parameters": ("ReportSuccess", dict(mine, parameters={"k%d" % i: "v" for i in range(33)}), "invalid_field")}
        for what, (kind, data, code) in refused.items():
            answer = worker._send(kind, data)
            check("%s is refused" % what, not answer["ok"] and answer["error"]["code"] == code, answer)
        for what, frame in (("nothing", b""), ("noise", os.urandom(500)), ("half a map", b"\x84\xa1v\x01"),
                            ("10 MiB", b"\xc6\x00\xa0\x00\x00" + b"x" * (10 << 20))):
            port = engine.worker("w1", ["hosting"]).port
            port.send([frame])
            port.receive(0.2)
            check("%s ends nothing" % what, client.hello(fresh=True)["head"] == head)
        same("nothing of it stands in the log", client.hello(fresh=True)["head"], head)
        same("the order waits", shop.status(client, order)["items"][0]["worker"], "w1")
        answer = client.do("CheckStatus", {"order": order, "wait_ms": 8000, "until": "end"}, timeout=12)
        same("the deadline ends it, visibly", (answer["state"], answer["reason"]),
             ("provisioning_failed", "the task's deadline has passed"))
        same("what the worker says then is stale", worker.success(task)["error"]["code"], "stale_lease")
        same("and the order stays as it is", shop.status(client, order)["state"], "provisioning_failed")


def away():
    """Drill 7: a subscriber is away for 100,000 events, and then has them all, each once and in order."""
    with daemon.Engine() as engine:
        client = engine.client(timeout=60)
        shop.furnish(client)
        line = ["events", "follow", "--checkpoint", os.path.join(engine.place, "checkpoint"), "--exit-at-end",
                "--format", "{position} {data.customer}\\n"]
        code, said, talk = engine.pedido(*line)
        head = client.hello(fresh=True)["head"]
        check("it comes to the end and goes away", code == 0 and len(said.splitlines()) == head, talk)
        code, said, talk = engine.pedido(*line)
        same("nothing has happened meanwhile", (code, said), (0, ""))
        for n in range(200):
            body = [request("PutCustomer", {"customer": "c%d" % (n * 500 + i), "name": "Cliente"}, reseller="default")
                    for i in range(500)]
            client.commands.send([pack(body)])
            client.commands.receive(30)
        engine.restart()  # it is another process, and the log is the same
        code, said, talk = engine.pedido(*line, timeout=100)
        lines = [line.split() for line in said.splitlines()]
        same("then come 100,000", (code, len(lines)), (0, 100000))
        # EngineStarted is nobody's; every other is the reseller's.
        same("each once and in order", [int(p) for p, _ in lines], list(range(head + 1, head + 100001)))
        same("as they were written", [c for _, c in lines], ["c%d" % n for n in range(100000)])


def dump(engine):
    """All that can be listed, but for what each start appends: EngineStarted, which belongs to no reseller."""
    done = subprocess.run([daemon.program("pedidod"), "dump", "--data", engine.data], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=60)
    same("they are printed", done.returncode, 0)
    none = ("entry heads c900000000", "entry events ca00000000", "entry events caffffffff", "entry events_by_hour cb00000000")
    return [line for line in done.stdout.decode().splitlines() if not line.startswith(none)]


def dropped():
    """Drill 12: rows, index and views are dropped and made anew from the log: they hold the same. (The index is in memory, made
    anew at each start.)"""
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        worker = engine.worker("w1", ["hosting", "mail"], credit=4)
        orders = [shop.walk_to_open(client, shop.item("std", "drill-%d.es" % n), shop.item("mail", "drill-%d.es" % n))
                  for n in range(30)]
        for n in range(45):
            task = worker.next()
            worker.success(task, {"login": "https://panel"}) if n % 4 else worker.failure(task, "no room")
        worker.close()
        for order in orders[::7]:
            client.call("CancelOrder", {"order": order, "reason": "drill"})
        before = {kind: client.rows(kind, key) for kind, key in (("ListOrders", "orders"), ("ListSubscriptions", "subscriptions"))}
        engine.stop()
        followed = dump(engine)
        check("there is something to be dropped: %d lines" % len(followed), len(followed) > 500)
        for name in ("rows", "views-a", "views-b"):
            shutil.rmtree(os.path.join(engine.data, name), ignore_errors=True)
        engine.start()
        eventually("views are made", lambda: client.query("ListViews").get("serving"))
        check("every list is the same", before == {kind: client.rows(kind, key) for kind, key in (
            ("ListOrders", "orders"), ("ListSubscriptions", "subscriptions"))})
        order = shop.add(client, reference="after")["order"]
        check("and numbers go on where they were", order == len(orders) + 1, order)
        refused = client.call("AddOrder", {"customer": "lopez", "items": [shop.item("vps")], "reference": "after"})
        same("and references are known", refused["error"]["code"], "reference_taken")
        engine.stop()
        code, said = engine.offline("verify")
        check("and all is as the log says", code == 0 and "and view as the log says" in said, said)
        with_order = [line for line in dump(engine) if line in set(followed)]
        check("what the views hold is the same", set(followed) - set(with_order) <= changed_by_an_order(followed), None)


def changed_by_an_order(lines):
    """Counters, the reseller's head and the ends of its lists of events move with an order."""
    return {line for line in lines if line.startswith(("entry heads", "entry events", "entry order_counts", "entry orders_by_hour",
                                                       "entry states_by_hour"))}


def restored_under_a_subscriber():
    """Drill 16: an old backup is restored under subscribers that are ahead of it. Each is told, none takes the new log's positions
    for the old one's."""
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        old, line = client.hello()["log"], ["events", "follow", "--exit-at-end", "--format", "{position} {log}\\n", "--checkpoint",
                                            os.path.join(engine.place, "checkpoint")]
        code, said, talk = engine.pedido("backup", os.path.join(engine.place, "backup"))
        same("a backup is made", code, 0)
        for n in range(20):
            client.do("PutCustomer", {"customer": "late%d" % n, "name": "Tarde"})
        head = client.hello(fresh=True)["head"]
        code, said, talk = engine.pedido(*line)
        same("one subscriber has it all, and has gone away", (code, len(said.splitlines())), (0, head))
        path = os.path.join(engine.place, "library.sqlite")
        stays = daemon.spawn([daemon.program("follow-sqlite"), engine.endpoint, "default", path])
        raw = daemon.spawn([sys.executable, "-B", os.path.join(daemon.ROOT, "tests", "support", "raw_follower.py"), engine.endpoint,
                            "default", os.path.join(engine.place, "raw.sqlite")])
        eventually("two others have it all, and stay", lambda: position_in(path) == head and position_in(raw.args[-1]) == head)
        engine.stop()
        shutil.rmtree(engine.data)
        done = subprocess.run([daemon.program("pedidod"), "restore", "--data", engine.data, os.path.join(engine.place, "backup")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        same("the backup is restored", done.returncode, 0)
        engine.start()
        client = engine.client()
        new = client.hello()["log"]
        check("it is another log, and shorter", new != old and client.hello()["head"] < head)
        same("one that stayed is told, and ends (the library's)", stays.wait(20), 3)
        same("the other as well (in Python)", raw.wait(20), 3)
        same("neither has anything of the new log", (position_in(path), position_in(raw.args[-1])), (head, head))
        code, said, talk = engine.pedido(*line)
        check("the one that comes back is told", code == 1 and "another log" in talk and said == "", (code, said, talk))
        os.unlink(line[-1])
        code, said, talk = engine.pedido(*line)
        logs = [row.split()[1] for row in said.splitlines()]
        same("and may begin anew", (code, logs), (0, [new] * client.hello(fresh=True)["head"]))
        cursor = {"from": head}
        answer = client.ask("ReadLog", cursor, log=old)
        same("a position that is said to be of the old log is refused", answer["error"]["code"], "wrong_log")


def position_in(path):
    try:
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10) as db:
            return (db.execute("SELECT position FROM progress").fetchone() or (0,))[0]
    except sqlite3.OperationalError:
        return 0


{"1": between_commit_and_reply, "2": between_work_and_commit, "6": garbage_or_nothing, "7": away, "12": dropped,
 "16": restored_under_a_subscriber}[sys.argv[1]]()

#!/usr/bin/python3
"""pedido-worker against an engine made of a few lines: what it says, what it repeats, what it stops."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import zmq
from pedido_raw import CONTEXT, pack, unpack
from story import check, eventually, same

HEARTBEAT_MS, LEASE_MS = 100, 1000


class FakeEngine:
    """Answers Hello and WorkerReady; keeps everything else for the test."""

    def __init__(self):
        self.place = daemon.directory()
        self.endpoints = {port: "ipc://%s/%s" % (self.place, port[0]) for port in daemon.PORTS}
        self.sockets = [CONTEXT.socket(zmq.ROUTER) for _ in range(2)]
        for socket, port in zip(self.sockets, ("commands", "workers")):
            socket.linger = 0
            socket.bind(self.endpoints[port])
        self.peer, self.deaf, self.refusal = None, False, None
        self.lost, self.stop, self.drain, self.time = [], [], {}, {}
        self.hellos, self.ready, self.reports, self.goodbyes = 0, [], [], []

    def serve(self, seconds=0.1):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready = zmq.select(self.sockets, [], [], max(0, end - time.monotonic()))[0]
            for socket in ready:
                self.hear(socket, *socket.recv_multipart())

    def hear(self, socket, peer, body):
        message = unpack(body)
        if self.deaf:
            return
        if message["type"] == "Hello":
            self.hellos += 1
            self.answer(message["id"], dict(self.time, endpoints=self.endpoints, log="0" * 32), peer, socket)
            return
        self.peer = peer
        if message["type"] == "WorkerReady":
            self.ready.append(message["data"])
            if self.refusal is not None:
                self.refuse(message, *self.refusal)
                return
            self.answer(message["id"], dict(self.drain, heartbeat_ms=HEARTBEAT_MS, lease_ms=LEASE_MS, lost=self.lost,
                                            stop=self.stop))
        elif message["type"] == "WorkerGoodbye":
            self.goodbyes.append(message)
            self.answer(message["id"], {"heartbeat_ms": HEARTBEAT_MS, "lease_ms": LEASE_MS})
        else:
            self.reports.append(message)

    def send(self, message, peer=None, socket=None):
        (socket or self.sockets[1]).send_multipart([peer or self.peer, pack(message)])

    def answer(self, id, data, peer=None, socket=None):
        self.send({"id": id, "ok": True, "data": data}, peer, socket)

    def accept(self, report):
        self.answer(report["id"], {key: report["data"][key] for key in ("task", "lease")})

    def refuse(self, report, code, message):
        self.send({"id": report["id"], "ok": False, "error": {"code": code, "message": message}})

    def assign(self, task, lease=1, **more):
        data = {"reseller": "default", "task": task, "lease": lease, "operation": "provision", "instance": "inst-%d" % task,
                "attempt": 1, "deadline": 1767225600000000, "order": 7, "reference": "r-7", "item": 1, "customer": "lopez",
                "subscription": 3, "plan": "std", "plan_name": "Hosting estándar y correo electrónico", "period": "1y",
                "quantity": 2, "domain": "xn--panadera-lpez-2ib7g.es", "domain_unicode": "panadería-lópez.es",
                "parameters": {"disk-size": "10 GB"}}
        data.update(more)
        self.send({"type": "Assignment", "data": data})

    def order_to_stop(self, task, lease=1):
        self.send({"type": "Stop", "data": {"reseller": "default", "task": task, "lease": lease}})

    def wait(self, what, probe, timeout=10.0):
        def served():
            self.serve(0.05)
            return probe()
        return eventually(what, served, timeout, 0)

    def result(self, what, task, lease=1):
        """Waits for the task's result and accepts it."""
        def found():
            return [r for r in self.reports if r["type"] != "ReportProgress" and
                    (r["data"]["task"], r["data"]["lease"]) == (task, lease)]
        report = self.wait(what, found)[0]
        self.accept(report)
        return report


def script(place, text):
    path = os.path.join(place, "provision.sh")
    with open(path + ".new", "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
    return path


def start_worker(engine, path, *more):
    log = open(os.path.join(engine.place, "worker-log"), "ab")
    with log:
        return daemon.spawn([daemon.program("pedido-worker"), "--endpoint", engine.endpoints["commands"], "--group", "hosting",
                             "--group", "mail", "--exec", path, "--name", "w1"] + list(more), stdout=log, stderr=log,
                            env=dict(os.environ, PEDIDO_STALE="yes"))


def successes(engine, place):
    engine.wait("it says WorkerReady", lambda: engine.ready)
    same("with groups, operations, credit and no leases", engine.ready[0], {
        "worker": "w1", "groups": ["hosting", "mail"], "operations": ["provision", "deprovision"], "credit": 1, "leases": []})

    script(place, 'cat > "%s/stdin"; env > "%s/env"; echo 25%%; sleep 0.4; echo 60%% copying files; sleep 0.4; echo almost;'
                  'sleep 0.4; echo \'{"login":"https://panel.example","server":"s7","port":2222,"ssl":true}\'\n' % (place, place))
    engine.assign(4)
    first = engine.wait("progress is told", lambda: engine.reports)[0]
    same("in percent", (first["type"], first["reseller"], first["data"]),
         ("ReportProgress", "default", {"worker": "w1", "task": 4, "lease": 1, "progress": 25}))
    engine.wait("an unanswered report is repeated", lambda: len(engine.reports) > 1)
    same("with the same id and content", engine.reports[1], first)
    engine.assign(4)
    engine.accept(first)
    engine.wait("what was said meanwhile follows", lambda: len(engine.reports) > 2)
    report = engine.result("the result is told", 4)
    same("with the last line's parameters", (report["type"], report["data"]),
         ("ReportSuccess", {"worker": "w1", "task": 4, "lease": 1, "output": report["data"]["output"],
                            "parameters": {"login": "https://panel.example", "server": "s7", "port": "2222", "ssl": "true"}}))
    same("and all that was printed", report["data"]["output"],
         '25%\n60% copying files\nalmost\n{"login":"https://panel.example","server":"s7","port":2222,"ssl":true}')
    held = [{"reseller": "default", "task": 4, "lease": 1}]
    check("the lease was renewed meanwhile", any(r["leases"] == held for r in engine.ready), engine.ready)
    with open(os.path.join(place, "stdin")) as file:
        task = json.load(file)
    same("stdin holds the task", (task["task"], task["plan_name"], task["parameters"], task["deadline"][:19]),
         (4, "Hosting estándar y correo electrónico", {"disk-size": "10 GB"}, "2026-01-01T00:00:00"))
    with open(os.path.join(place, "env")) as file:
        env = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    same("the environment, too", [env.get("PEDIDO_" + key) for key in (
        "TASK", "LEASE", "INSTANCE", "ORDER", "ITEM", "CUSTOMER", "PLAN", "PERIOD", "DOMAIN_UNICODE", "ATTEMPT", "QUANTITY",
        "OPERATION", "PARAM_DISK_SIZE", "STALE")],
         ["4", "1", "inst-4", "7", "1", "lopez", "std", "1y", "panadería-lópez.es", "1", "2", "provision", "10 GB", None])

    script(place, "exit 0\n")
    engine.assign(5, parameters={"k%d" % i: "v" * 256 for i in range(32)})
    same("unread stdin and no output is success", engine.result("a silent script", 5)["data"],
         {"worker": "w1", "task": 5, "lease": 1, "parameters": {}})
    script(place, "printf 'one\\n\\nall \\303 done\\t\\n'\n")
    engine.assign(6)
    same("the last line is the message, made fit", engine.result("a plain word", 6)["data"]["message"], "all ? done")


def failures(engine, place):
    for task, text, message, retryable, code in (
            (10, "echo out; echo 'no room on s7' >&2; exit 3\n", "no room on s7", False, None),
            (11, "echo 50% only this; exit 3\n", "only this", False, None),
            (12, "exit 9\n", "exit status 9", False, None),
            (13, "kill -9 $$\n", "signal 9", True, "signal"),
            (43, "echo 's7 is down' >&2; exit 75\n", "s7 is down", True, None)):
        script(place, text)
        engine.assign(task)
        report = engine.result("a failure", task)
        same("in these words, for good or not", (report["type"], report["data"]["message"], report["data"].get("retryable", False),
                                                 report["data"].get("code")), ("ReportFailure", message, retryable, code))
    path = script(place, "")
    with open(path, "w") as file:
        file.write("echo no interpreter is named\n")
    for task, change, words in ((44, lambda: None, "#!"), (45, lambda: os.chmod(path, 0o644), "ermission"),
                                (46, lambda: os.remove(path), "No such file")):
        change()
        engine.assign(task)
        data = engine.result("what cannot be started", task)["data"]
        check("is a failure for good that says why", data["code"] == "not_started" and words in data["message"] and
              not data.get("retryable"), data)
    script(place, "head -c 300000 /dev/zero | tr '\\0' x; echo; echo '{\"a\":[1]}'\n")
    engine.assign(14)
    same("a line without end does no harm, and an object of lists is a message",
         engine.result("a flood", 14)["data"]["message"], '{"a":[1]}')
    script(place, "echo '{\"login\":\"%s\"}'\n" % ("x" * 300))
    engine.assign(15)
    same("parameters over the bounds are a failure", engine.result("a long value", 15)["data"].get("code"), "bad_parameters")

    for task, message, told in ((17, "x" * 198 + "é y", "x" * 198 + "é"), (18, "x" * 199 + "é y", "x" * 199),
                                (41, "no\x1broom", "no"), (42, "", None)):
        script(place, "exit 0\n")
        engine.assign(task)
        success = engine.wait("a success", lambda: [r for r in engine.reports if r["data"]["task"] == task])[0]
        engine.refuse(success, "invalid_field", message)
        failure = engine.wait("refused with a long message, it is told as a failure", lambda: [
            r for r in engine.reports if r["data"]["task"] == task and r["type"] == "ReportFailure"])[0]
        same("in whole letters, and of what a text may hold", failure["data"].get("message"), told)
        engine.accept(failure)

    script(place, "echo '{\"login\":\"here\"}'\n")
    engine.assign(16)
    refused = engine.wait("a success", lambda: [r for r in engine.reports if r["data"]["task"] == 16])[0]
    engine.refuse(refused, "busy", "Later.")
    again = engine.wait("is told again after busy", lambda: [
        r for r in engine.reports if r["data"]["task"] == 16 and r["type"] == "ReportSuccess"][1:])[0]
    same("with its id", again, refused)
    engine.refuse(refused, "invalid_field", "The field parameters is not acceptable.")
    failure = engine.wait("refused as invalid, it is told as a failure", lambda: [
        r for r in engine.reports if r["data"]["task"] == 16 and r["type"] == "ReportFailure"])[0]
    engine.accept(failure)


def leases(engine, place):
    script(place, 'echo $$ > "%s/pid"; sleep 60 & echo $! > "%s/pid2"; sleep 60\n' % (place, place))
    engine.assign(20)
    pids = engine.wait("a script with a child of its own runs", lambda: all(
        os.path.exists(os.path.join(place, n)) and os.path.getsize(os.path.join(place, n)) for n in ("pid", "pid2")) and [
            int(open(os.path.join(place, name)).read()) for name in ("pid", "pid2")])
    lease = {"reseller": "default", "task": 20, "lease": 1}
    engine.lost = [lease]
    engine.wait("its lease is lost: the whole process group ends", lambda: not any(map(daemon.alive, pids)))
    engine.lost = []
    engine.ready.clear()
    engine.wait("and is held no more", lambda: engine.ready and lease not in engine.ready[-1]["leases"])
    told = engine.wait("that it has ended now is told, since only its worker knows", lambda: [
        r for r in engine.reports if r["data"]["task"] == 20])
    same("as a failure", (told[0]["type"], told[0]["data"]["code"]), ("ReportFailure", "lease_lost"))
    engine.refuse(told[0], "stale_lease", "This lease is no longer the task's; the result changes nothing.")

    script(place, 'while [ ! -e "%s/go" ]; do sleep 0.05; done; echo done\n' % place)
    engine.assign(21)
    held = [{"reseller": "default", "task": 21, "lease": 1}]
    engine.wait("another runs", lambda: engine.ready[-1]["leases"] == held)
    engine.deaf, hellos = True, engine.hellos
    engine.serve(LEASE_MS / 1000.0 + 0.5)
    engine.deaf = False
    engine.ready.clear()
    engine.wait("after silence it says Hello on a new socket", lambda: engine.hellos > hellos)
    engine.wait("and WorkerReady with its lease", lambda: engine.ready and engine.ready[0]["leases"] == held)
    engine.sockets[1].send_multipart([engine.peer, b"\xc1"])
    engine.sockets[1].send_multipart([engine.peer, b""])
    open(os.path.join(place, "go"), "w").close()
    same("the result comes, and garbage did no harm", engine.result("then it is done", 21)["data"]["message"], "done")


def environment(engine, place):
    script(place, 'env > "%s/env"; exit 0\n' % place)
    engine.assign(22, operation="deprovision", service_parameters={"server": "s7", "panel-login": "https://panel.example"})
    engine.result("the same script is run to remove", 22)
    with open(os.path.join(place, "env")) as file:
        env = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    same("with what it has told before", [env.get("PEDIDO_" + key) for key in (
        "OPERATION", "SERVICE_SERVER", "SERVICE_PANEL_LOGIN")], ["deprovision", "s7", "https://panel.example"])


def output(engine, place):
    script(place, "printf 'one\\ntwo \\033[1mbold\\303 \\tafter\\n'; echo three >&2; sleep 0.2; echo four\n")
    engine.assign(50)
    lines = engine.result("what both streams said", 50)["data"]["output"].split("\n")
    same("is told in lines, made fit", (sorted(lines[:3]), lines[3]), (["one", "three", "two  [1mbold? \tafter"], "four"))
    script(place, "seq 1 1000\n")
    engine.assign(51)
    told = engine.result("of much", 51)["data"]["output"]
    same("the last whole lines are told", told, "\n".join(str(n) for n in range(1001 - len(told.split("\n")), 1001)))
    check("as many as there is room for", 1990 <= len(told) <= 2000, len(told))
    script(place, "head -c 1999 /dev/zero | tr '\\0' x; echo é\n")
    engine.assign(52)
    same("a line that is too long is cut between letters", engine.result("a long line", 52)["data"]["output"], "x" * 1999)


def hangs(engine, place, task, *body, **more):
    """Hands out a task whose script hangs; waits until it does. It says `asked` when it gets SIGTERM."""
    up = os.path.join(place, "up-%d" % task)
    script(place, 'trap "echo asked; : > %s/asked-%d; %s" TERM; echo working; : > "%s"; while :; do sleep 0.05; done\n' % (
        place, task, body[0] if body else "exit 1", up))
    engine.assign(task, **more)
    engine.wait("a script hangs", lambda: os.path.exists(up))


def stops(engine, place, worker):
    hangs(engine, place, 60)
    engine.order_to_stop(60)
    report = engine.result("told to stop, it gives the task back", 60)
    same("which is no failure", (report["type"], report["data"]["reason"]), ("ReportRelease", "stopped"))

    hangs(engine, place, 61, "")
    engine.stop = [{"reseller": "default", "task": 61, "lease": 1}]
    begun = time.monotonic()
    report = engine.result("told so in a heartbeat's answer, by a script that does not care", 61)
    same("it is given back, too", report["type"], "ReportRelease")
    check("after SIGKILL", 0.8 < time.monotonic() - begun < 5, time.monotonic() - begun)
    engine.stop = []

    script(place, "echo quick; exit 0\n")
    engine.order_to_stop(62)
    engine.assign(62)
    same("an order to stop that comes too early is for nothing", engine.result("done", 62)["type"], "ReportSuccess")
    engine.order_to_stop(62)

    script(place, 'echo $$ > "%s/pid"; until [ -e "%s/go-65" ]; do sleep 0.05; done; echo done\n' % (place, place))
    os.remove(os.path.join(place, "pid"))
    engine.assign(65)
    engine.wait("one runs", lambda: os.path.exists(os.path.join(place, "pid")) and os.path.getsize(os.path.join(place, "pid")))
    worker.send_signal(signal.SIGSTOP)
    open(os.path.join(place, "go-65"), "w").close()
    with open(os.path.join(place, "pid")) as file:
        pid = int(file.read())
    eventually("its run ends, and the worker has not seen it", lambda: not daemon.alive(pid))
    engine.order_to_stop(65)
    worker.send_signal(signal.SIGCONT)
    same("told to stop then, it tells the result", engine.result("what is done is done", 65)["type"], "ReportSuccess")

    hangs(engine, place, 63)
    engine.assign(64)
    engine.serve(0.3)
    engine.order_to_stop(64)
    same("one that waits is given back at once", engine.result("waiting", 64)["type"], "ReportRelease")
    check("while the other runs", not [r for r in engine.reports if r["data"]["task"] == 63 and r["type"] != "ReportProgress"])
    engine.order_to_stop(63)
    engine.result("and then that", 63)


def limits(place):
    engine = FakeEngine()
    worker = start_worker(engine, script(place, "exit 0\n"), "--time-limit", "1")
    engine.wait("it says WorkerReady", lambda: engine.ready)
    hangs(engine, place, 70)
    data = engine.result("what takes longer than --time-limit", 70)["data"]
    same("fails, and may be tried again", (data["code"], data["retryable"]), ("time_limit", True))
    check("with what it said to the last", data["output"].startswith("working\n") and "asked" in data["output"], data)

    script(place, 'echo $$ > "%s/pid"; sleep 60 & echo $! > "%s/pid2"; setsid -w sleep 0.1; echo all done\n' % (place, place))
    engine.assign(71)
    same("a child that is left behind does not keep the task open", engine.result("done", 71)["data"]["message"], "all done")
    eventually("and is ended", lambda: not daemon.alive(int(open(os.path.join(place, "pid2")).read())))
    daemon.end(worker)


def deadline(place):
    """Of the clocks only the engine's counts: here it is a year behind ours."""
    engine = FakeEngine()
    now_us = int((time.time() - 365 * 86400) * 1e6)
    engine.time = {"time": now_us}
    worker = start_worker(engine, script(place, "exit 0\n"))
    engine.wait("it says WorkerReady", lambda: engine.ready)
    hangs(engine, place, 80, deadline=now_us + 1500000)
    data = engine.result("at the task's deadline by the engine's clock", 80)["data"]
    same("it is stopped", (data["code"], data["message"]), ("time_limit", "the task's deadline has passed"))
    daemon.end(worker)


def farewell(engine, place, worker):
    hangs(engine, place, 30, "sleep 0.1; echo saved; exit 0")
    engine.assign(31)
    engine.serve(0.3)
    worker.send_signal(signal.SIGTERM)
    engine.wait("SIGTERM: it takes no more tasks", lambda: engine.ready[-1]["credit"] == 0)
    same("what has not begun is given back", engine.result("waiting", 31)["type"], "ReportRelease")
    engine.assign(32)
    same("and what still comes", engine.result("late", 32)["type"], "ReportRelease")
    same("while the rest goes on, under its lease", [lease["task"] for lease in engine.ready[-1]["leases"] if lease["task"] == 30],
         [30])
    report = engine.result("after --drain-timeout it is stopped and given back", 30)
    same("although it exits 0: it was asked to end", report["type"], "ReportRelease")
    engine.wait("then it says goodbye", lambda: engine.goodbyes)
    engine.serve(0.2)
    same("and exits 0", worker.wait(10), 0)


def drained(place):
    """The engine asks: what is held is finished, however long that takes."""
    engine = FakeEngine()
    worker = start_worker(engine, script(place, "exit 0\n"), "--operation", "provision")
    engine.wait("it says WorkerReady", lambda: engine.ready)
    same("with the operation that it does", engine.ready[0]["operations"], ["provision"])
    script(place, 'while [ ! -e "%s/go2" ]; do sleep 0.05; done; echo done\n' % place)
    engine.assign(90)
    engine.wait("a task runs", lambda: engine.ready[-1]["leases"])
    engine.drain = {"drain": True}
    engine.wait("drained, it takes no more", lambda: engine.ready[-1]["credit"] == 0)
    engine.serve(1.2)
    check("but works on", worker.poll() is None and not engine.reports)
    open(os.path.join(place, "go2"), "w").close()
    same("to the end", engine.result("a result", 90)["type"], "ReportSuccess")
    engine.wait("and says goodbye", lambda: engine.goodbyes)
    engine.serve(0.2)
    same("and exits 0", worker.wait(10), 0)


def hurried(place):
    """Two signals: now."""
    engine = FakeEngine()
    worker = start_worker(engine, script(place, "exit 0\n"), "--drain-timeout", "60")
    engine.wait("it says WorkerReady", lambda: engine.ready)
    hangs(engine, place, 95)
    worker.send_signal(signal.SIGINT)
    engine.serve(0.3)
    check("one signal lets it run", not [r for r in engine.reports if r["type"] != "ReportProgress"])
    worker.send_signal(signal.SIGTERM)
    same("a second does not", engine.result("given back", 95)["type"], "ReportRelease")
    engine.wait("and says goodbye", lambda: engine.goodbyes)
    engine.serve(0.2)
    same("and exits 0", worker.wait(10), 0)


def replaced(place):
    engine = FakeEngine()
    worker = start_worker(engine, script(place, "exit 0\n"))
    engine.wait("it says WorkerReady", lambda: engine.ready)
    hangs(engine, place, 97)
    engine.refusal = ("worker_in_use", "Another process has begun to work under this name.")
    engine.wait("refused because another has its name, it ends", lambda: worker.poll() is not None)
    same("with status 1", worker.returncode, 1)
    with open(os.path.join(engine.place, "worker-log")) as log:
        check("and says so", "Another process has begun to work under this name." in log.read())
    told = {r["data"].get("code") for r in engine.reports if r["type"] != "ReportProgress"}
    check("without a result, but that its lease is lost", told <= {"lease_lost"}, told)
    check("its script was asked to end", os.path.exists(os.path.join(place, "asked-97")))


def main():
    engine, place = FakeEngine(), daemon.directory()
    worker = start_worker(engine, script(place, "exit 0\n"), "--kill-after", "1", "--drain-timeout", "1")
    try:
        successes(engine, place)
        failures(engine, place)
        leases(engine, place)
        environment(engine, place)
        output(engine, place)
        stops(engine, place, worker)
        farewell(engine, place, worker)
        limits(place)
        deadline(place)
        drained(place)
        hurried(place)
        replaced(place)
    except BaseException:
        print(open(os.path.join(engine.place, "worker-log")).read()[-4000:])
        raise


main()

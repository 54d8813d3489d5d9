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
        self.peer, self.deaf, self.lost = None, False, []
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
            self.answer(message["id"], {"endpoints": self.endpoints, "log": "0" * 32}, peer, socket)
            return
        self.peer = peer
        if message["type"] == "WorkerReady":
            self.ready.append(message["data"])
            self.answer(message["id"], {"heartbeat_ms": HEARTBEAT_MS, "lease_ms": LEASE_MS, "lost": self.lost})
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
    same("with groups, credit and no leases", engine.ready[0], {"worker": "w1", "groups": ["hosting", "mail"], "credit": 1,
                                                                   "leases": []})

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
         ("ReportSuccess", {"worker": "w1", "task": 4, "lease": 1,
                            "parameters": {"login": "https://panel.example", "server": "s7", "port": "2222", "ssl": "true"}}))
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
    for task, text, wanted in (
            (10, "echo out; echo 'no room on s7' >&2; exit 3\n", "no room on s7"),
            (11, "echo 50% only this; exit 3\n", "only this"),
            (12, "exit 9\n", "exit status 9"),
            (13, "kill -9 $$\n", "signal 9")):
        script(place, text)
        engine.assign(task)
        report = engine.result("a failure", task)
        same("in these words", (report["type"], report["data"]["message"]), ("ReportFailure", wanted))
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
    check("nothing is told of it", not [r for r in engine.reports if r["data"]["task"] == 20])

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


def farewell(engine, place, worker):
    script(place, 'trap "echo got it > %s/term; exit 0" TERM; : > "%s/up"; while :; do sleep 0.05; done\n' % (place, place))
    engine.assign(30)
    engine.wait("one more runs", lambda: os.path.exists(os.path.join(place, "up")))
    worker.send_signal(signal.SIGTERM)
    engine.wait("SIGTERM: it says goodbye", lambda: engine.goodbyes)
    engine.serve(0.2)
    same("exits 0", worker.wait(10), 0)
    check("its script was asked to end", os.path.exists(os.path.join(place, "term")))
    same("it took no more tasks", engine.ready[-1]["credit"], 0)
    check("and told no result", not [r for r in engine.reports if r["data"]["task"] == 30])


def main():
    engine, place = FakeEngine(), daemon.directory()
    worker = start_worker(engine, script(place, "exit 0\n"))
    try:
        successes(engine, place)
        failures(engine, place)
        leases(engine, place)
        farewell(engine, place, worker)
    except BaseException:
        print(open(os.path.join(engine.place, "worker-log")).read()[-4000:])
        raise


main()

#!/usr/bin/python3
"""Ordinary bad days: no file descriptors left, a directory that is read only, an engine that is stopped for a while, a clock that
jumps, a reader that is killed. (A full disk is in diskfull, calls that fail in tests/sweep.)"""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import pack, request
from story import check, eventually, same, say

DAY = 86400 * 10**6
FAKETIME = "/usr/lib/%s/faketime/libfaketimeMT.so.1"


def put(client, id):
    return client.call("PutCustomer", {"customer": "c" + id, "name": "Cliente"}, id)


@contextlib.contextmanager
def connections(engine, count):
    """Connections that say nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            with contextlib.suppress(OSError):  # the engine may be gone by then
                one.connect(engine.endpoint[len("ipc://"):])
        yield


def no_descriptors():
    say("no file descriptors")
    few = daemon.Engine(wrapper=["prlimit", "--nofile=16:16"])
    few.launch()
    status = few.process.wait(10)
    check("with 16 it does not start, and says why", status != 0 and "open files" in few.log(), (status, few.log()))
    with daemon.Engine(wrapper=["prlimit", "--nofile=64:4096"]) as engine:
        with connections(engine, 100):
            check("64 are only where it begins: 100 connections that say nothing are no matter", put(engine.client(), "fd")["ok"])
        engine.stop()
    with daemon.Engine(wrapper=["prlimit", "--nofile=64:64"]) as engine:
        client, answers = engine.client(), {}
        shop.furnish(client)
        for n in range(20):
            answers["fd-%d" % n] = put(client, "fd-%d" % n)
        with connections(engine, 100):
            status = engine.process.wait(10)
        check("where there are no more libzmq ends it, with a word", status == -signal.SIGABRT and "open files" in engine.log(),
              (status, engine.log()))
        engine.start()
        check("nothing is lost", all(put(client, id) == answer for id, answer in answers.items()))
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


def read_only_directory():
    say("a read-only directory")
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        answer = put(client, "ro")
        engine.stop()
    mounted = ["mount --bind %s %s && mount -o remount,bind,ro %s && exec \"$@\"" % ((engine.data,) * 3), "sh"]
    closed = daemon.Engine(data=engine.data, wrapper=["unshare", "-m", "sh", "-c"] + mounted)
    if subprocess.run(["unshare", "-m", "sh", "-c"] + mounted + ["true"], stdin=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode != 0:
        say("       not tried: nothing can be mounted here")
        return
    closed.launch()
    status = closed.process.wait(10)
    check("it does not start, and names the file", status == 1 and "Read-only file system" in closed.log(), closed.log())
    engine.start()
    same("where it can be written again, the same id has the same reply", put(client, "ro"), answer)
    engine.stop()


def stopped_for_a_while():
    say("stopped for a while")
    with daemon.Engine(lease_ms=1000) as engine:
        client = engine.client()
        shop.furnish(client)
        worker = engine.worker("w1", ["hosting"])
        order = shop.walk_to_open(client, shop.item("vps"))
        task = worker.next()
        engine.process.send_signal(signal.SIGSTOP)
        for n in range(100):
            message = request("PutCustomer", {"customer": "s%d" % n, "name": "Cliente"}, "stop-%d" % n, reseller="default")
            client.commands.send([pack(message)])
        time.sleep(2.5)
        engine.process.send_signal(signal.SIGCONT)
        answers = [client.commands.receive(10) for _ in range(100)]
        check("what was sent meanwhile is answered", all(answers))
        if not worker.success(task)["ok"]:  # its lease may have passed; then the task comes again
            worker.success(worker.next())
        same("the order is completed", shop.status(client, order)["state"], "completed")
        log = client.log()
        same("once", sum(e["type"] == "TaskSucceeded" for e in log), 1)
        same("each command was done once", len({e["command"] for e in log if e["command"].startswith("stop-")}), 100)
        check("positions run from 1 without gap", shop.gapless(log))
        worker.close()
        same("SIGTERM ends it", engine.stop(), 0)


def clock_jumps():
    library = next((FAKETIME % name for name in os.listdir("/usr/lib") if os.path.exists(FAKETIME % name)), None)
    if library is None or os.environ.get("PD_SANITIZE"):
        say("no clock that jumps: libfaketime is not here, or a sanitizer is")
        return
    say("a clock that jumps")
    clock = os.path.join(daemon.directory(), "clock")

    def set_clock(by):
        with open(clock + ".new", "w") as file:
            file.write(by + "\n")
        os.rename(clock + ".new", clock)

    set_clock("+0")
    with daemon.Engine(wrapper=["env", "LD_PRELOAD=" + library, "FAKETIME_TIMESTAMP_FILE=" + clock, "FAKETIME_NO_CACHE=1",
                                "DONT_FAKE_MONOTONIC=1"]) as engine:
        client = engine.client()
        shop.furnish(client)
        before = client.log()[-1]["time"]
        set_clock("-1d")
        answers = [put(client, "back-%d" % n) for n in range(20)]
        check("a day back: it serves", all(a["ok"] for a in answers))
        check("and no event is older than the one before", shop.gapless(client.log()) and client.log()[-1]["time"] >= before)
        order = shop.walk_to_open(client, shop.item("vps"))
        worker = engine.worker("w1", ["hosting"])
        task = worker.next()
        set_clock("+30d")
        eventually("a month on: the task's deadline has passed",
                   lambda: shop.status(client, order)["state"] == "provisioning_failed", 10)
        check("its late result is refused", not worker.success(task)["ok"])
        set_clock("+0")
        client.do("RetryProvisioning", {"order": order})
        worker.success(worker.next())
        same("and back: it is tried again, and completed", shop.status(client, order)["state"], "completed")
        log = client.log()
        check("time has never gone back", shop.gapless(log) and log[-1]["time"] > before + 29 * DAY)
        worker.close()
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


def reader_killed():
    """Another program looks at the log and is killed: what it saw would keep every later page from being used again."""
    say("a reader that is killed")
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)

        def readers():
            return [m["value"] for m in client.query("GetMetrics")["metrics"]
                    if m["metric"] == "store_readers" and m.get("of") == "log"][0]

        reader = daemon.spawn(["mdb_copy", os.path.join(engine.data, "books")], stdout=subprocess.PIPE)
        eventually("it is seen", lambda: readers() == 1)
        daemon.end(reader, signal.SIGKILL)
        reader.stdout.close()
        eventually("and forgotten when it has gone", lambda: readers() == 0, 10, 0.2)
        check("which the log says", "dead_reader" in engine.log(), engine.log())


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    no_descriptors()
    read_only_directory()
    stopped_for_a_while()
    clock_jumps()
    reader_killed()


main()

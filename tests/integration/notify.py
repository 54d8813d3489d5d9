#!/usr/bin/python3
"""What a service manager hears: ready once it serves, a line for people, stopping; and the watchdog is fed only for progress."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import pack, request, unpack
from story import check, eventually, same, skip

WATCHDOG_S = 0.6
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Manager:
    """The socket that the engine tells things to."""

    def __init__(self):
        self.path = os.path.join(daemon.directory(), "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.environ["NOTIFY_SOCKET"] = self.path
        os.environ["WATCHDOG_USEC"] = str(int(WATCHDOG_S * 1e6))
        self.heard = []  # (time, line)
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self):
        while True:
            lines = self.socket.recv(4096).decode().split("\n")
            self.heard += [(time.monotonic(), line) for line in lines]

    def listen(self, seconds):
        """What is said meanwhile."""
        begin = len(self.heard)
        time.sleep(seconds)
        return [line for _, line in self.heard[begin:]]

    def hears(self, wanted):
        """The lines heard by now that begin so."""
        return [line for _, line in self.heard if line.startswith(wanted)]

    def fed(self, seconds=WATCHDOG_S):
        return self.listen(seconds).count("WATCHDOG=1")


def threads(pid):
    found = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, tid)) as comm:
            found.setdefault(comm.read().strip(), int(tid))
    return dict(found, net=pid)


def trace(what, tid):
    return LIBC.ptrace(what, tid, None, None) == 0


class Frozen:
    """One thread of the engine hangs."""

    def __init__(self, tid):
        self.tid = tid

    def __enter__(self):
        if not trace(PTRACE_SEIZE, self.tid):
            skip("a thread cannot be traced here: %s" % os.strerror(ctypes.get_errno()))
        check("it hangs", trace(PTRACE_INTERRUPT, self.tid) and os.waitpid(self.tid, WALL)[0] == self.tid)

    def __exit__(self, *_):
        trace(PTRACE_DETACH, self.tid)


def goes_hungry(manager):
    manager.listen(WATCHDOG_S / 4)
    eventually("the watchdog goes hungry", lambda: manager.fed(1.5 * WATCHDOG_S) == 0)


def is_fed_again(manager):
    eventually("and is fed again when it goes on", manager.fed)


def starts(manager, engine):
    engine.start()
    eventually("it is ready", lambda: manager.hears("READY=1"))
    lines = [line for _, line in manager.heard]
    check("first it says that it starts", lines[0].startswith("STATUS=starting"), lines)
    same("and once that it is ready", lines.count("READY=1"), 1)
    count = manager.fed(3 * WATCHDOG_S)
    check("an idle engine feeds the watchdog, and not at every turn of a loop", 3 <= count <= 13, count)
    other = daemon.Engine()
    os.mkdir(other.data)
    with open(os.path.join(other.data, "books"), "w") as no_books:
        no_books.write("nothing that can be opened")
    ended = daemon.spawn(other.command_line(), stderr=subprocess.DEVNULL).wait(15)
    check("one that cannot open its log is never ready", ended == 1 and manager.hears("READY=1") == ["READY=1"],
          (ended, manager.heard[-3:]))


def tells(manager, client):
    def position():
        said = re.findall(r"serving; position (\d+);", " ".join(manager.hears("STATUS=")[-1:]))
        return int(said[0]) if said else 0

    shop.furnish(client)
    eventually("it tells the log's position", position)
    before = position()
    shop.walk_to_open(client)
    eventually("as it grows, and what waits for workers",
               lambda: position() >= before + 3 and "tasks: 1 waiting, 0 leased; workers: 0" in manager.hears("STATUS=")[-1])
    times = [at for at, line in manager.heard if line.startswith("STATUS=serving;")]
    check("at most once a second", all(b - a > 0.5 for a, b in zip(times, times[1:])), times)
    manager.listen(2.2)
    same("and nothing when nothing happens", [line for line in manager.listen(1.5) if line.startswith("STATUS=")], [])


def hangs(manager, engine, client):
    tids = threads(engine.process.pid)
    for name in ("net", "engine", "log"):
        print("the thread %s hangs" % name)
        with Frozen(tids[name]):
            goes_hungry(manager)
        is_fed_again(manager)

    print("the thread queries hangs")
    client.rows("ListCustomers", "customers")
    with Frozen(tids["queries"]):
        check("nobody asks, nothing is amiss", manager.fed(2 * WATCHDOG_S) > 0)
        client.queries.send([pack(request("ListCustomers", {}))])
        goes_hungry(manager)
    is_fed_again(manager)
    check("the query is answered", unpack(client.queries.receive(10)[-1])["ok"])

    print("the thread rows hangs")
    with Frozen(tids["rows"]):
        arrays = [[request("PutCustomer", {"customer": "c%d-%d" % (m, n), "name": "C"}) for n in range(1024)] for m in range(40)]
        for array in arrays:
            client.commands.send([pack(array)])
            if client.commands.receive(1.5) is None:
                break
        else:
            check("commands wait when their rows are not written", False)
        goes_hungry(manager)
    is_fed_again(manager)
    check("what waited is answered", all(answer["ok"] for answer in unpack(client.commands.receive(10)[-1])))


def main():
    manager, engine = Manager(), daemon.Engine()
    starts(manager, engine)
    client = engine.client()
    tells(manager, client)

    engine.process.send_signal(signal.SIGSTOP)
    goes_hungry(manager)
    engine.process.send_signal(signal.SIGCONT)
    is_fed_again(manager)

    same("it ends well", engine.stop(), 0)
    eventually("and has said that it stops", lambda: manager.hears("STOPPING=1") == ["STOPPING=1"])
    engine.start()
    client = engine.client()
    hangs(manager, engine, client)
    same("it ends well", engine.stop(), 0)


main()

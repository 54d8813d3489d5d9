#!/usr/bin/python3
"""`pedidod doctor` says whether a disk and a machine will do: a line for each thing, the worst of them first and as the exit status
that monitoring wants. A disk whose flushes take no time is not believed; what is too little is named with its number."""

import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, same

VERDICTS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
THINGS = ("file system", "flush", "device", "space", "limits", "clock")


def doctor(data, limit=None, **environment):
    """(exit status, the first line, thing -> (verdict, text))"""
    done = subprocess.run([daemon.program("pedidod"), "doctor", "--data", data], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, env=dict(os.environ, **environment),
                          preexec_fn=(lambda: resource.setrlimit(*limit)) if limit else None)
    first, *lines = done.stdout.decode().splitlines()
    return done.returncode, first, {line[10:21].strip(): (line[:8].strip(), line[23:]) for line in lines}


def is_whole(about, found):
    code, first, things = found
    same(about + ": a line each", tuple(things), THINGS)
    worst = max((verdict for verdict, _ in things.values()), key=("OK", "UNKNOWN", "WARNING", "CRITICAL").index)
    same(about + ": the worst first, and as the status", (first.split(":")[0], code), ("PEDIDO " + worst, VERDICTS.index(worst)))


def is_not_believed(data):
    library = next((path for path in ("/usr/lib/%s-linux-gnu/libeatmydata.so" % os.uname().machine,) if os.path.exists(path)), None)
    check("a library that ignores flushes is here (scripts/deps --tests)", library is not None)
    found = doctor(data, LD_PRELOAD=library)
    is_whole("without flushes", found)
    check("flushes that take no time are not believed", found[2]["flush"][0] == "CRITICAL" and
          "something on the way ignores it" in found[2]["flush"][1], found)


def main():
    with daemon.Engine() as engine:
        shop.furnish(engine.client())
        before = sorted(os.listdir(engine.data))
        found = doctor(engine.data)
        is_whole("beside an engine that serves", found)
        check("the disk keeps what it was told", "writes were there after a kill" in found[2]["flush"][1], found)
        same("nothing stays behind", sorted(os.listdir(engine.data)), before)
        if not os.environ.get("PD_SANITIZE"):  # it wants to be the first library itself
            is_not_believed(engine.data)

        found = doctor(engine.data, limit=(resource.RLIMIT_NOFILE, (256, 256)))
        is_whole("with few files", found)
        verdict, text = found[2]["limits"]
        check("too few open files are named", verdict == "WARNING" and text.startswith("256 open"), found)
        os.utime(os.path.join(engine.data, "head"), (2**32, 2**32))
        found = doctor(engine.data)
        check("a clock that was set back is seen", found[2]["clock"][0] == "CRITICAL" and "behind what was written" in
              found[2]["clock"][1], found)
    if os.path.isdir("/dev/shm"):
        check("memory is no disk", doctor("/dev/shm")[2]["file system"][0] == "WARNING")
    same("no directory is unknown", doctor(os.path.join(engine.place, "none"))[:2],
         (3, "PEDIDO UNKNOWN: there is no directory %s/none; make it on the disk that is to be examined" % engine.place))
    found = doctor("/proc")
    check("one that cannot be written is critical", found[0] == 2 and found[2]["flush"][0] == "CRITICAL", found)


main()

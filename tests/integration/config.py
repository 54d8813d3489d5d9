#!/usr/bin/python3
"""A file says what the command line may: what is wrong with it is named by line, and what --print-config prints is one."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from story import check, same

WRONG = [
    ("# nothing is wrong here", None),
    ("data = ", "data takes 1 to 4000 bytes"),
    ("lease-ms = 99", "lease-ms takes a number from 100 to 3600000, not \"99\""),
    ("lease-ms = 500", "lease-ms is in line 3 already"),
    ("leasems = 500", "there is no option \"leasems\""),
    ("[engine]", "there are no sections"),
    ("known-commands = 1000", "known-commands takes a number from 1048576 to 16777216"),
    ("log-level = loud", "log-level takes one of info|warn|error, not \"loud\""),
    ("commands = tcp://0.0.0.0", "commands takes ipc://PATH or tcp://ADDRESS:PORT"),
    ("accept-shorter-log = yes", "accept-shorter-log is for the command line only"),
    ("events = " + "x" * 5000, "a line has at most 4096 bytes"),
    ("serve", "a line is name = value"),
]


def pedidod(*arguments):
    done = subprocess.run([daemon.program("pedidod")] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=30)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def wrong(place):
    data = os.path.join(place, "data")
    path = write(os.path.join(place, "wrong.conf"), "".join(line + "\n" for line, _ in WRONG))
    code, out, err = pedidod("--config", path, "--data", data)
    same("a file with something wrong ends it with 2", (code, out), (2, ""))
    said = err.splitlines()
    same("each line that is wrong is named, and no other",
         [line.split(": ")[1] for line in said],
         ["%s:%d" % (path, number) for number, (_, what) in enumerate(WRONG, 1) if what is not None])
    for line, what in zip(said, [what for _, what in WRONG if what is not None]):
        check(what, what in line, line)
    check("nothing was started", not os.path.exists(data))
    code, _, err = pedidod("--config", os.path.join(place, "none.conf"), "--data", data)
    check("a file that is not there is named", code == 2 and "none.conf: it cannot be read: No such file" in err, (code, err))


def printed(place):
    code, defaults, _ = pedidod("--print-config")
    check("--print-config needs no directory", code == 0 and "\n# data = \n" in defaults, (code, defaults))
    help_text = pedidod("--help")[1]
    for name, low, high, default in re.findall(r"--(\S+) .*\((\d+) to (\d+); default (\d+)\)", help_text):
        check("--help and --print-config tell the same of " + name,
              "# a number from %s to %s; default %s\n%s = %s\n" % (low, high, default, name, default) in defaults, defaults)
    path = write(os.path.join(place, "some.conf"), "data = /a dir ;#x\nlease-ms = 450\nlog-level = warn\n")
    code, first, _ = pedidod("--config", path, "--print-config", "--lease-ms=700", "--events=ipc:///tmp/e = f")
    wanted = ("data = /a dir ;#x", "lease-ms = 700", "log-level = warn", "events = ipc:///tmp/e = f", "known-commands = 1048576")
    check("the command line goes before the file, the file before the default",
          code == 0 and all("\n%s\n" % line in first for line in wanted), first)
    same("what it prints is a file that says the same",
         pedidod("--config", write(os.path.join(place, "printed.conf"), first), "--print-config")[:2], (0, first))


def serves(place):
    with daemon.Engine() as engine:
        engine.stop()
        path = os.path.join(place, "engine.conf")
        settings = dict(engine.endpoints, data=engine.data, **{"lease-ms": 2100, "known-commands": 2097152, "log-level": "warn"})
        write(path, "".join("%s = %s\n" % pair for pair in settings.items()))
        before = engine.log()
        engine.command_line = lambda: [daemon.program("pedidod"), "--config", path]
        engine.start()
        same("an engine takes its directory and endpoints from a file", engine.client().hello()["endpoints"]["queries"],
             engine.endpoints["queries"])
        ready = engine.worker("w1", ["hosting"]).ready()
        same("and how long a lease is", ready["data"]["lease_ms"], 2100)
        same("and keeps quiet of what is no warning", engine.log(), before)


def main():
    place = daemon.directory()
    wrong(place)
    printed(place)
    serves(place)


main()

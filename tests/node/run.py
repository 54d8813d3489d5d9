#!/usr/bin/python3
"""run FOLDER TEST - clients/node/test/TEST.test.js, in FOLDER: a copy of the client in which its packages are installed, once for
each package-lock.json. Several may run at a time."""

import fcntl
import filecmp
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from story import check, skip

SOURCE = os.path.join(daemon.ROOT, "clients", "node")
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "SOCKET_TIMEOUT", "CERT")
NOT_AGAIN_S = 300  # the tests of one run do not each wait for it


def install(folder):
    """npm ci, unless what it installed is of this lock."""
    lock, done = os.path.join(SOURCE, "package-lock.json"), os.path.join(folder, "node_modules", "installed.json")
    if os.path.exists(done) and filecmp.cmp(lock, done, shallow=False):
        return
    failed = os.path.join(folder, "unreachable")
    if os.path.exists(failed) and time.time() - os.path.getmtime(failed) < NOT_AGAIN_S:
        skip("the registry could not be reached just now")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(os.path.join(SOURCE, name), folder)
    quiet = ("--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1", "--fetch-timeout=20000")
    try:
        npm = subprocess.run(["npm", "ci", *quiet], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=75)
    except subprocess.TimeoutExpired:
        open(failed, "w").close()
        skip("npm ci did not end in time: is the registry reachable?")
    said = npm.stdout.decode(errors="replace")
    if npm.returncode != 0 and re.search("|".join(UNREACHABLE), said):
        open(failed, "w").close()
        skip("the registry cannot be reached")
    check("npm ci", npm.returncode == 0, said)
    shutil.copy(lock, done)


def stage(folder):
    """The client as it is now. A file that did not change is left alone: another test may be reading it."""
    for path, names, leaves in os.walk(SOURCE):
        names[:] = [name for name in names if name != "node_modules"]
        target = os.path.join(folder, os.path.relpath(path, SOURCE))
        os.makedirs(target, exist_ok=True)
        for leaf in leaves:
            source, copy = os.path.join(path, leaf), os.path.join(target, leaf)
            if not os.path.exists(copy) or not filecmp.cmp(source, copy, shallow=False):
                shutil.copy(source, copy + ".new")
                os.replace(copy + ".new", copy)


def main():
    folder, name = sys.argv[1:]
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip("there is no node, or no npm")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(folder)
        stage(folder)
    test = daemon.spawn(["node", "--test", "--test-reporter=spec", os.path.join("test", name + ".test.js")], cwd=folder,
                        env=dict(os.environ, PEDIDO_BIN=daemon.BIN, PEDIDO_SOURCE=daemon.ROOT))
    sys.exit(test.wait())


main()

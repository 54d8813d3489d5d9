"""demo_kept - scripts/demo --keep and --stop: an engine and a worker that stay, on the default ports."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

DEFAULT_PORTS = (7411, 7412, 7413, 7414)


def directory():
    home = os.environ.get("XDG_STATE_HOME") or (os.environ.get("HOME") and os.path.join(os.environ["HOME"], ".local", "state"))
    path = os.path.join(home, "pedido-demo") if home else "/tmp/pedido-demo-%d" % os.getuid()
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def _file():
    return os.path.join(directory(), "running.json")


def remember(demo):
    """Who runs, for --stop."""
    if demo.keep:
        with open(_file(), "w") as file:
            json.dump({"pedidod": demo.engine.pid, "pedido-worker": demo.worker.pid if demo.worker else 0}, file)


def forget():
    if os.path.exists(_file()):
        os.unlink(_file())


def _running():
    """Those of the remembered processes that still are what they were: numbers are used again."""
    try:
        with open(_file()) as file:
            remembered = json.load(file)
    except (OSError, ValueError):
        return {}
    found = {}
    for name, pid in remembered.items():
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                line = file.read().decode(errors="replace")
        except OSError:
            continue
        if os.path.basename(line.split("\0")[0]) == name and directory() in line:
            found[name] = pid
    return found


def _holder(port):
    """Who listens on a port, as far as it can be seen."""
    try:
        done = subprocess.run(["ss", "-ltnpH", "sport", "=", ":%d" % port], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return "another process"
    text = done.stdout.decode(errors="replace")
    if 'users:(("' not in text:
        return "another process (of another user)"
    name, rest = text.split('users:(("', 1)[1].split('"', 1)
    return "%s (process %s)" % (name, rest.split("pid=", 1)[1].split(",", 1)[0])


def make_room():
    """The default ports must be free; an earlier demo's data make way."""
    if _running():
        sys.exit("a demo is running already; scripts/demo --stop ends it")
    taken = []
    for port in DEFAULT_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.append("port %d is held by %s" % (port, _holder(port)))
    if taken:
        sys.exit("\n".join(taken) + "\nEnd it, or try scripts/demo without --keep, which needs no ports.")
    shutil.rmtree(os.path.join(directory(), "data"), ignore_errors=True)


def explain(demo, programs):
    demo.show("\nEngine and worker go on, on the default ports. Try:", "1;36")
    demo.show("  %s/pedido order list" % programs)
    demo.show("  %s/pedido order add lopez --plan tienda-online --period 1m --domain tienda.panadería-lópez.es" % programs)
    demo.show("  %s/pedido events tail" % programs)
    demo.show("Data, logs and the worker's script are in %s. This ends them:" % demo.place)
    demo.show("  scripts/demo --stop")


def stop():
    running = _running()
    if not running:
        print("nothing is running")
    for name in ("pedido-worker", "pedidod"):
        if name in running:
            os.kill(running[name], signal.SIGTERM)
    end = time.monotonic() + 15
    while _running() and time.monotonic() < end:
        time.sleep(0.1)
    left = _running()
    for name, pid in left.items():
        print("%s (process %d) does not end" % (name, pid))
    if running and not left:
        print("stopped: " + ", ".join("%s (process %d)" % pair for pair in running.items()))
        forget()
    return 1 if left else 0

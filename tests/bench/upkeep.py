"""upkeep - the scenarios of scripts/bench that look at an engine and not at its commands: how soon it answers after it was killed,
how fast rows, views and a verification are made of a log, what it needs when nothing happens, how many instructions a command
takes."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

import callgrind
import daemon
import pedido_raw
from harness import Engine


def timed(verb, data):
    begun = time.monotonic()
    subprocess.run([daemon.program("pedidod"), verb, "--data", data], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun


def an_order():
    """With a domain nobody has had."""
    return pedido_raw.request("AddOrder", {"customer": "ana", "items": [
        {"plan": "web", "period": "1y", "domain": "d-%s.es" % os.urandom(6).hex()}]}, reseller="reseller-0")


def kill(engine):
    engine.process.send_signal(signal.SIGKILL)
    engine.process.wait()


class Directory:
    """A data directory of a scenario's own."""

    def __enter__(self):
        self.place = tempfile.mkdtemp(prefix="pedido-bench-")
        return os.path.join(self.place, "data")

    def __exit__(self, *_):
        shutil.rmtree(self.place)


def restart(run):
    """kill -9 while orders come in at full speed; then from exec to the answer to an AddOrder with a domain."""
    with Directory() as data:
        with Engine(run.options, data=data) as engine:
            engine.lifecycle(run.options)
            events = engine.client.query("Health")["log_position"]
            kill(engine)
        with Engine(run.options, data=data, wait=False) as engine:
            return {"answer_ms": round(engine.first_answer(an_order()) * 1000, 1), "events": events}


def rebuild(run):
    """Of a log that a lifecycle has left: the verification of log and rows, the rows made anew, the views made anew while the
    engine serves, and the verification of all three."""
    with Directory() as data:
        with Engine(run.options, "--views", "off", data=data) as engine:
            engine.lifecycle(run.options, outstanding=4096)
            events = engine.client.query("Health")["log_position"]
        verify_s, rows_s = timed("verify", data), timed("rebuild", data)
        with Engine(run.options, data=data) as engine:
            views_s = engine.settle()
        return {"events": events, "verify_events_s": round(events / verify_s), "rows_events_s": round(events / rows_s),
                "views_events_s": round(events / views_s), "verify_all_events_s": round(events / timed("verify", data))}


def busy_ns(pid):
    """Nanoseconds of processor time, to the nanosecond, of all threads."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
            total += int(file.read().split()[0])
    return total


def idle(run):
    """An engine on an empty log that nobody talks to."""
    with Engine(run.options) as engine:
        anonymous = engine.anonymous_bytes()
        begun, before = time.monotonic(), busy_ns(engine.process.pid)
        time.sleep(run.options.idle)
        share = (busy_ns(engine.process.pid) - before) / 1e9 / (time.monotonic() - begun)
        return {"cpu_percent": round(100 * share, 3), "rss_anon_mib": round(anonymous / 2**20, 1)}


def instructions(run):
    """Under callgrind, from the first command of a short lifecycle until the views show the last: whatever the machine does
    meanwhile."""
    with tempfile.TemporaryDirectory(prefix="pedido-bench-") as place:
        with Engine(run.options, under=callgrind.line(place)) as engine:
            callgrind.control("--zero", engine.process.pid)
            result = engine.lifecycle(run.options, outstanding=1024, seconds=run.options.instructions)
            engine.settle()
            callgrind.control("--dump", engine.process.pid)
            names = callgrind.threads(engine.process.pid)
            kill(engine)  # what it would count at its end is no command's
        return callgrind.read(place, result["all"], names)

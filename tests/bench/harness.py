"""harness - what the scenarios of scripts/bench share: engines and loads, each a process, and figures told with their spread."""

import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import zmq

import daemon
import guarded
import pedido_raw

START_S = 600  # the rows of a large log are read first


def say(text):
    print(text, file=sys.stderr, flush=True)


def median(values, digits=0):
    value = statistics.median(values)
    return round(value, digits) if digits else round(value)


def spread(values, digits=0):
    return [median([edge], digits) for edge in (min(values), max(values))]


def say_bound(what, value, most, unit):
    """A wanted bound is said, never asserted: a machine may be slow."""
    say("  %s: %.1f %s, wanted at most %g: %s" % (what, value, unit, most, "held" if value <= most else "NOT held"))


def endpoint(options, n, place):
    """The n-th; with --port 0 a socket in a private directory, so that any number of runs can be side by side."""
    return "tcp://127.0.0.1:%d" % (options.port + n) if options.port else "ipc://%s/%d" % (place, n)


def run_load(program, *arguments, timeout=3600, keys=None):
    """The line that a load prints at its end. `keys`: as load.c wants them."""
    environment = dict(os.environ, **({"LOAD_KEYS": keys} if keys else {}))
    out = subprocess.run([daemon.program(program)] + [str(a) for a in arguments], check=True, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, timeout=timeout, preexec_fn=daemon.die_with_parent, env=environment)
    return json.loads(out.stdout)


def cpu_us(pid):
    """Microseconds of processor time a process has used, all threads."""
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def children_seconds():
    """Processor time of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def thread_seconds(pid):
    """Processor time by thread, as the engine names them; the first one is the net thread."""
    seconds = {}
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/stat" % (pid, task)) as file:
            name, fields = file.read().split("(", 1)[1].rsplit(")", 1)
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
            ran = int(file.read().split()[0]) / 1e9
        name = "net" if int(task) == pid else "zmq" if name.startswith("ZMQ") else name
        seconds[name] = seconds.get(name, 0) + ran
    return seconds


def verify(data):
    subprocess.run([daemon.program("pedidod"), "verify", "--data", data], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Engine:
    """A pedidod, the n-th of those that run at once: on a directory of its own that is verified at the end and removed, or on
    `data`, which is left as it is."""

    def __init__(self, options, *arguments, data=None, n=0, under=(), wait=True, where=None, keys=False):
        """`under`: a program that runs it, and its arguments. Not `wait`: it is left to first_answer() to see when it serves.
        `where`: in which directory its own is made. `keys`: its ports are encrypted, and the loads have a key."""
        self.place = tempfile.mkdtemp(prefix="pedido-bench-", dir=where)
        self.own, self.data = data is None, data or os.path.join(self.place, "data")
        self.endpoints = [endpoint(options, 1 + 4 * n + port, self.place) for port in range(len(daemon.PORTS))]
        own = {}
        if keys:
            self.endpoints = [here if here.startswith("tcp:") else "tcp://127.0.0.1:%d" % guarded.free_port()
                              for here in self.endpoints]
            own = {name: "ipc://%s/own-%s" % (self.place, name) for name in daemon.PORTS}
            arguments += ("--server-key", os.path.join(self.place, "engine.key"))
            server = subprocess.run([daemon.program("pedido"), "key", "new", arguments[-1], "--server"], check=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()
        line = list(under) + [daemon.program("pedidod"), "--data", self.data] + list(arguments)
        for name, address in zip(daemon.PORTS, self.endpoints):
            line += ["--" + name, address + ("," + own[name] if keys else "")]
        with open(os.path.join(self.place, "log"), "w") as log:
            self.process = daemon.spawn(line, stdout=log, stderr=log)
        self.commands, self.events, self.queries, self.workers = self.endpoints
        self.runs, self.calm_s, self.client = 0, options.calm, None
        self.begun, self.hello, self.load_keys = time.monotonic(), own.get("commands", self.commands), None
        if wait:
            self.wait()
        if keys:
            self.grant(server)

    def wait(self):
        while not self.serves():
            if self.process.poll() is not None or time.monotonic() > self.begun + START_S:
                with open(os.path.join(self.place, "log")) as log:
                    words = log.read()
                daemon.end(self.process)
                shutil.rmtree(self.place)
                sys.exit("pedidod did not start:\n" + words)
            time.sleep(0.02)
        self.start_s = time.monotonic() - self.begun
        self.client = pedido_raw.Client(self.hello, timeout=60)

    def grant(self, server):
        public, secret = (key.decode() for key in zmq.curve_keypair())
        self.client.do("GrantKey", {"key": public, "name": "load", "role": "admin", "all": True})
        self.load_keys = " ".join((server, public, secret))

    def serves(self):
        with open(os.path.join(self.place, "log")) as log:
            return "serving" in log.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if self.client is not None:
                self.client.close()
            daemon.end(self.process, timeout=120)
            if kind is None and self.own:
                verify(self.data)
        finally:
            shutil.rmtree(self.place)

    def anonymous_bytes(self):
        """Once it has calmed down: what was freed is given back."""
        time.sleep(self.calm_s)
        with open("/proc/%d/status" % self.process.pid) as status:
            return [int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")][0]

    def first_answer(self, message):
        """Seconds from the start of the process to the answer to a command, which waits for it in the sender's socket."""
        with pedido_raw.CONTEXT.socket(zmq.DEALER) as socket:
            socket.reconnect_ivl = 1
            socket.connect(self.commands)
            socket.send(pedido_raw.pack(message))
            if not socket.poll(START_S * 1000):
                sys.exit("pedidod did not answer")
            answer = pedido_raw.unpack(socket.recv())
        after = time.monotonic() - self.begun
        if not answer["ok"]:
            sys.exit("refused: %r" % answer)
        return after

    def lifecycle(self, options, **settings):
        """Orders from the first command to the last, at full speed; nobody else uses the ids of a run."""
        self.runs += 1
        settings = dict({"seconds": options.seconds, "run": "%s%d" % (os.urandom(3).hex(), self.runs)}, **settings)
        before, load_before = thread_seconds(self.process.pid), children_seconds()
        result = run_load("bench", "lifecycle", self.commands, self.workers, *["%s=%s" % pair for pair in settings.items()],
                          timeout=settings["seconds"] + 120, keys=self.load_keys)
        after = thread_seconds(self.process.pid)
        each = {name: (after[name] - before.get(name, 0)) * 1e6 / result["all"] for name in after}
        result["cpu_us"] = sum(each.values())
        result["threads_us"] = {name: round(us, 2) for name, us in sorted(each.items(), key=lambda pair: -pair[1]) if us >= 0.01}
        result["load_us"] = (children_seconds() - load_before) * 1e6 / result["all"]
        return result

    def settle(self, timeout=600):
        """Waits until the views show the whole log; how long that took."""
        begun = time.monotonic()
        while True:
            health = self.client.query("Health")
            if health["projected"] >= health["log_position"]:
                return time.monotonic() - begun
            if time.monotonic() > begun + timeout:
                sys.exit("the views do not catch up: %r" % health)
            time.sleep(0.02)


class Load:
    """A load that goes on from act to act when it is told to."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([daemon.program(program)] + [str(a) for a in arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=daemon.die_with_parent)

    def act(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the load ended with %s" % self.process.wait())
        return json.loads(line)

    def next(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.act()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=60)

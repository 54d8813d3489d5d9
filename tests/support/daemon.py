"""daemon - real processes in a private directory: started, waited for, killed, always cleaned up.

    with Engine() as engine:
        client = engine.client()

PEDIDO_BIN names the directory of the programs (build/release/bin when absent). Engines talk over ipc in a short
temporary directory, so that any number of tests can run side by side.
"""

import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pedido_raw

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("PEDIDO_BIN") or os.path.join(ROOT, "build", "release", "bin"))
PORTS = ("commands", "events", "queries", "workers")
LIBC = ctypes.CDLL(None)

_running = []
_directories = []


def program(name):
    path = os.path.join(BIN, name)
    if not os.access(path, os.X_OK):
        sys.exit("%s is missing; build it, or set PEDIDO_BIN" % path)
    return path


def directory():
    """A new short directory (ipc paths must stay below 107 bytes), removed at the end."""
    base = tempfile.gettempdir()
    if len(base) > 40 or " " in base:
        base = "/tmp"
    path = tempfile.mkdtemp(prefix="pedido-", dir=base)
    _directories.append(path)
    return path


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: even when a test itself is killed, nothing stays behind


def spawn(arguments, **options):
    """subprocess.Popen of something that ends with us."""
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent, **options)
    _running.append(process)
    return process


def end(process, how=signal.SIGTERM, timeout=15.0):
    """Ends a process of ours; its exit status, negative for a signal."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def alive(pid):
    """Whether a process runs; one that is dead and not buried does not."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill_all():
    for process in _running:
        if process.poll() is None:
            process.kill()
            process.wait()
    _running.clear()


def forget(place):
    """Removes a directory before the end."""
    _directories.remove(place)
    shutil.rmtree(place, ignore_errors=True)


def clean_up():
    kill_all()
    while _directories:
        shutil.rmtree(_directories.pop(), ignore_errors=True)


atexit.register(clean_up)
# A test that is told to end cleans up, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def restore(data, backup):
    """pedidod restore: (exit status, what it said)."""
    done = subprocess.run([program("pedidod"), "restore", "--data", data, backup], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout.decode(errors="replace")


class Engine:
    """A pedidod; started by start() or `with`."""

    def __init__(self, data=None, lease_ms=None, arguments=(), wrapper=()):
        self.place = directory()
        self.data = data or os.path.join(self.place, "data")
        self.endpoints = {port: "ipc://%s/%s" % (self.place, port[0]) for port in PORTS}
        self.log_path = os.path.join(self.place, "log")
        self.lease_ms, self.arguments, self.wrapper = lease_ms, list(arguments), list(wrapper)
        self.process = None

    @property
    def endpoint(self):
        return self.endpoints["commands"]

    def command_line(self):
        line = self.wrapper + [program("pedidod"), "--data", self.data]
        for port in PORTS:
            line += ["--" + port, self.endpoints[port]]
        if self.lease_ms is not None:
            line += ["--lease-ms", str(self.lease_ms)]
        return line + self.arguments

    def launch(self):
        """Begins to start."""
        with open(self.log_path, "ab") as log:
            self.process = spawn(self.command_line(), stdout=log, stderr=log)

    def start(self, wait=30.0):
        self.launch()
        self.wait(wait)
        return self

    def wait(self, timeout=30.0):
        """Until it answers Hello."""
        end_at = time.monotonic() + timeout
        while time.monotonic() < end_at:
            if self.process.poll() is not None:
                raise RuntimeError("pedidod ended with %s\n%s" % (self.process.returncode, self.log()))
            try:
                with self.client(timeout=0.5) as client:
                    return client.hello()
            except pedido_raw.NoAnswer:
                pass
        raise RuntimeError("pedidod does not answer Hello\n" + self.log())

    def client(self, **options):
        return pedido_raw.Client(self.endpoint, **options)

    def worker(self, name, groups, credit=1):
        return pedido_raw.Worker(self.endpoints["workers"], name, groups, credit)

    def subscriber(self, *prefixes):
        return pedido_raw.Subscriber(self.endpoints["events"], *prefixes)

    def stop(self):
        return end(self.process, signal.SIGTERM)

    def kill(self):
        return end(self.process, signal.SIGKILL)

    def restart(self, how=signal.SIGKILL):
        end(self.process, how)
        return self.start()

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def offline(self, verb):
        """pedidod verify|rebuild on the directory of a stopped engine: (exit status, what it said)."""
        done = subprocess.run([program("pedidod"), verb, "--data", self.data], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return done.returncode, done.stdout.decode(errors="replace")

    def environment(self, **more):
        """What a person at a terminal has who knows this engine and nothing else."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PEDIDO_", "LC_", "LANG"))}
        own.update({"HOME": self.place, "XDG_CONFIG_HOME": self.place, "LANG": "C.UTF-8", "TZ": "UTC",
                    "PEDIDO_ENDPOINT": self.endpoint, "PATH": BIN + os.pathsep + own["PATH"]}, **more)
        return own

    def pedido(self, *arguments, timeout=30.0, **environment):
        """The command line against this engine: (exit status, stdout, stderr)."""
        done = subprocess.run([program("pedido")] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, env=self.environment(**environment))
        return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")

    def pedido_worker(self, *arguments):
        """A pedido-worker for this engine."""
        log = open(os.path.join(self.place, "worker-log"), "ab")
        with log:
            return spawn([program("pedido-worker"), "--endpoint", self.endpoint] + list(arguments), stdout=log, stderr=log)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                print("pedidod did not end at SIGTERM")
        if kind not in (None, SystemExit):
            print("--- log of the engine ---\n" + self.log()[-4000:])

"""references - what scripts/bench holds Pedido against, measured in the same run. Each function measures one once. Servers are
started here, in private directories and on ports of their own, and ended by their process ids.

Redis, PostgreSQL and NATS are only measured with --references, which installs them."""

import contextlib
import csv
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

import daemon
from harness import endpoint, run_load
from machine import told

EVENT_BYTES = 256  # of one in Pedido's log, about
COMMIT_BYTES = 5 * 4096  # what the log's commit of one command's events writes: five pages, by strace, and the head
CLIENTS = 64


@contextlib.contextmanager
def directory():
    place = tempfile.mkdtemp(prefix="pedido-bench-")
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def running(line, **options):
    """A server, until it is not needed."""
    process = daemon.spawn(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process):
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError("a server does not listen: %s" % process.args[0])


# ---- without installing anything

def echo(run, outstanding, connections=1):
    """A bare ROUTER that answers messages of the lifecycle's sizes."""
    with directory() as place:
        address = endpoint(run.options, 0, place)
        with running([daemon.program("bench"), "echo-server", address, str(run.sizes[1])]):
            time.sleep(0.2)
            return run_load("bench", "echo", address, "bytes=%d" % run.sizes[0], "outstanding=%d" % outstanding,
                            "connections=%d" % connections, "seconds=%g" % run.options.seconds)


def flush(run):
    with directory() as place:
        return run_load("reference", "flush", os.path.join(place, "file"), "bytes=%d" % COMMIT_BYTES,
                        "seconds=%g" % (run.options.seconds / 2))


def lmdb(run, batch):
    with directory() as place:
        return run_load("reference", "lmdb", place, "batch=%d" % batch, "bytes=%d" % EVENT_BYTES,
                        "seconds=%g" % (run.options.seconds / 2))


def sqlite(run, batch):
    with directory() as place:
        return run_load("reference", "sqlite", os.path.join(place, "file"), "batch=%d" % batch, "bytes=%d" % EVENT_BYTES,
                        "seconds=%g" % (run.options.seconds / 2))


# ---- Redis

# State, id and event in one script, which Redis runs alone: the nearest that it has to a decision.
DECIDE = """
if not redis.call('SET', 'id:' .. ARGV[1], 1, 'NX') then return 'seen' end
if (redis.call('HGET', KEYS[1], ARGV[2]) or 'none') == 'closed' then return 'refused' end
redis.call('HSET', KEYS[1], ARGV[2], 'open')
return redis.call('XADD', KEYS[2], '*', 'event', ARGV[3])
"""
RANDOM = "__rand_int__"  # of redis-benchmark
EXPECTED = {1: 60000, 16: 350000}  # a second, by pipeline: it counts requests and not seconds


def redis_cli(port, *words):
    return subprocess.run(["redis-cli", "-p", str(port)] + list(words), check=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def redis(run, pipeline, script=False):
    """redis-benchmark with 64 clients."""
    payload = "x" * run.sizes[0]
    with directory() as place:
        port = free_port()
        with running(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", place, "--appendonly", "yes",
                      "--appendfsync", "always", "--save", "", "--daemonize", "no"]) as server:
            wait_for_port(port, server)
            command = ["XADD", "events", "*", "event", payload]
            if script:
                command = ["EVALSHA", redis_cli(port, "SCRIPT", "LOAD", DECIDE), "2", "states", "events", RANDOM, RANDOM, payload]
            count = int(EXPECTED[pipeline] * run.options.seconds * (0.4 if script else 1))
            out = subprocess.run(["redis-benchmark", "-p", str(port), "-c", str(CLIENTS), "-P", str(pipeline), "-n", str(count),
                                  "-r", "1000000000", "--csv"] + command, check=True, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=600).stdout
            appended = int(redis_cli(port, "XLEN", "events"))
    # A script sees the same id twice now and then; a pipeline is sent whole.
    if not 0.99 * count <= appended <= count + CLIENTS * pipeline:
        raise SystemExit("Redis was asked for %d events and has %d" % (count, appended))
    row = list(csv.DictReader(out.splitlines()))[0]
    return {"rate": round(float(row["rps"])), "p50_us": round(1000 * float(row["p50_latency_ms"])),
            "p99_us": round(1000 * float(row["p99_latency_ms"]))}


# ---- PostgreSQL

POSTGRES = "/usr/lib/postgresql/15/bin"
TABLE = "create table event (stream int, version bigint, body text, unique (stream, version))"
# Variables live as long as a client: each appends to a stream of its own.
APPEND = "\\set version :version + 1\ninsert into event values (:client_id, :version, '%s');\n"


def as_postgres():
    """PostgreSQL refuses to run as root; its package has made a user."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"] if os.getuid() == 0 else []


@contextlib.contextmanager
def postgres_server():
    with directory() as place:
        if os.getuid() == 0:
            os.chown(place, pwd.getpwnam("postgres").pw_uid, -1)
        data, port = os.path.join(place, "data"), free_port()
        subprocess.run(as_postgres() + [POSTGRES + "/initdb", "-D", data, "-U", "bench", "-A", "trust"], check=True, cwd=place,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        line = [POSTGRES + "/postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", place, "-c", "synchronous_commit=on",
                "-c", "fsync=on", "-c", "max_connections=100"]
        server = daemon.spawn(as_postgres() + line, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for_port(port, server)
            yield place, port
        finally:
            daemon.end(server, daemon.signal.SIGINT, timeout=60)


def postgres(run):
    """pgbench with 64 clients. The server stays for the repetitions: it takes long to make."""
    place, port = run.keep(postgres_server)
    script, reach = os.path.join(place, "append.sql"), ["-h", "127.0.0.1", "-p", str(port), "-U", "bench"]
    with open(script, "w") as file:
        file.write(APPEND % ("x" * run.sizes[0]))
    quiet = {"check": True, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    for statement in ("drop table if exists event", TABLE):
        subprocess.run(["psql", "-q", "-d", "postgres", "-c", statement] + reach, **quiet)
    seconds = max(1, round(run.options.seconds))
    out = subprocess.run([POSTGRES + "/pgbench", "-n", "-c", str(CLIENTS), "-j", "2", "-M", "prepared", "-D", "version=0", "-f",
                          script, "-T", str(seconds)] + reach + ["postgres"], timeout=600, **quiet).stdout
    words = {line.split("=")[0].strip(): line.split("=")[1].split()[0] for line in out.splitlines() if "=" in line}
    return {"rate": round(float(words["tps"])), "mean_us": round(1000 * float(words["latency average"]))}


# ---- NATS

def nats(run):
    with directory() as place:
        port = free_port()
        with running(["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", place]) as server:
            wait_for_port(port, server)
            time.sleep(0.2)
            return run_load("reference", "nats", port, "bytes=%d" % run.sizes[0], "seconds=%g" % run.options.seconds)


def installed():
    """Versions of what --references installs; None: it is not there."""
    return {name: told("dpkg-query", "-W", "-f", "${Version}", name) for name in ("redis-server", "postgresql-15", "nats-server")}

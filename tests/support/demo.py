"""demo - the walk behind scripts/demo: two customers, two orders, by the command line; then the engine is asked by the raw
client whether all of it is true."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time

import daemon
import demo_kept
import pedido_raw
import shop

CATALOGUE = os.path.join("clients", "cli", "examples", "catalogue.json")
PLAN, SECOND_PLAN = "hosting-std", "mail-basic"
LEASE_MS = 2000  # a dead worker's task goes to another after so long
SECOND_DOMAIN = "café-núñez.es"

PROVISION = r"""#!/bin/sh
# What a worker runs for each task: here it makes nothing, slowly, and cannot do one of them the first time.
[ "$PEDIDO_OPERATION" = provision ] || { echo "removing $PEDIDO_INSTANCE"; exit 0; }
echo "25% preparing $PEDIDO_DOMAIN_UNICODE"
sleep 0.7
if [ "$PEDIDO_CUSTOMER" = nunez ] && [ "$PEDIDO_ATTEMPT" = 1 ]; then
    echo "no room left on server s7" >&2
    exit 1
fi
echo "75% installing $PEDIDO_PLAN"
sleep 0.7
echo "{\"login\":\"https://panel.example/$PEDIDO_CUSTOMER\",\"server\":\"s8\"}"
"""


class Demo:
    def __init__(self, keep):
        self.keep = keep
        self.color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.lock = threading.Lock()
        self.place = demo_kept.directory() if keep else daemon.directory()
        self.data = os.path.join(self.place, "data")
        self.endpoint = "tcp://127.0.0.1:7411" if keep else "ipc://%s/c" % self.place
        self.engine = self.worker = self.tail = None
        self.env = dict(os.environ, PEDIDO_ENDPOINT=self.endpoint)
        self.failed = 0

    # ---- what is shown

    def show(self, text, style=None):
        with self.lock:
            print("\033[%sm%s\033[0m" % (style, text) if self.color and style else text, flush=True)

    def chapter(self, text):
        time.sleep(0.2)
        self.show("\n" + text, "1;36")

    def check(self, what, ok):
        self.show("  %s  %s" % ("ok" if ok else "NOT SO", what), "32" if ok else "1;31")
        self.failed += not ok

    def follow(self, stream):
        """The events, beside what is typed."""
        for line in stream:
            line = line.decode(errors="replace").rstrip()
            if line:
                self.show("        ~ " + self.shorten(line[len("2026-01-01 "):]), "33")

    @staticmethod
    def shorten(line, width=110):
        return line if len(line) <= width else line[:width - 3] + "..."

    # ---- processes

    def spawn(self, line, log):
        with open(os.path.join(self.place, log), "ab") as file:
            if not self.keep:
                return daemon.spawn(line, stdout=file, stderr=file)
            return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)

    def start_engine(self):
        line = [daemon.program("pedidod"), "--data", self.data, "--lease-ms", str(LEASE_MS)]
        if not self.keep:
            for port in daemon.PORTS:
                line += ["--" + port, "ipc://%s/%s" % (self.place, port[0])]
        self.engine = self.spawn(line, "engine.log")
        end = time.monotonic() + 20
        while time.monotonic() < end and self.engine.poll() is None:
            try:
                with pedido_raw.Client(self.endpoint, timeout=0.5) as client:
                    client.hello()
                    demo_kept.remember(self)
                    return
            except pedido_raw.NoAnswer:
                pass
        with open(os.path.join(self.place, "engine.log"), errors="replace") as log:
            sys.exit("the engine did not start:\n" + log.read()[-2000:])

    def kill_engine(self):
        self.show("$ kill -9 %d    # pedidod" % self.engine.pid, "1")
        self.engine.kill()
        self.engine.wait()
        time.sleep(0.4)
        self.show("$ pedidod --data %s ... &" % self.data, "1")
        self.start_engine()

    def start_worker(self, name):
        script = os.path.join(self.place, "provision.sh")
        with open(script, "w") as file:
            file.write(PROVISION)
        os.chmod(script, 0o755)
        self.worker = self.spawn([daemon.program("pedido-worker"), "--endpoint", self.endpoint, "--group", "hosting", "--group",
                                  "mail", "--exec", script, "--name", name], "worker.log")
        demo_kept.remember(self)

    def replace_worker(self):
        """One dies without a word; its lease runs out, and the next one has the task under a lease of its own."""
        self.show("$ kill -9 %d    # pedido-worker w1" % self.worker.pid, "1")
        self.worker.kill()
        self.worker.wait()
        self.show("$ pedido-worker --group hosting --group mail --exec ./provision.sh --name w2 &", "1")
        self.start_worker("w2")

    def start_tail(self):
        self.tail = daemon.spawn([daemon.program("pedido"), "events", "tail"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, env=self.env)
        threading.Thread(target=self.follow, args=(self.tail.stdout,), daemon=True).start()
        time.sleep(0.5)

    def stop(self):
        """Ends what was started; with --keep only what nobody needs any more."""
        for process in [self.tail] + ([] if self.keep and not self.failed else [self.worker, self.engine]):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in [self.tail] + ([] if self.keep and not self.failed else [self.worker, self.engine]):
            if process is not None:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    # ---- the command line

    def pedido(self, *words, status=0):
        """Types a command: shown with its answer."""
        self.show("$ pedido " + " ".join(w if w.isalnum() else shlex.quote(w) if " " in w else w for w in words), "1")
        done = subprocess.run([daemon.program("pedido")] + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.env, timeout=60)
        for line in done.stdout.decode(errors="replace").splitlines():
            self.show("  " + line)
        if done.returncode != status:
            self.check("exit status %d" % status, False)
            raise RuntimeError("pedido %s ended with %d" % (words[0], done.returncode))
        time.sleep(0.15)

    def listing(self):
        """All orders and subscriptions, byte for byte."""
        return [subprocess.run([daemon.program("pedido"), what, "list", "--json"], stdin=subprocess.DEVNULL, check=True,
                               stdout=subprocess.PIPE, env=self.env, timeout=30).stdout for what in ("order", "subscription")]

    def offline(self, verb):
        self.show("$ pedidod %s --data %s" % (verb, self.data), "1")
        done = subprocess.run([daemon.program("pedidod"), verb, "--data", self.data], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        for line in done.stdout.decode(errors="replace").splitlines()[-3:]:
            self.show("  " + line)
        self.check("pedidod %s: exit status 0" % verb, done.returncode == 0)

    # ---- the story

    def walk(self):
        self.chapter("A catalogue and two customers")
        self.pedido("reseller", "put", "default", "Distribuidor de ejemplo", "--time-zone", shop.ZONE)
        self.pedido("plan", "import", CATALOGUE)
        self.pedido("customer", "put", "lopez", "Panadería López", "--email", "ana@panaderia-lopez.es")
        self.pedido("customer", "put", "nunez", "Café Núñez")

        self.chapter("The first order: find the plan and its periods, add, check, confirm, open")
        self.pedido("plan", "list", "estándar")
        self.pedido("plan", "periods", PLAN)
        self.pedido("order", "add", "lopez", "--plan", PLAN, "--period", "1y", "--domain", shop.DOMAIN)
        self.pedido("order", "confirm", "1")
        self.pedido("order", "status", "1")
        self.pedido("order", "open", "1")
        time.sleep(0.4)

        self.chapter("The engine is killed while the worker is at it; nothing that was answered is lost")
        self.kill_engine()
        self.pedido("order", "status", "1", "--wait")

        self.chapter("The second order: its provisioning fails first, and succeeds when it is tried again")
        self.pedido("order", "add", "nunez", "--plan", SECOND_PLAN, "--period", "1m", "--domain", SECOND_DOMAIN)
        self.pedido("order", "confirm", "2")
        self.pedido("order", "open", "2")
        self.pedido("order", "status", "2", "--wait", status=11)
        self.pedido("order", "retry", "2")
        self.pedido("order", "status", "2", "--wait")

        self.chapter("The third order: its worker is killed in mid-task, and another takes it over")
        self.pedido("order", "add", "lopez", "--plan", SECOND_PLAN, "--period", "1m", "--domain", shop.DOMAIN)
        self.pedido("order", "confirm", "3")
        self.pedido("order", "open", "3")
        time.sleep(0.4)
        self.pedido("task", "list")
        self.replace_worker()
        self.pedido("order", "status", "3", "--wait")
        self.pedido("worker", "list")

        self.chapter("What the customers see")
        self.pedido("panel", "lopez")
        self.pedido("panel", "nunez")

    def ask(self):
        """The raw client's view: what must be true of the log and its fold."""
        with pedido_raw.Client(self.endpoint) as client:
            orders = client.rows("ListOrders", "orders")
            self.check("3 orders, all completed", [o["state"] for o in orders] == ["completed"] * 3)
            history = client.rows("GetOrderHistory", "events", {"order": 2})
            attempts = [e["data"]["attempt"] for e in history if e["type"] == "TaskLeased"]
            self.check("the one that failed has attempts 1 and 2", sorted(set(attempts)) == [1, 2])
            history = client.rows("GetOrderHistory", "events", {"order": 3})
            leases = [(e["data"]["worker"], e["data"]["lease"]) for e in history if e["type"] == "TaskLeased"]
            self.check("the one whose worker died went from w1 to w2", leases == [("w1", 1), ("w2", 2)])
            self.check("and was completed once", [e["type"] for e in history].count("OrderCompleted") == 1)
            found = client.rows("ListSubscriptions", "subscriptions")
            self.check("3 subscriptions, all active", [s["status"] for s in found] == ["active"] * 3)
            self.check("each expires one period after its start, in the calendar of " + shop.ZONE,
                       all(s["expiration"] == shop.expiry(s["start"], s["period"]) for s in found) and len(found) == 3)
            log = client.log()
            self.check("positions 1 to %d without gap" % len(log), len(log) > 0 and shop.gapless(log))

    def last_act(self):
        self.chapter("Is all that true? The engine is asked by the raw Python client (tests/support/pedido_raw.py)")
        self.ask()
        self.kill_engine()
        self.ask()
        self.chapter("The rows are only a fold of the log: made anew from it they are the same")
        before = self.listing()
        self.show("$ kill %d    # pedidod" % self.engine.pid, "1")
        self.engine.terminate()
        self.check("the engine ends with exit status 0", self.engine.wait(15) == 0)
        self.offline("rebuild")
        self.offline("verify")
        self.start_engine()
        self.check("all orders and subscriptions as --json are the same, byte for byte", self.listing() == before)

    def farewell(self):
        ours = os.path.relpath(daemon.BIN)
        if self.keep:
            demo_kept.explain(self, ours)
            return
        self.show("\nBy hand, in three terminals (scripts/demo --keep does the first two):", "1;36")
        self.show("  %s/pedidod --data /tmp/pedido-data" % ours)
        self.show("  %s/pedido-worker --group hosting --group mail --exec ./provision.sh" % ours)
        self.show("  %s/pedido plan import %s; %s/pedido --help" % (ours, CATALOGUE, ours))

    def run(self):
        self.show("engine and worker run in %s" % self.place)
        self.start_engine()
        self.start_worker("w1")
        self.start_tail()
        self.walk()
        self.last_act()
        self.farewell()


def main():
    if "--stop" in sys.argv:
        sys.exit(demo_kept.stop())
    keep = "--keep" in sys.argv
    if keep:
        demo_kept.make_room()
    demo = Demo(keep)
    try:
        demo.run()
    except KeyboardInterrupt:
        demo.failed += 1
        print("\nstopped", flush=True)
        sys.exit(130)
    except BaseException as error:
        demo.failed += 1
        if not isinstance(error, (SystemExit, RuntimeError, subprocess.SubprocessError, pedido_raw.Refused, pedido_raw.NoAnswer)):
            raise
        sys.exit(error.code if isinstance(error, SystemExit) else "the demo failed: %s" % error)
    finally:
        demo.stop()
        if keep and demo.failed:
            demo_kept.forget()
    sys.exit(1 if demo.failed else 0)


main()

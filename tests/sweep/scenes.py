"""scenes - what the programs do while a call of theirs fails. Each takes a trial, says what was wrong by trial.expect, and
returns whether all was done that a run without failures does."""

import collections
import contextlib
import json
import os
import signal
import subprocess
import time

import daemon
import shop
from pedido_raw import Client, Port, Subscriber, new_id, pack, request, unpack

PATIENCE = 0.4   # until a message is sent again
ONCE_S = 8.0     # where one call failed it serves, or has ended, by then
STICKY_S = 0.8   # where none works any more, so long are answers waited for
LEASE_MS = 400
END_S = 8.0      # until a program that was told to end has ended

SCRIPT = """#!/bin/sh
read -r task
echo 50% half
echo "$PEDIDO_INSTANCE" >>"$MADE"
echo "{\\"login\\":\\"$PEDIDO_INSTANCE\\"}"
"""

shared = {}  # made once: the data directory that is copied, the script


# ---- an engine whose calls fail -----------------------------------------------------------------------------------------


class Patience:
    """Until when something is waited for: less where nothing works any more."""

    def __init__(self, trial):
        self.trial, self.until, self.failed = trial, time.monotonic() + ONCE_S, False

    def over(self):
        if self.trial.sticky and not self.failed and self.trial.failed_call() is not None:
            self.failed, self.until = True, min(self.until, time.monotonic() + STICKY_S)
        return time.monotonic() > self.until


class Customer:
    """Says the same commands until they are answered or there is no use, and keeps every answer."""

    def __init__(self, trial, engine):
        self.engine = engine
        self.patience = Patience(trial)
        self.sent, self.answers, self.heard = {}, {}, []
        self.port = self.subscriber = None
        self.is_served = self.is_provisioned = self.is_done = False
        self.step = "hello"

    def over(self):
        return self.engine.process.poll() is not None or self.patience.over()

    def wait_until_served(self):
        while "fact=serving" not in self.engine.log() and not self.over():
            time.sleep(0.003)
        self.is_served = not self.over()
        if self.is_served:
            self.port, self.subscriber = Port(self.engine.endpoint), Subscriber(self.engine.endpoints["events"], "default/")

    def hear(self, port, wanted):
        """What comes within the patience and is wanted, else None."""
        again = time.monotonic() + PATIENCE
        while time.monotonic() < again and not self.over():
            frames = port.receive(0.02)
            if frames is not None and wanted(unpack(frames[-1])):
                return frames[-1]
        return None

    def call(self, kind, data, id):
        """Sent until it is accepted."""
        self.step = kind
        message = self.sent[id] = request(kind, data, id, reseller="default")
        while not self.over():
            self.port.send([pack(message)])
            frame = self.hear(self.port, lambda a: a.get("id") == id and a["ok"])
            if frame is not None:
                self.answers[id] = frame
                return
            self.port.open()

    def provision(self):
        """A worker of the least kind."""
        self.step = "a task"
        port, done = Port(self.engine.endpoints["workers"]), False
        while not self.over() and not done:
            port.send([pack(request("WorkerReady", {"worker": "w1", "groups": ["hosting"], "credit": 4, "leases": []}, new_id(),
                                    reseller="default"))])
            frame = self.hear(port, lambda a: a.get("type") == "Assignment")
            if frame is None:
                port.open()
                continue
            task = unpack(frame)["data"]
            report = request("ReportSuccess", {"worker": "w1", "task": task["task"], "lease": task["lease"]}, new_id(),
                             reseller="default")
            answer = None
            while answer is None and not self.over():
                port.send([pack(report)])
                answer = self.hear(port, lambda a, id=report["id"]: a.get("id") == id)
                if answer is None:
                    port.open()
            done = answer is not None and unpack(answer)["ok"]  # a lease that was lost is refused, and comes again
        self.is_provisioned = done
        port.close()

    def walk(self):
        """A customer, and an order that is opened and provisioned."""
        self.call("PutCustomer", {"customer": "nuevo", "name": "Café Núñez"}, "k1")
        self.call("AddOrder", {"customer": "nuevo", "items": [shop.item("vps")], "reference": "s-1"}, "k2")
        self.call("ConfirmOrder", {"reference": "s-1"}, "k3")
        self.call("OpenOrder", {"reference": "s-1"}, "k4")
        self.provision()
        self.step = "a query"
        queries = Port(self.engine.endpoints["queries"])
        message = pack(request("ListOrders", {}, "q1", reseller="default"))
        while not self.over():
            queries.send([message])
            if self.hear(queries, lambda a: a.get("id") == "q1") is not None:
                self.is_done = True
                break
            queries.open()
        queries.close()
        self.heard = [body["position"] for _, body in self.subscriber.events(0.02)]

    def close(self):
        for one in (self.port, self.subscriber):
            if one is not None:
                one.close()


def end(trial, process):
    """Ends it as a supervisor does; its status."""
    try:
        return daemon.end(process, signal.SIGTERM, END_S)
    except subprocess.TimeoutExpired:
        trial.expect(trial.sticky, "does not end at SIGTERM")
        return 0


def judge_after(trial, data, customer):
    """The same directory without failures: everything that was said is so, and the rest can be done."""
    with daemon.Engine(data=data, lease_ms=LEASE_MS) as engine:
        client = engine.client(timeout=5)
        if "k1" not in customer.sent:
            shop.furnish(client)
        for id, message in customer.sent.items():
            answer = client.call(message["type"], message["data"], id)
            trial.expect(answer["ok"], "%s is refused afterwards: %r" % (id, answer))
            trial.expect(client.last_bytes == customer.answers.get(id, client.last_bytes), "%s has another answer" % id)
        log = client.log()
        trial.expect(shop.gapless(log), "positions have gaps")
        times = collections.Counter((e["command"], e["type"]) for e in log if e["command"] in customer.sent)
        trial.expect(all(count == 1 for count in times.values()), "done twice: %r" % times)
        trial.expect(set(customer.heard) <= {e["position"] for e in log}, "published, but not in the log")
        if "k4" in customer.sent:
            judge_order(trial, engine, client, customer)
        trial.expect(engine.stop() == 0, "does not stop with 0 afterwards")
        code, said = engine.offline("verify")
        trial.expect(code == 0, "verify: " + said[-300:])
    daemon.forget(engine.place)


def judge_order(trial, engine, client, customer):
    """Completed, if somebody was told so; else it can be."""
    state = client.do("CheckStatus", {"reference": "s-1"})["state"]
    trial.expect(state == "completed" or not customer.is_provisioned, "a success was acknowledged, and the order is " + state)
    if state == "completed":
        return
    worker = engine.worker("w2", ["hosting"])
    task = worker.next(END_S)
    if trial.expect(task is not None, "nobody gets its task"):
        worker.success(task)
        state = client.do("CheckStatus", {"reference": "s-1"})["state"]
        trial.expect(state == "completed", "with its task done the order is " + state)
    worker.goodbye()
    worker.close()


def serve(trial, data, walks):
    engine = daemon.Engine(data=data, lease_ms=LEASE_MS, wrapper=trial.wrapper())
    engine.launch()
    customer = Customer(trial, engine)
    customer.wait_until_served()
    if walks and customer.is_served:
        customer.walk()
    customer.close()
    trial.expect(trial.sticky or not customer.over() or engine.process.poll() is not None,
                 "neither serves nor ends; wanted was " + customer.step)
    status = end(trial, engine.process)
    trial.judge_end(status, engine.log())
    judge_after(trial, data, customer)
    daemon.forget(engine.place)
    return status == 0 and customer.is_served and (not walks or customer.is_done)


def first_start(trial):
    """The directory is made."""
    return serve(trial, os.path.join(trial.place, "data"), walks=False)


def start_again(trial):
    """An engine that was killed starts again and serves: commands, a worker, a query, a subscriber."""
    return serve(trial, copied(trial), walks=True)


# ---- the verbs on a directory -------------------------------------------------------------------------------------------


def copied(trial):
    data = os.path.join(trial.place, "data")
    subprocess.run(["cp", "-a", "--sparse=always", shared["data"], data], check=True)
    return data


def content(data):
    """When each file was written that verify may not change: all but the lock, and LMDB's table of readers."""
    found = {}
    for folder, _, names in os.walk(data):
        for name in names:
            if name not in ("lock", "lock.mdb"):
                status = os.stat(os.path.join(folder, name))
                found[os.path.join(folder, name)] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def offline(trial, *line):
    """pedidod with a verb, whose call fails: (status, what it said)."""
    done = subprocess.run(trial.wrapper() + [daemon.program("pedidod"), *line], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=END_S, errors="replace")
    trial.judge_end(done.returncode, done.stdout + done.stderr)
    return done.returncode, done.stdout


def clean(data, verb):
    done = subprocess.run([daemon.program("pedidod"), verb, "--data", data], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout


def verify(trial):
    data = copied(trial)
    before = content(data)
    status, _ = offline(trial, "verify", "--data", data)
    trial.expect(content(data) == before, "verify has written")
    code, said = clean(data, "verify")
    trial.expect(code == 0, "verify afterwards: " + said[-300:])
    return status == 0


def rebuild(trial):
    data = copied(trial)
    status, _ = offline(trial, "rebuild", "--data", data)
    for verb in ("rebuild", "verify"):
        code, said = clean(data, verb)
        trial.expect(code == 0, "%s afterwards: %s" % (verb, said[-300:]))
    return status == 0


def locate(trial):
    status, said = offline(trial, "locate", "--data", copied(trial), "5")
    trial.expect(status != 0 or "books/data.mdb" in said, "locate says with 0: %r" % said)
    return status == 0


# ---- the command line and the worker, at an engine that is well ----------------------------------------------------------


def order_add(trial):
    engine, reference = shared["engine"], new_id()
    done = subprocess.run(trial.wrapper() + [daemon.program("pedido"), "--json", "--timeout", "1", "order", "add", "lopez",
                                             "--plan", "vps", "--period", "1y", "--reference", reference],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, text=True,
                          env=engine.environment(), errors="replace")
    trial.judge_end(done.returncode, done.stderr)
    with Client(engine.endpoint) as client:
        answer = client.call("CheckStatus", {"reference": reference}, timeout=5)
        if done.returncode == 0:
            trial.expect(answer["ok"] and json.loads(done.stdout)["order"] == answer["data"]["order"],
                         "said to be added, and is not: %r" % done.stdout)
    return done.returncode == 0


def worker(trial):
    """A task is done once, whatever becomes of the first worker."""
    script, made = shared["script"], os.path.join(trial.place, "made")
    environment = dict(os.environ, MADE=made)
    with daemon.Engine(data=copied(trial), lease_ms=300) as engine:
        client = engine.client(timeout=5)
        order = shop.walk_to_open(client, shop.item("vps"))
        line = [daemon.program("pedido-worker"), "--endpoint", engine.endpoint, "--group", "hosting", "--exec", script]
        with open(os.path.join(trial.place, "said"), "wb") as said:
            first = daemon.spawn(trial.wrapper() + line, stdout=said, stderr=said, env=environment)
        patience = Patience(trial)
        while first.poll() is None and not patience.over() and shop.status(client, order)["state"] == "provisioning":
            time.sleep(0.01)
        status = end(trial, first)
        with open(os.path.join(trial.place, "said"), errors="replace") as said:
            trial.judge_end(status, said.read())
        if shop.status(client, order)["state"] == "provisioning":
            second = daemon.spawn(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
            until = time.monotonic() + END_S
            while shop.status(client, order)["state"] == "provisioning" and time.monotonic() < until:
                time.sleep(0.01)
            daemon.end(second)
        log = client.log()
        # Failed with another try to come is no end: what could not be started is tried again.
        ends = [e["type"] for e in log if e["type"] in ("TaskSucceeded", "TaskFailed") and e["data"]["order"] == order
                and "next_try" not in e["data"]]
        trial.expect(len(ends) == 1, "the task ended as %r" % ends)
        trial.expect(engine.stop() == 0, "the engine does not stop with 0")
    daemon.forget(engine.place)
    return status == 0 and ends == ["TaskSucceeded"]


SCENES = {
    "first-start": first_start, "start-again": start_again, "verify": verify, "rebuild": rebuild, "locate": locate,
    "order-add": order_add, "worker": worker,
}


@contextlib.contextmanager
def prepared():
    """A directory with a little of everything, left by an engine that was killed; and an engine that is well."""
    place = daemon.directory()
    shared["data"], shared["script"] = os.path.join(place, "data"), os.path.join(place, "provision.sh")
    with open(shared["script"], "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    os.chmod(shared["script"], 0o755)
    with daemon.Engine(data=shared["data"]) as engine:
        client = engine.client()
        shop.furnish(client)
        for n in range(20):
            shop.walk_to_open(client, shop.item("care"), reference="t-%d" % n)
        engine.kill()
    with daemon.Engine() as shared["engine"]:
        shop.furnish(shared["engine"].client())
        yield

"""filled - a log of many orders in 100 resellers, written once as commands; each scenario works on a copy of it.

Of ten orders seven are completed, one each is a draft, new, and cancelled; each customer has 20. On the way the engine's memory is
looked at. With --keep DIR the log stays there for the next run: `data`, and `filled.json`, which says what it is and is written
last.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time

from harness import Engine, run_load, say, verify

ORDERS_STEP = 2000  # of 100 resellers and 20 orders of each customer: each has as many as another
SHARES = (0.05, 0.25, 1)  # of the orders, when memory is looked at


def copy(source, target):
    subprocess.run(["cp", "-r", "--reflink=auto", source, target], check=True)
    subprocess.run(["sync", "-f", target], check=True)  # what is left to write would slow down what is measured


def look_at_start(engine, points):
    """What an engine needs that was started on the log as it is."""
    if points:
        points[-1]["started_bytes"] = engine.anonymous_bytes()
        points[-1]["start_s"] = round(engine.start_s, 2)


class Filled:
    """The log; made when it is first needed, removed at the end unless it is to be kept."""

    def __init__(self, options):
        self.options, self.kept = options, options.keep is not None
        self.place, self.copies, self.notes = options.keep, [], None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for place in self.copies + ([] if self.kept or self.place is None else [self.place]):
            shutil.rmtree(place, ignore_errors=True)

    @property
    def data(self):
        return os.path.join(self.place, "data")

    def look(self):
        """What it is; it is made where it is not there."""
        if self.notes is None:
            self.place = self.place or tempfile.mkdtemp(prefix="pedido-filled-")
            path = os.path.join(self.place, "filled.json")
            if not os.path.exists(path):
                self.make(path)
            with open(path) as file:
                self.notes = json.load(file)
            if self.notes["orders"] != self.options.orders:
                raise SystemExit("%s has %d orders, not %d" % (self.place, self.notes["orders"], self.options.orders))
        return self.notes

    def make(self, path):
        if os.path.exists(self.data):
            raise SystemExit("%s is there, and filled.json is not: it was not finished; remove it" % self.data)
        say("filling %s with %d orders" % (self.place, self.options.orders))
        os.makedirs(self.place, exist_ok=True)
        points, done = [], 0
        for orders in sorted({max(1, int(self.options.orders * share)) for share in SHARES}):
            with Engine(self.options, data=self.data) as engine:
                look_at_start(engine, points)
                points.append(self.go_on(engine, done, orders))
            done = orders
        with Engine(self.options, data=self.data) as engine:
            look_at_start(engine, points)
            head = engine.client.query("Health")["log_position"]
        say("  %d events; they are verified" % head)
        begun = time.monotonic()
        verify(self.data)
        notes = {"orders": done, "events": head, "fill_s": round(sum(point["fill_s"] for point in points), 1),
                 "verify_s": round(time.monotonic() - begun, 1), "points": points}
        with open(path, "w") as file:
            json.dump(notes, file)

    def go_on(self, engine, done, orders):
        filled = run_load("reading", "fill", engine.commands, done, orders, self.options.orders, timeout=24 * 3600)
        behind = engine.settle()
        say("  %d orders: %.0f commands/s, the views %.1f s behind" % (orders, filled["commands"] / filled["seconds"], behind))
        return {"orders": orders, "bytes": engine.anonymous_bytes(), "fill_s": filled["seconds"],
                "commands": filled["commands"]}

    def engine(self, *arguments, n=0):
        """An engine on a copy that is as the log was filled."""
        self.look()
        place = tempfile.mkdtemp(prefix="copy-", dir=self.place)
        self.copies.append(place)
        data = os.path.join(place, "data")
        copy(self.data, data)
        return CopyEngine(self.options, *arguments, data=data, n=n)


class CopyEngine(Engine):
    """Takes its copy with it."""

    def __exit__(self, *exception):
        super().__exit__(*exception)
        shutil.rmtree(os.path.dirname(self.data))

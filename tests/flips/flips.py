#!/usr/bin/python3
"""flips - one bit of a good data directory is flipped, or a file cut, and the engine has to notice.

    flips.py [--seconds S] [--from N] [--count N] [--results FILE] [--books DIR] [--blind]

A seed is one image: the class of page is drawn evenly (record, row, leaf header, branch, free list, meta, unused, head), then a
place in it, then a bit; every eighth seed cuts the file there instead. `pedidod verify` must tell it, or the dump of both stores
must be equal byte for byte; every 25th image is started as well and asked for everything: what it answers is as it was, or refused
with `internal`, or it ends and says why. A signal is a violation, and so is a verification that changes a file. With
--blind nobody asks verify: the campaign has to see for itself.

Each seed is run once. A seed that failed is replayed by the command that is printed, on the directory that is kept.
"""

import argparse
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import daemon
import pedido_raw
import shop
from layout import CLASSES, Layout, used_bytes

FILES = {"books": "books/data.mdb", "rows": "rows/data.mdb", "head": "head"}
ORDERS, JOBS, CUT_EVERY, START_EVERY, AHEAD = 120, 2, 8, 25, 1 << 16
MAP = (b"mapaddr=", b"mapsize=", b"maxreaders=")
LISTS = (("ReadLog", "events", 1000), ("ListOrders", "orders", None), ("ListCustomers", "customers", None),
         ("ListPlans", "plans", None), ("ListSubscriptions", "subscriptions", None))


# ---- a good directory ----------------------------------------------------------------------------------------------------


def trade(engine):
    """Real orders in many states, events and rows short and long, pages that were given back."""
    with engine:
        client = engine.client()
        shop.furnish(client)
        for n in range(ORDERS):
            plan = ("vps", "care", "std", "mail")[n % 4]
            domain = "tienda-%d.es" % n if plan in ("std", "mail") else None
            order = shop.walk_to_open(client, shop.item(plan, domain), customer=("lopez", "nunez")[n % 2], reference="r-%d" % n)
            if n % 5 == 0:
                client.do("AddNote", {"order": order, "text": "ñ" * (n * 8 + 1)})
        for n in range(ORDERS):
            client.do("PutCustomer", {"customer": "c-%d" % n, "name": "n" * 200})


def answers(engine):
    """What an engine says to whoever reads everything; a refusal stands for what it refused."""
    client = engine.client()
    found = {"log id": client.hello()["log"]}
    for kind, key, limit in LISTS:
        try:
            found[kind] = client.rows(kind, key, **({"limit": limit} if limit else {}))
        except pedido_raw.Refused as refused:
            found[kind] = refused.error["code"]
    for order in range(1, ORDERS + 1, 7):
        answer = client.ask("GetOrderHistory", {"order": order})
        found["order %d" % order] = answer["data"]["events"] if answer["ok"] else answer["error"]["code"]
    return found


def dump(data):
    """All that both stores hold, or how mdb_dump ended. What a file says of its map is no content."""
    text = b""
    for name in ("books", "rows"):
        done = subprocess.run(["mdb_dump", "-a", os.path.join(data, name)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120)
        if done.returncode != 0:
            return "mdb_dump of %s ended with %d" % (name, done.returncode)
        text += b"\n".join(line for line in done.stdout.split(b"\n") if not line.startswith(MAP))
    return text


class Good:
    """The directory all images are made from."""

    def __init__(self, books):
        engine = daemon.Engine(books)
        if books is None:
            trade(engine)
        self.data = engine.data
        self.files = {}
        for name, path in FILES.items():
            with open(os.path.join(self.data, path), "rb") as file:
                self.files[name] = file.read()
            if name != "head":  # a little of the zeroes that were written ahead
                self.files[name] = self.files[name][:used_bytes(self.files[name]) + AHEAD]
        self.parts = {"books": Layout(self.files["books"], "record").parts, "rows": Layout(self.files["rows"], "row").parts,
                      "head": dict({name: [] for name in CLASSES}, head=[(0, len(self.files["head"]))])}
        self.dump = dump(self.data)
        assert isinstance(self.dump, bytes), self.dump
        place = Place(self)
        place.put()
        self.answers = answers(place.engine.start())
        place.engine.stop()


# ---- images --------------------------------------------------------------------------------------------------------------


class Image:
    """What a seed does to which file."""

    def __init__(self, good, seed):
        draw = random.Random(seed)
        self.kind = CLASSES[seed % len(CLASSES)]  # evenly
        parts = [(name, part) for name in FILES for part in good.parts[name][self.kind]]
        self.file, (first, end) = draw.choice(parts)
        self.at = draw.randrange(first, end)
        self.mask = 1 << draw.randrange(8)
        self.cut = seed // len(CLASSES) % CUT_EVERY == CUT_EVERY - 1
        content = good.files[self.file]
        if self.cut:
            self.content = content[:self.at]
        else:
            self.content = content[:self.at] + bytes([content[self.at] ^ self.mask]) + content[self.at + 1:]

    def __str__(self):
        return "%s at byte %d of %s (%s)" % ("cut" if self.cut else "bit %d flipped" % (self.mask.bit_length() - 1), self.at,
                                             self.file, self.kind)


class Place:
    """A directory of one job, put right before each image."""

    def __init__(self, good):
        self.good = good
        self.engine = daemon.Engine()

    def path(self, name):
        return os.path.join(self.engine.data, FILES[name])

    def put(self, image=None):
        shutil.rmtree(self.engine.data, ignore_errors=True)
        for name, content in self.good.files.items():
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            with open(self.path(name), "wb") as file:
                file.write(image.content if image is not None and name == image.file else content)

    def is_as_put(self, image):
        for name, content in self.good.files.items():
            with open(self.path(name), "rb") as file:
                if file.read() != (image.content if name == image.file else content):
                    return False
        return True


def judge_verify(place, image, blind):
    """(what it came to, what is wrong or None)"""
    code, said = (0, "") if blind else place.engine.offline("verify")
    if code not in (0, 1):
        return "ended", "verify ended with %d: %s" % (code, said[-300:])
    if code == 1 and "not well" not in said and "level=error" not in said:
        return "ended", "verify does not say what is wrong: %s" % said[-300:]
    if not place.is_as_put(image):
        return "ended", "verify changed a file"
    if code == 1:
        return "detected", None
    found = dump(place.engine.data)
    return "harmless", None if found == place.good.dump else "verify finds nothing, but the dump %s" % (
        found if isinstance(found, str) else "differs")


def judge_start(place):
    """What is wrong with a start, or None."""
    engine = place.engine
    if os.path.exists(engine.log_path):
        os.unlink(engine.log_path)
    try:
        engine.start()
        found = answers(engine)
    except (RuntimeError, pedido_raw.NoAnswer):
        try:
            code = engine.process.wait(5)
        except subprocess.TimeoutExpired:
            engine.kill()
            return "the engine does not answer: %s" % engine.log()[-300:]
        said = engine.log()
        return None if code == 1 and "level=error" in said else "the engine ended with %d: %s" % (code, said[-300:])
    wrong = [about for about, answer in found.items() if answer not in (place.good.answers[about], "internal")]
    code = engine.stop()
    if wrong:
        return "the engine answers otherwise: %s" % ", ".join(wrong)
    ended = code == 1 and "action=exit" in engine.log()  # who meets damage while it is asked ends at any time
    return None if code == 0 or ended else "the engine ended with %d: %s" % (code, engine.log()[-300:])


# ---- the campaign --------------------------------------------------------------------------------------------------------


class Campaign:
    def __init__(self, good, options):
        self.good, self.options = good, options
        self.next, self.end = options.start, None if options.count is None else options.start + options.count
        self.begun = time.monotonic()
        self.lock = threading.Lock()
        self.violations, self.kept = 0, options.books
        self.table = {kind: {"detected": 0, "harmless": 0, "ended": 0} for kind in CLASSES}
        self.done = self.started = 0

    def take(self):
        """The next seed, or None."""
        with self.lock:
            late = self.options.seconds is not None and time.monotonic() - self.begun >= self.options.seconds
            if late or self.next == self.end:
                return None
            self.next += 1
            return self.next - 1

    def note(self, seed, image, came_to, wrong, started):
        with self.lock:
            self.done += 1
            self.started += started
            self.table[image.kind][came_to] += 1
            if wrong is not None:
                self.violations += 1
                if self.kept is None and not self.options.blind:
                    self.kept = os.path.join(tempfile.mkdtemp(prefix="pedido-flips-"), "data")
                    shutil.copytree(self.good.data, self.kept)
                print("\nVIOLATION seed %d, %s: %s\nreplay: tests/flips/flips.py --books %s --from %d --count 1" % (
                    seed, image, wrong, self.kept, seed), flush=True)
            if sys.stdout.isatty():
                print("\r%d images, %d violations " % (self.done, self.violations), end="", flush=True)

    def work(self, place):
        while (seed := self.take()) is not None:
            image = Image(self.good, seed)
            place.put(image)
            came_to, wrong = judge_verify(place, image, self.options.blind)
            start = not self.options.blind and (seed % START_EVERY == 0 or self.options.count == 1)
            if start and wrong is None:
                wrong = judge_start(place)
            self.note(seed, image, came_to, wrong, start)

    def run(self):
        places = [Place(self.good) for _ in range(JOBS)]
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for job in [pool.submit(self.work, place) for place in places]:
                job.result()

    def report(self):
        seconds = round(time.monotonic() - self.begun, 1)
        print("%s%-12s %9s %9s" % ("\n" if sys.stdout.isatty() else "", "class", "detected", "harmless"))
        for kind, row in self.table.items():
            print("%-12s %9d %9d" % (kind, row["detected"], row["harmless"]))
        print("%d of them started and read, %.1f seconds" % (self.started, seconds))
        if self.options.results:
            with open(self.options.results, "a", encoding="utf-8") as file:
                file.write(json.dumps({"campaign": "flips", "from": self.options.start, "to": self.next - 1, "done": self.done,
                                       "violations": self.violations, "seconds": seconds}) + "\n")
        print("flips: %d done, %d violations" % (self.done, self.violations))


def number_from(least):
    def read(text):
        if not text.isdecimal() or not least <= int(text) < 10**12:
            raise argparse.ArgumentTypeError("%r is no number from %d to 10^12" % (text, least))
        return int(text)
    return read


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=number_from(1), help="how long at most")
    parser.add_argument("--from", type=number_from(0), default=0, dest="start", help="the first seed (0)")
    parser.add_argument("--count", type=number_from(1), help="how many seeds at most (500, when --seconds is not given)")
    parser.add_argument("--results", help="append one JSON line to this file")
    parser.add_argument("--books", help="a good data directory, instead of a new one")
    parser.add_argument("--blind", action="store_true", help="do not ask verify")
    options = parser.parse_args()
    if options.seconds is None and options.count is None:
        options.count = 500
    campaign = Campaign(Good(options.books), options)
    campaign.run()
    campaign.report()
    sys.exit(1 if campaign.violations else 0)


if __name__ == "__main__":
    main()

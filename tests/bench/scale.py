"""scale - scripts/bench --scale: the same figures on a log of years, beside an empty one and one of a hundredth. The logs are made
by the program `history`; with --keep DIR they stay there for the next run."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import daemon
import upkeep
from harness import Engine, run_load, say

ORDERS, YEARS, RESELLERS = 20000000, 5, 10000
COLD_ORDERS = 1000000  # from so many on the machine is made to forget its page cache: nobody wants that of a test
SMALL = 100  # the smaller log is so many times smaller
EACH_BYTES = 8000  # of an order: 3,000 of log, 1,000 of rows, 3,400 of views, or the rows once more while they are verified


def refuse_without_space(place, orders):
    free = shutil.disk_usage(place).free
    if free < orders * EACH_BYTES:
        sys.exit("--scale with {:,} orders needs about {:.0f} GB; there are {:.0f} GB free, enough for --orders {:d}".format(
            orders, orders * EACH_BYTES / 1e9, free / 1e9, int(free / EACH_BYTES / 1e6) * 1000000 or int(free / EACH_BYTES)))


def make(place, name, orders, years, resellers):
    """A log of so many orders; one that is there already is taken as it is. Its figures."""
    data, notes = os.path.join(place, name), os.path.join(place, name + ".json")
    if not os.path.exists(notes):
        if os.path.exists(data):
            sys.exit("%s is there, and %s is not: it was not finished; remove it" % (data, notes))
        say("writing {:,} orders of {:g} years".format(orders, years))
        made = run_load("history", data, "orders=%d" % orders, "years=%g" % years, "resellers=%d" % resellers, timeout=24 * 3600)
        with open(notes, "w") as file:
            json.dump(made, file)
    with open(notes) as file:
        made = json.load(file)
    if made["orders"] != orders:
        sys.exit("%s has %d orders, not %d" % (data, made["orders"], orders))
    return data, made


def drop_caches():
    """Whether the machine lets us: what is read next comes from the disk."""
    try:
        subprocess.run(["sync"], check=True)
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
    except OSError:
        return False
    return True


def killed(options, data, before=None):
    """Seconds from exec to the answer of an AddOrder, on what kill -9 has left under load; `before` comes between them."""
    with Engine(options, data=data) as engine:
        engine.lifecycle(options)
        upkeep.kill(engine)
    if before is not None and before() is False:
        return None
    with Engine(options, data=data, wait=False) as engine:
        return round(engine.first_answer(upkeep.an_order()), 3)


def lose_index(data):
    place = os.path.join(data, "index")
    if not os.path.exists(place):
        return False
    shutil.rmtree(place)
    return True


def lifecycles(options, logs):
    """One engine on each log, all of them up, and a lifecycle on each in turns: a list of {name: figures} for each repetition."""
    engines, found = {}, []
    try:
        for n, (name, data) in enumerate(logs.items()):
            say("starting on " + name)
            engines[name] = Engine(options, data=data, n=n)
            say("  serves after %.1f s, views are there %.1f s later" % (engines[name].start_s, engines[name].settle(24 * 3600)))
        for repetition in range(options.repetitions):
            results = {}
            for name, engine in engines.items():
                engine.settle()
                result = engine.lifecycle(options)
                results[name] = {"rate": result["rate"], "p50_us": result["p50_us"], "p99_us": result["p99_us"],
                                 "engine_cpu_us": round(result["cpu_us"], 2),
                                 "rss_anon_mib": round(engine.anonymous_bytes() / 2**20, 1)}
            say("  %d of %d: %s" % (repetition + 1, options.repetitions, ", ".join(
                "%s %d/s with %.0f MiB" % (name, r["rate"], r["rss_anon_mib"]) for name, r in results.items())))
            found.append(results)
    finally:
        for engine in engines.values():
            engine.__exit__(*sys.exc_info())
    return found


def made_anew(options, data):
    """Views, rows and a verification of the whole log, in events a second. Not of the views as well: that would take as much disk
    again, and the scenario rebuild does it."""
    with Engine(options, data=data) as engine:
        events = engine.client.query("Health")["log_position"]
    for name in ("views-a", "views-b"):
        shutil.rmtree(os.path.join(data, name), ignore_errors=True)
    verify_s, rows_s = upkeep.timed("verify", data), upkeep.timed("rebuild", data)
    with Engine(options, data=data) as engine:
        views_s = engine.settle(24 * 3600)
    return {"events": events, "verify_events_s": round(events / verify_s), "rows_events_s": round(events / rows_s),
            "views_events_s": round(events / views_s)}


def measure(options):
    """A list of {step: {figure: value}}, one for each repetition."""
    place = options.keep or tempfile.mkdtemp(prefix="pedido-scale-")
    os.makedirs(place, exist_ok=True)
    empty = os.path.join(place, "empty")
    try:
        if not os.path.exists(os.path.join(place, "large.json")):
            refuse_without_space(place, options.orders)
        large, made = make(place, "large", options.orders, options.years, options.resellers)
        small, _ = make(place, "small", max(1, options.orders // SMALL), options.years, options.resellers)
        shutil.rmtree(empty, ignore_errors=True)
        found = lifecycles(options, {"scale-empty": empty, "scale-small": small, "scale-large": large})
        say("kill -9 and start")
        for results in found:
            results["scale-large"]["answer_s"] = killed(options, large)
        once = found[0]["scale-large"]
        once["orders"], once["history_events_s"] = made["orders"], made["events_s"]
        cold = drop_caches if options.orders >= COLD_ORDERS else lambda: False
        for name, before in (("answer_cold_s", cold), ("answer_without_index_s", lambda: lose_index(large))):
            seconds = killed(options, large, before)
            once.update({} if seconds is None else {name: seconds})
        say("rows, views and a verification")
        once.update(made_anew(options, large))
        return found
    finally:
        shutil.rmtree(empty if options.keep else place, ignore_errors=True)
        daemon.kill_all()


def bounds(bound, ratio, plain):
    """What is wanted of it, as rows of steps.BOUNDS."""
    return [
        bound("years of orders: lifecycle", "x empty log", ratio("scale-large", "scale-empty"), least=0.8),
        bound("years of orders: RssAnon after the run", "x a hundredth", ratio("scale-large", "scale-small", "rss_anon_mib"),
              most=1.2),
        bound("years of orders: exec to AddOrder's answer, after kill -9", "s", plain("scale-large", "answer_s"), most=1),
        bound("years of orders: rebuild of rows", "events/s", plain("scale-large", "rows_events_s"), least=1000000),
        bound("years of orders: rebuild of views", "events/s", plain("scale-large", "views_events_s"), least=400000),
        bound("years of orders: verify", "events/s", plain("scale-large", "verify_events_s"), least=1000000),
    ]

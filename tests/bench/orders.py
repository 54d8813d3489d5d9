"""orders - the scenarios of scripts/bench that are the life of orders: AddOrder, ConfirmOrder, OpenOrder and the worker's
ReportSuccess all count, leases do not; every order has a domain and reference of its own. Each function does it once."""

import os
import tempfile

import reading
from harness import Engine, run_load

FIGURES = ("rate", "p50_us", "p99_us", "max_us", "per_message", "request_bytes", "reply_bytes", "completed", "threads_us")
MEMORY = "/dev/shm"  # a file system in memory
CORE_ORDERS, COHORT = 100000, 1024  # for each second of a measurement


def figures(result, health):
    """Of the load, and of what the engine says that it has done."""
    return dict({name: result[name] for name in FIGURES if name in result}, engine_cpu_us=round(result["cpu_us"], 2),
                load_us=round(result["load_us"], 2), of_a_turn=round(health["commands"] / health["turns"], 1),
                events=health["log_position"], refused=health["refusals"])


def closed(run, views="on", **settings):
    """As fast as answers come, on an empty log."""
    with Engine(run.options, "--views", views) as engine:
        result = engine.lifecycle(run.options, **settings)
        health = engine.client.query("Health")
    if settings.get("array", 1) == 1 and "request_bytes" in result:
        run.sizes = (int(result["request_bytes"]), int(result["reply_bytes"]))
    return figures(result, health)


def encrypted(run, **settings):
    """The same under a key, on encrypted ports. Whoever runs the engine grants it, on a socket of the machine."""
    with Engine(run.options, keys=True) as engine:
        return figures(engine.lifecycle(run.options, **settings), engine.client.query("Health"))


def unflushed(run, **settings):
    """The same on a file system in memory: nothing waits for a disk."""
    if not os.path.isdir(MEMORY):
        raise RuntimeError("there is no " + MEMORY)
    with Engine(run.options, where=MEMORY) as engine:
        return figures(engine.lifecycle(run.options, **settings), engine.client.query("Health"))


def core(run, program):
    """The engine's core on orders of all kinds, in one thread: it decodes, decides, commits, folds and indexes."""
    with tempfile.TemporaryDirectory(prefix="pedido-bench-") as place:
        result = run_load(program, os.path.join(place, "data"), "orders=%d" % (CORE_ORDERS * run.options.seconds),
                          "resellers=16", "cohort=%d" % COHORT)
    return {"rate": result["rate"], "cpu_us": result["cpu_us"], "events_s": result["events_s"]}


def paced(run, of, **settings):
    """At half the rate that was just measured; each message is timed from when it was due."""
    rate = run.results[of]["rate"] / 2
    found = closed(run, pace=round(rate), **settings)
    return dict(found, due=round(rate))


def watched(run, subscribers):
    """While so many follow all that happens, live."""
    with Engine(run.options) as engine:
        result = reading.listen_once(run.options, engine, subscribers, "all")
    return {"rate": result["writer"], "delivered_s": result["rate"], "happened": result["happened"],
            "delivered": result["delivered"], "missed": result["missed"], "event_p50_us": result["p50_us"]}

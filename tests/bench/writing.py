"""writing - scenarios of scripts/bench on tasks and waits: many open ones, many held at once, a takeover."""

import time

import pedido_raw
import shop
from harness import Engine, Load, median, say, spread

TASKS, WAITS, LEASE_MS = 100000, 10000, 2000


def lifecycle(options):
    with Engine(options) as engine:
        return engine.lifecycle(options)


# ---- provisioning


def opened_bytes(options, provisioning, run):
    """Anonymous memory per order that was opened, and the rate of the tasks that then were done."""
    with Engine(options) as engine:
        load = Load("provisioning", "tasks", engine.commands, engine.workers, TASKS, provisioning, "m%d" % run)
        load.act()
        before = engine.anonymous_bytes()
        load.next()
        each = (engine.anonymous_bytes() - before) / TASKS
        rate = load.next()["rate"] if provisioning == "worker" else None
        load.end()
        return each, rate


def measure_tasks(options):
    sizes, rates, ratios = [], [], []
    for run in range(options.repetitions):
        with_tasks, rate = opened_bytes(options, "worker", run)
        without, _ = opened_bytes(options, "none", run)
        beside = lifecycle(options)["rate"]
        sizes.append(with_tasks - without)
        rates.append(rate)
        ratios.append(rate / beside)
        say("  %d of %d: %.0f tasks/s, lifecycle %.0f commands/s, ratio %.2f; %.0f bytes a task"
            % (run + 1, options.repetitions, rate, beside, ratios[-1], sizes[-1]))
    return {"scenario": "tasks", "tasks": TASKS, "rate": median(rates), "spread": spread(rates),
            "ratio_lifecycle": median(ratios, 3), "ratio_spread": spread(ratios, 3),
            "bytes_each": median(sizes), "bytes_spread": spread(sizes)}


def measure_idle_tasks(options):
    """A lifecycle beside many open tasks, and without them, in turns; both on logs of the same length."""
    ratios, latencies = [], []
    for run in range(options.repetitions):
        results = []
        for provisioning in ("manual", "none"):
            with Engine(options) as engine:
                load = Load("provisioning", "tasks", engine.commands, engine.workers, TASKS, provisioning, "i%d" % run)
                load.act()
                load.next()
                load.end()
                results.append(engine.lifecycle(options))
        ratios.append(results[0]["rate"] / results[1]["rate"])
        latencies.append(results[0]["p50_us"] / results[1]["p50_us"])
        say("  %d of %d: with %.0f commands/s, without %.0f, ratio %.2f; median latency %d and %d us"
            % (run + 1, options.repetitions, results[0]["rate"], results[1]["rate"], ratios[-1], results[0]["p50_us"],
               results[1]["p50_us"]))
    return {"scenario": "idle-tasks", "tasks": TASKS, "ratio_rate": median(ratios, 3), "ratio_spread": spread(ratios, 3),
            "ratio_p50": median(latencies, 3)}


def measure_waits(options):
    sizes, times = [], []
    for run in range(options.repetitions):
        with Engine(options) as engine:
            load = Load("provisioning", "waits", engine.commands, WAITS, "w%d" % run)
            load.act()
            before = engine.anonymous_bytes()
            load.next()
            sizes.append((engine.anonymous_bytes() - before) / WAITS)
            times.append(load.next()["ms"])
            load.end()
        say("  %d of %d: %.0f bytes each, all answered in %.1f ms" % (run + 1, options.repetitions, sizes[-1], times[-1]))
    return {"scenario": "waits", "waits": WAITS, "bytes_each": median(sizes), "bytes_spread": spread(sizes),
            "answered_ms": median(times, 1), "answered_spread": spread(times, 1)}


def measure_takeover(options):
    """A worker falls silent with a task; another waits for it."""
    times = []
    for run in range(options.repetitions):
        with Engine(options, "--lease-ms", str(LEASE_MS)) as engine:
            client = pedido_raw.Client(engine.commands)
            shop.furnish(client)
            shop.walk_to_open(client)
            first, second = (pedido_raw.Worker(engine.workers, name, ["hosting"], 1) for name in ("w1", "w2"))
            first.next()
            first.ready()
            dead = time.monotonic()
            second.next(timeout=LEASE_MS / 1000 + 10)
            times.append((time.monotonic() - dead) * 1000)
        say("  %d of %d: %.0f ms, of them a lease of %d" % (run + 1, options.repetitions, times[-1], LEASE_MS))
    return {"scenario": "takeover", "lease_ms": LEASE_MS, "ms": median(times), "spread": spread(times)}


SCENARIOS = {"tasks": measure_tasks, "idle-tasks": measure_idle_tasks, "waits": measure_waits, "takeover": measure_takeover}

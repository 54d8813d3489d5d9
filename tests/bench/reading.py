"""reading - the scenarios of scripts/bench that read a filled log while a writer runs: reads, projector, replay, fanout, memory."""

import statistics
import threading
import time

import pedido_raw
from harness import Load, median, run_load, say, say_bound, spread

# What is asked: each kind alone, all in turns, the same as a client asks that waits for what was committed, and at a pace.
READERS = ("customer", "state", "far", "order", "panel", "mixed", "fresh", "paced")
PACE = 1000  # queries a second
SLOWER, HIDDEN_SLOWER, LAG_S = 15, 35, 1  # what is wanted: percent, percent, seconds
SAMPLE_S = 0.05
WRITERS = 16  # resellers of the writer


def slower(ratio):
    return (1 - ratio) * 100


class Turns:
    """The writer alone before and after each of those it runs beside, so that what else the machine does is on both sides."""

    def __init__(self, options, engine):
        self.options, self.engine = options, engine
        self.alone = [self.write()]

    def write(self):
        self.engine.settle()
        return self.engine.lifecycle(self.options)["rate"]

    def take(self, beside, *arguments):
        """beside(options, engine, ...) runs the writer, too, and says how fast it was; with `ratio` to itself alone."""
        self.engine.settle()
        result = beside(self.options, self.engine, *arguments)
        self.alone.append(self.write())
        return dict(result, ratio=2 * result["writer"] / sum(self.alone[-2:]))

    def say(self, run, what):
        say("  %d of %d: the writer alone %.0f commands/s, %s" % (
            run + 1, self.options.repetitions, statistics.median(self.alone),
            ", ".join("%s %.2f" % pair for pair in what)))


# ---- reads

def read_once(options, engine, what):
    """The writer's rate beside this reader, and the reader's figures."""
    kind, pace = ("mixed", PACE) if what == "paced" else (what, 0)
    load = Load("reading", "ask", engine.queries, kind, options.orders, options.readers, pace)
    load.act()
    rate = engine.lifecycle(options)["rate"]
    result = load.next()
    load.end()
    return dict(result, writer=rate)


def reads_line(what, runs):
    ratios = [r["ratio"] for r in runs]
    line = {"scenario": "reads", "reader": what, "rate": median([r["rate"] for r in runs]),
            "spread": spread([r["rate"] for r in runs]), "p50_us": median([r["p50_us"] for r in runs]),
            "p99_us": median([r["p99_us"] for r in runs]), "max_us": max(r["max_us"] for r in runs),
            "ratio_writer": median(ratios, 3), "ratio_spread": spread(ratios, 3)}
    for count in ("asked", "answered", "refused", "wrong"):
        line[count] = sum(r[count] for r in runs)
    say_bound("%s: %d queries/s, median %d us; the writer is slower by" % (what, line["rate"], line["p50_us"]),
              slower(line["ratio_writer"]), SLOWER, "%")
    return line


def measure_reads(options, filled):
    runs = {what: [] for what in READERS}
    with filled.engine() as engine:
        for run in range(options.repetitions):
            turns = Turns(options, engine)
            for what in READERS:
                runs[what].append(turns.take(read_once, what))
            turns.say(run, [(what, runs[what][-1]["ratio"]) for what in READERS])
    for what in READERS:
        yield reads_line(what, runs[what])


# ---- projector

class Watch(threading.Thread):
    """Samples of how far the log is and what the views show, by the clock."""

    def __init__(self, engine):
        super().__init__()
        self.client = pedido_raw.Client(engine.commands)
        self.samples, self.ending = [], threading.Event()
        self.look()
        self.start()

    def look(self):
        rows = self.client.query("GetMetrics")["metrics"]
        values = {row["metric"]: row.get("value", row.get("sum")) for row in rows if "of" not in row}
        self.samples.append((time.monotonic(), values["log_position"], values["log_position"] - values["views_lag"],
                             values["views_us"]))

    def run(self):
        while not self.ending.wait(SAMPLE_S):
            self.look()

    def end(self):
        """Lags in events and in seconds, of every sample; the projector's events a second, between its first and its last
        commit, and those of its working time."""
        self.ending.set()
        self.join()
        self.look()
        self.client.close()
        first, last = self.samples[0], self.samples[-1]
        moved = [after for before, after in zip(self.samples, self.samples[1:]) if after[2] > before[2]] or [first]
        begin, end = moved[0], moved[-1]
        return {"lag_events": [head - shown for _, head, shown, _ in self.samples],
                "lag_s": [at - self.when(shown) for at, _, shown, _ in self.samples],
                "rate": (end[2] - begin[2]) / max(SAMPLE_S, end[0] - begin[0]),
                "working_rate": (last[2] - first[2]) * 1e6 / max(1, last[3] - first[3])}

    def when(self, position):
        """When the log had come to a position, between two samples."""
        before = self.samples[0]
        for sample in self.samples:
            if sample[1] >= position:
                share = (position - before[1]) / (sample[1] - before[1]) if sample[1] > before[1] else 1
                return before[0] + share * (sample[0] - before[0])
            before = sample
        return before[0]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_projector(options, filled):
    ratios, shown_rates, hidden_rates, watched = [], [], [], []
    with filled.engine() as shown, filled.engine("--views", "off", n=1) as hidden:
        shown.settle()
        for run in range(options.repetitions):
            watch = Watch(shown)
            shown_rates.append(shown.lifecycle(options)["rate"])
            watched.append(watch.end())
            left = shown.settle()
            hidden_rates.append(hidden.lifecycle(options)["rate"])
            ratios.append(shown_rates[-1] / hidden_rates[-1])
            lags = watched[-1]
            say("  %d of %d: with views %.0f commands/s, without %.0f, ratio %.2f; %.0f events/s shown, at most %d and %.2f s "
                "behind, %.2f s to catch up" % (run + 1, options.repetitions, shown_rates[-1], hidden_rates[-1], ratios[-1],
                                                lags["rate"], max(lags["lag_events"]), max(lags["lag_s"]), left))
        health = shown.client.query("Health")
    lag_s = [max(w["lag_s"]) for w in watched]
    say_bound("the writer with views is slower by", slower(median(ratios, 3)), HIDDEN_SLOWER, "%")
    say_bound("the views are behind by", median(lag_s, 2), LAG_S, "s")
    return [{"scenario": "projector", "rate": median(shown_rates), "rate_without": median(hidden_rates),
             "ratio_writer": median(ratios, 3), "ratio_spread": spread(ratios, 3),
             "events_s": median([w["rate"] for w in watched]), "events_s_spread": spread([w["rate"] for w in watched]),
             "events_working_s": median([w["working_rate"] for w in watched]),
             "lag_events_p50": median([percentile(w["lag_events"], 0.5) for w in watched]),
             "lag_events_max": median([max(w["lag_events"]) for w in watched]),
             "lag_s_p50": median([percentile(w["lag_s"], 0.5) for w in watched], 3), "lag_s_max": median(lag_s, 3),
             "lag_s_max_spread": spread(lag_s, 3), "left": health["log_position"] - health["projected"]}]


# ---- replay

def measure_replay(options, filled):
    ways = {"follow": [], "pages": []}
    with filled.engine() as engine:
        engine.settle()
        events = min(options.events, filled.look()["events"])
        for run in range(options.repetitions):
            ways["follow"].append(run_load("reading", "follow", engine.commands, events))
            ways["pages"].append(run_load("reading", "pages", engine.queries, events))
            say("  %d of %d: %.0f events/s followed, %.0f in pages" % (run + 1, options.repetitions, ways["follow"][-1]["rate"],
                                                                       ways["pages"][-1]["rate"]))
    for way, runs in ways.items():
        rates = [r["rate"] for r in runs]
        yield {"scenario": "replay", "by": way, "rate": median(rates), "spread": spread(rates), "wanted_events": events,
               "events": min(r["events"] for r in runs), "megabytes_s": median([r["megabytes_s"] for r in runs], 1)}


# ---- fanout

def heads(engine, scope):
    """Where each scope that is listened to stands."""
    if scope == "all":
        return [engine.client.query("Health")["log_position"]]
    return [engine.client.query("Health", reseller="reseller-%d" % n)["head"] for n in range(WRITERS)]


def listen_once(options, engine, count, scope):
    """The writer's rate beside subscribers, what reached them, and what there was for them."""
    load = Load("reading", "listen", engine.events, scope, count)
    load.act()
    before = heads(engine, scope)
    rate = engine.lifecycle(options)["rate"]
    after = heads(engine, scope)
    result = load.next(" ".join(str(head) for head in after))
    happened = [last - first for first, last in zip(before, after)]
    load.end()
    return dict(result, writer=rate, happened=sum(happened[n % len(happened)] for n in range(count)))


def fanout_line(count, scope, runs):
    ratios = [r["ratio"] for r in runs]
    line = {"scenario": "fanout", "subscribers": count, "scope": scope, "rate": median([r["rate"] for r in runs]),
            "spread": spread([r["rate"] for r in runs]), "p50_us": median([r["p50_us"] for r in runs]),
            "p99_us": median([r["p99_us"] for r in runs]), "ratio_writer": median(ratios, 3), "ratio_spread": spread(ratios, 3)}
    for what in ("happened", "delivered", "missed", "twice", "heartbeats", "ahead"):
        line[what] = sum(r[what] for r in runs)
    say("  %d subscribers of %s: %d events/s, median %d us, %.1f %% missed; the writer's ratio %.2f" % (
        count, scope, line["rate"], line["p50_us"], 100 * line["missed"] / max(1, line["happened"]), line["ratio_writer"]))
    return line


def measure_fanout(options, filled):
    counts = options.subscribers or [1, 10, 100]
    groups = [(count, "all") for count in counts] + [(counts[-1], "own")]
    runs = {group: [] for group in groups}
    with filled.engine() as engine:
        for run in range(options.repetitions):
            turns = Turns(options, engine)
            for group in groups:
                runs[group].append(turns.take(listen_once, *group))
            turns.say(run, [("%d of %s" % group, runs[group][-1]["ratio"]) for group in groups])
    for group in groups:
        yield fanout_line(*group, runs[group])


# ---- memory

def measure_memory(_, filled):
    """As the log was filled, right after that and after a start. What has written keeps more: LMDB keeps the memory of the most
    pages that a transaction of its changed, up to 512 MB for each store. After a start it is the index, but for the table of known
    commands, which grows up to a million events, to some 100 MB."""
    points = filled.look()["points"]
    for before, point in zip([None] + points, points):
        line = {"scenario": "memory", "orders": point["orders"], "bytes": point["bytes"], "started_bytes": point["started_bytes"],
                "start_s": point["start_s"]}
        if before is not None:
            for what in ("bytes", "started_bytes"):
                line[what + "_each"] = round((point[what] - before[what]) / (point["orders"] - before["orders"]), 1)
        say("  %d orders: %d MB, after a start %d MB" % (point["orders"], point["bytes"] >> 20, point["started_bytes"] >> 20))
        yield line


SCENARIOS = {"reads": measure_reads, "projector": measure_projector, "replay": measure_replay, "fanout": measure_fanout,
             "memory": measure_memory}

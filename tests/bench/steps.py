"""steps - the scenarios of scripts/bench that take turns with their references, and the bounds that are wanted. A scenario is a row
here and a function; in each repetition every row is measured once, one after the other, so that what else the machine does meets
all."""

import contextlib
import time

import orders
import references
import scale
import upkeep
from harness import median, say, spread

NOTHING = "neither decides nor keeps anything"
KEEPS = "decides nothing, knows no ids, keeps no rows, publishes nothing"


class Step:
    """`quick`: a part of --quick, too. `lacks`: it is a reference, and this is what it does not do that Pedido does."""

    def __init__(self, name, does, about, quick=False, lacks=None, installed=False, once=False, **settings):
        self.name, self.does, self.about, self.settings = name, does, about, settings
        self.quick, self.lacks, self.installed, self.once = quick, lacks, installed, once


STEPS = [
    Step("lifecycle-1", orders.closed, "one message outstanding", quick=True, outstanding=1),
    Step("echo-1", references.echo, "ZeroMQ echo, one outstanding", quick=True, lacks=NOTHING, outstanding=1),
    Step("flush", references.flush, "20 KiB flushed into a file of written zeroes, and its head flushed", quick=True,
         lacks=NOTHING),
    Step("lifecycle-64", orders.closed, "64 outstanding", outstanding=64),
    Step("echo-64", references.echo, "ZeroMQ echo, 64 outstanding", lacks=NOTHING, outstanding=64),
    Step("lifecycle-1024", orders.closed, "1,024 outstanding", quick=True, outstanding=1024),
    Step("echo-1024", references.echo, "ZeroMQ echo, 1,024 outstanding", quick=True, lacks=NOTHING, outstanding=1024),
    Step("redis-64x16", references.redis, "Redis XADD, appendfsync always, 64 clients x 16", quick=True, lacks=KEEPS,
         installed=True, pipeline=16),
    Step("views-off", orders.closed, "1,024 outstanding, without views", quick=True, outstanding=1024, views="off"),
    Step("resellers-10000", orders.closed, "1,024 outstanding, of 10,000 resellers", quick=True, outstanding=1024, resellers=10000),
    Step("open-loop", orders.paced, "at half the rate of lifecycle-1024, timed from when each was due", quick=True,
         of="lifecycle-1024", outstanding=16384),
    Step("lifecycle-4096", orders.closed, "4,096 outstanding", quick=True, outstanding=4096),
    Step("echo-4096", references.echo, "ZeroMQ echo, 4,096 outstanding", quick=True, lacks=NOTHING, outstanding=4096),
    Step("library", orders.closed, "libpedido's asynchronous calls, 4,096 outstanding", quick=True, outstanding=4096, library=1),
    Step("arrays", orders.closed, "arrays of 100, 12,800 commands outstanding", quick=True, outstanding=12800, array=100),
    Step("connections-64", orders.closed, "64 connections, one outstanding each", quick=True, outstanding=64, connections=64),
    Step("echo-connections-64", references.echo, "ZeroMQ echo, 64 connections, one outstanding each", quick=True, lacks=NOTHING,
         outstanding=64, connections=64),
    Step("redis-64x1", references.redis, "Redis XADD, appendfsync always, 64 clients x 1", quick=True, lacks=KEEPS, installed=True,
         pipeline=1),
    Step("redis-script-64x16", references.redis, "Redis script that looks at an id and a state, then XADD; 64 clients x 16",
         lacks="keeps no rows that can be listed; who asks again is told so, but not the same answer", installed=True, pipeline=16,
         script=True),
    Step("postgres-64", references.postgres, "PostgreSQL 15 insert, synchronous_commit on, 64 clients",
         lacks="decides nothing but that stream and version are unique, publishes nothing", installed=True),
    Step("nats", references.nats, "NATS 2.9 JetStream, 1,024 outstanding",
         lacks="does NOT sync: what it acknowledged is lost with the power; " + KEEPS, installed=True),
] + [
    Step("lmdb-%d" % batch, references.lmdb, "LMDB append, batches of %d" % batch, quick=True, lacks="has no port; " + KEEPS,
         batch=batch)
    for batch in (1, 100, 1000)
] + [
    Step("sqlite-%d" % batch, references.sqlite, "SQLite insert, WAL, synchronous=FULL, batches of %d" % batch,
         lacks="has no port; decides nothing but that stream and version are unique", batch=batch)
    for batch in (1, 100, 1000)
] + [
    Step("encrypted-1024", orders.encrypted, "lifecycle-1024 on encrypted ports, under a key", outstanding=1024),
    Step("encrypted-arrays", orders.encrypted, "arrays on encrypted ports: of 100, 6,400 commands outstanding", outstanding=6400,
         array=100),
    Step("arrays-6400", orders.closed, "the same arrays, not encrypted", outstanding=6400, array=100),
    Step("subscribers-1", orders.watched, "lifecycle-1024 with a live subscriber", subscribers=1),
    Step("subscribers-4", orders.watched, "lifecycle-1024 with 4 live subscribers", subscribers=4),
    Step("unflushed", orders.unflushed, "lifecycle-1024 on a file system in memory: no flushes", outstanding=1024),
    Step("core", orders.core, "the engine's core in one thread: no network, no views", quick=True, program="history"),
    Step("core-memory", orders.core, "the same over the store in memory", quick=True, program="history-memory"),
    Step("restart", upkeep.restart, "from exec to an AddOrder's answer, after kill -9 under load"),
    Step("rebuild", upkeep.rebuild, "rows and views made anew, and verified", quick=True, once=True),
    Step("idle", upkeep.idle, "an engine on an empty log that nobody talks to", quick=True, once=True),
    Step("instructions", upkeep.instructions, "of a command, by callgrind", once=True),
]
BY_NAME = {step.name: step for step in STEPS}
SCALE = [
    Step("scale-empty", None, "1,024 outstanding, on an empty log"),
    Step("scale-small", None, "the same, on a hundredth of the large log"),
    Step("scale-large", None, "the same, on years of orders"),
]


# ---- what is wanted

class Bound:
    """A figure of one repetition, from the steps it names."""

    def __init__(self, what, unit, figure, least=None, most=None):
        self.what, self.unit, self.figure, self.least, self.most = what, unit, figure, least, most

    def needs(self):
        """The steps that it takes."""
        return self.figure.needs

    def of(self, results):
        try:
            return self.figure(results)
        except (KeyError, ZeroDivisionError):  # not all of it was measured, or for too short a time
            return None

    def holds(self, value):
        return value >= self.least if self.least is not None else value <= self.most


def figure(*needs):
    def mark(function):
        function.needs = needs
        return function
    return mark


def ratio(step, to, of="rate"):
    return figure(step, to)(lambda results: results[step][of] / results[to][of])


def plain(step, of):
    return figure(step)(lambda results: results[step][of])


@figure("lifecycle-1", "echo-1", "flush")
def alone(results):
    return results["lifecycle-1"]["p50_us"] / (results["echo-1"]["p50_us"] + results["flush"]["p50_us"])


@figure("open-loop")
def tail(results):
    return results["open-loop"]["p99_us"] / results["open-loop"]["p50_us"]


ECHO, REDIS = "x echo", "x Redis 64x16"
BOUNDS = [
    Bound("one command a message, 1,024 outstanding", ECHO, ratio("lifecycle-1024", "echo-1024"), least=0.27),
    Bound("one command a message, 1,024 outstanding", REDIS, ratio("lifecycle-1024", "redis-64x16"), least=1.5),
    Bound("the same, views off", ECHO, ratio("views-off", "echo-1024"), least=0.35),
    Bound("the same, views off", REDIS, ratio("views-off", "redis-64x16"), least=2),
    Bound("4,096 outstanding", ECHO, ratio("lifecycle-4096", "echo-4096"), least=0.4),
    Bound("4,096 outstanding", REDIS, ratio("lifecycle-4096", "redis-64x16"), least=2.2),
    Bound("libpedido's asynchronous calls", ECHO, ratio("library", "echo-4096"), least=0.7),
    Bound("libpedido's asynchronous calls", REDIS, ratio("library", "redis-64x16"), least=3.5),
    Bound("arrays of 100", ECHO, ratio("arrays", "echo-4096"), least=0.9),
    Bound("arrays of 100", REDIS, ratio("arrays", "redis-64x16"), least=4.5),
    Bound("views on", "x views off", ratio("lifecycle-1024", "views-off"), least=0.7),
    Bound("10,000 resellers", "x 16 resellers", ratio("resellers-10000", "lifecycle-1024"), least=0.7),
    Bound("64 connections, one outstanding each", "x Redis 64x1", ratio("connections-64", "redis-64x1"), least=1.3),
    Bound("one outstanding, median latency", "x (echo + two flushes)", alone, most=1.25),
    Bound("open loop at half the rate, 99th percentile", "x median", tail, most=5),
] + scale.bounds(Bound, ratio, plain) + [
    Bound("rebuild of rows", "events/s", plain("rebuild", "rows_events_s"), least=1000000),
    Bound("rebuild of views", "events/s", plain("rebuild", "views_events_s"), least=400000),
    Bound("verify", "events/s", plain("rebuild", "verify_events_s"), least=1000000),
    Bound("idle engine", "% of a core", plain("idle", "cpu_percent"), most=0.5),
    Bound("idle engine", "MiB RssAnon", plain("idle", "rss_anon_mib"), most=32),
]


def plan(names, with_installed):
    """The steps of these names, and what they are held against, in the order of the rows."""
    wanted = set(names)
    for name in names:
        wanted.update(BY_NAME[name].settings[key] for key in ("of",) if key in BY_NAME[name].settings)
    for bound in BOUNDS:
        if not BY_NAME.get(bound.needs()[0]) or bound.needs()[0] not in wanted:
            continue
        wanted.update(name for name in bound.needs() if BY_NAME[name].lacks is not None)
    return [step for step in STEPS if step.name in wanted and (with_installed or not step.installed)]


# ---- measuring

class Run:
    """What steps share: the sizes of messages, what this repetition has brought so far, and servers that stay."""

    def __init__(self, options, stack):
        self.options, self.stack, self.kept = options, stack, {}
        self.sizes, self.results = (118, 214), {}  # the first lifecycle tells the real ones

    def keep(self, server):
        if server not in self.kept:
            self.kept[server] = self.stack.enter_context(server())
        return self.kept[server]


class Progress:
    """Which step of how many, and what is left: by how long each took before, or by the mean where it is the first time."""

    def __init__(self, rounds):
        self.rounds, self.took, self.done = rounds, {}, 0

    def left(self):
        mean = sum(self.took.values()) / max(1, len(self.took))
        return sum(self.took.get(step.name, mean) for step in self.rounds[self.done:])

    def measured(self, step, seconds, words):
        self.took[step.name] = seconds
        self.done += 1
        minutes, rest = divmod(round(self.left()), 60)
        say("  %d of %d, %d:%02d left   %-20s %s" % (self.done, len(self.rounds), minutes, rest, step.name, words))


def in_words(result):
    return ", ".join("%s %s" % (name, "{:,}".format(value)) for name, value in list(result.items())[:4])


def measure(options, steps):
    """Every repetition's results: a list of {step: {figure: value}}."""
    rounds = [[step for step in steps if repetition == 0 or not step.once] for repetition in range(options.repetitions)]
    progress, found = Progress([step for steps_of in rounds for step in steps_of]), []
    with contextlib.ExitStack() as stack:
        run = Run(options, stack)
        for steps_of in rounds:
            run.results = {}
            for step in steps_of:
                begun = time.monotonic()
                try:
                    run.results[step.name] = step.does(run, **step.settings)
                    words = in_words(run.results[step.name])
                except RuntimeError as error:  # what it takes is not there
                    words = "not measured: %s" % error
                progress.measured(step, time.monotonic() - begun, words)
            found.append(run.results)
    return found


def digits(value):
    return 0 if abs(value) >= 100 else 3


def line_of(step, found):
    """Medians and spread of what the repetitions have brought; some figures are of the first one only."""
    results = [results[step.name] for results in found if step.name in results]
    if not results:
        return None
    line = {"scenario": step.name, "about": step.about, "repetitions": len(results)}
    if step.lacks is not None:
        line["reference"], line["lacks"] = True, step.lacks
    figures = [name for name in results[0] if not isinstance(results[0][name], dict)]
    line.update({name: results[0][name] for name in results[0] if name not in figures})
    values = {name: [result[name] for result in results if name in result] for name in figures}
    line.update({name: median(values[name], digits(values[name][0])) for name in values})
    line["spreads"] = {name: spread(values[name], digits(values[name][0])) for name in values}
    return line


def bound_lines(found, unmeasured):
    for bound in BOUNDS:
        values = [value for value in (bound.of(results) for results in found) if value is not None]
        if not values and not unmeasured:
            continue
        line = {"bound": bound.what, "unit": bound.unit, "least" if bound.least is not None else "most":
                bound.least if bound.least is not None else bound.most}
        if values:
            line.update(figure=median(values, digits(values[0])), spread=spread(values, digits(values[0])),
                        held=bound.holds(median(values, digits(values[0]))))
        yield line


def lines(steps, found, unmeasured=False):
    """Of each step, and of each bound; `unmeasured`: those as well that say nothing."""
    yield from filter(None, (line_of(step, found) for step in steps))
    yield from bound_lines(found, unmeasured)

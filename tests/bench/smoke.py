#!/usr/bin/python3
"""Each scenario of scripts/bench runs, very short, and counts right: every order that was counted is in the log, all that is asked
is answered, and as it should be; all that happens reaches every subscriber or is seen to be missing. How fast is not looked at."""

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from story import check, same

ORDERS, SUBSCRIBERS, REPETITIONS = 2000, 3, 1


DRAWN = ["latencies.svg", "rates.svg", "threads.svg"]
SHORT = ["--repetitions", "1", "--seconds", "0.1", "--idle", "0.1", "--calm", "0"]


def of(*names):
    return [word for name in names for word in ("--scenario", name)]


def bench(*arguments):
    done = subprocess.run([os.path.join(ROOT, "scripts", "bench"), "--no-build", "--port", "0"] + list(arguments), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check("it ends well", done.returncode == 0, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def lines_of(lines, scenario, **wanted):
    return [line for line in lines if line.get("scenario") == scenario and all(line[key] == wanted[key] for key in wanted)]


# Events of an order's life; of a new log, and of a reseller's shop; their resellers where they are not 16.
OF_ORDER, OF_LOG, OF_SHOP = 7, 2, 4
RESELLERS = {"resellers-10000": 10000}
ORDERS_ONLY = ("lifecycle-1", "lifecycle-64", "lifecycle-1024", "lifecycle-4096", "views-off", "resellers-10000", "open-loop",
               "library", "arrays", "connections-64")
REFERENCES = ("echo-1", "echo-1024", "echo-4096", "echo-connections-64", "flush", "lmdb-1", "lmdb-100", "lmdb-1000", "sqlite-100")


def writes(lines):
    """Those that take turns; where no bound is asked for none is told as held."""
    same("the machine comes first", sorted(lines[0])[:3], ["clean", "commit", "cores"])
    for name in ORDERS_ONLY:
        line, = lines_of(lines, name)
        same("%s: the log has every order that was counted, and nothing else" % name, line["events"],
             OF_LOG + OF_SHOP * RESELLERS.get(name, 16) + OF_ORDER * line["completed"])
        same("none was refused", line["refused"], 0)
        difference = sum(line["threads_us"].values()) - line["engine_cpu_us"]
        check("threads take what the engine takes", abs(difference) < 0.1 + line["engine_cpu_us"] / 100, line)
    for name in ("core", "core-memory"):
        line, = lines_of(lines, name)
        check("%s works" % name, line["rate"] > 0 and line["cpu_us"] > 0, line)
    arrays, = lines_of(lines, "arrays")
    check("arrays are full", arrays["per_message"] > 2, arrays)
    for name in REFERENCES:
        line, = lines_of(lines, name)
        check("%s is measured, and what it lacks is said" % name, line["rate"] > 0 and line["lacks"] != "", line)
    judged = {(line["bound"], line["unit"]): line for line in lines if "bound" in line}
    same("what was measured is judged, and nothing else", [("arrays of 100", to) in judged for to in ("x echo", "x Redis 64x16")],
         [True, False])
    echo, = lines_of(lines, "echo-4096")
    bound = judged["arrays of 100", "x echo"]
    same("by the rates of the same repetition", (bound["figure"], bound["held"]),
         (round(arrays["rate"] / echo["rate"], 3), arrays["rate"] / echo["rate"] >= bound["least"]))


def drawn(place):
    """The same lines again, read from a file: tables and charts, and nothing is measured."""
    path, charts = os.path.join(place, "lines"), os.path.join(place, "charts")
    bench(*of("lifecycle-1024"), "--output", path, *SHORT)
    before = os.listdir(place)
    done = subprocess.run([os.path.join(ROOT, "scripts", "bench"), "--from", path, "--charts", charts, "--compare", path],
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    same("charts are drawn of what there is", (done.returncode, sorted(os.listdir(charts))), (0, DRAWN))
    ours = [e for e in xml.etree.ElementTree.parse(os.path.join(charts, "rates.svg")).iter() if e.get("class") == "ours"]
    same("with a bar for the scenario", len(ours), 1)
    check("and compared with itself nothing has changed", re.search(r"lifecycle-1024 +rate .* 1\.00\n", done.stderr), done.stderr)
    same("no lines come of it", (done.stdout, before), ("", ["lines"]))


def years(lines):
    large, = lines_of(lines, "scale-large")
    same("a hundredth, and all of it", [len(lines_of(lines, name)) for name in ("scale-empty", "scale-small")], [1, 1])
    same("the history has the orders that were asked for", large["orders"], ORDERS)
    for name in ("answer_s", "rows_events_s", "views_events_s", "verify_events_s", "rate", "rss_anon_mib"):
        check("%s is measured" % name, large[name] > 0, large)


def upkeep(lines):
    for scenario, of in (("restart", "answer_ms"), ("rebuild", "rows_events_s"), ("idle", "rss_anon_mib")):
        line, = lines_of(lines, scenario)
        check("%s is measured" % scenario, line[of] > 0, line)
    line, = lines_of(lines, "subscribers-1")
    same("what happened was delivered to one subscriber, or missed", line["delivered"] + line["missed"], line["happened"])


def reads(lines):
    for line in lines_of(lines, "reads"):
        same("%s: all that is asked is answered" % line["reader"], line["answered"], line["asked"])
        same("and nothing refused or wrong", (line["refused"], line["wrong"]), (0, 0))
        check("and something is asked", line["asked"] > 0)
    same("there is a line for each reader", len(lines_of(lines, "reads")), 8)


def rest(lines):
    line, = lines_of(lines, "projector")
    check("the projector shows events", line["events_working_s"] > 0)
    same("in the end all", line["left"], 0)
    for line in lines_of(lines, "replay"):
        check("%s: all events are replayed" % line["by"], line["events"] >= line["wanted_events"] > 4 * ORDERS, line)
    same("in two ways", len(lines_of(lines, "replay")), 2)
    for line in lines_of(lines, "fanout"):
        same("%s: what happened was delivered, or missed and seen so" % line["scope"], line["delivered"] + line["missed"],
             line["happened"])
        check("once", line["twice"] == 0 and line["delivered"] > 0, line)
    same("in two scopes", [line["subscribers"] for line in lines_of(lines, "fanout")], [SUBSCRIBERS] * 2)
    same("memory is told as the log grows", [line["orders"] for line in lines_of(lines, "memory")],
         [ORDERS // 20, ORDERS // 4, ORDERS])


def main():
    writes(bench(*of(*ORDERS_ONLY, *REFERENCES, "core", "core-memory"), *SHORT))
    upkeep(bench(*of("restart", "rebuild", "idle", "subscribers-1"), *SHORT))
    with tempfile.TemporaryDirectory(prefix="pedido-smoke-") as place:
        drawn(place)
    years(bench("--scale", "--orders", str(ORDERS), "--resellers", "20", "--years", "1", *SHORT))
    with tempfile.TemporaryDirectory(prefix="pedido-smoke-") as place:
        kept = os.path.join(place, "kept")
        common = ["--orders", str(ORDERS), "--keep", kept, "--repetitions", str(REPETITIONS), "--seconds", "0.2", "--calm", "0"]
        reads(bench("--scenario", "reads", *common))
        rest(bench(*of("projector", "replay", "fanout", "memory"), "--subscribers", str(SUBSCRIBERS), *common))
        same("only the log is left", sorted(os.listdir(kept)), ["data", "filled.json"])


main()

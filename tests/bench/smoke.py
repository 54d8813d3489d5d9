#!/usr/bin/python3
"""Each scenario of scripts/bench that reads runs, and counts right: all that is asked is answered, and as it should be; all that
happens reaches every subscriber or is seen to be missing. How fast is not looked at."""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from story import check, same

ORDERS, SUBSCRIBERS, REPETITIONS = 2000, 3, 1


def bench(*arguments):
    done = subprocess.run([os.path.join(ROOT, "scripts", "bench"), "--no-build", "--port", "0"] + list(arguments), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check("it ends well", done.returncode == 0, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def lines_of(lines, scenario, **wanted):
    return [line for line in lines if line["scenario"] == scenario and all(line[key] == wanted[key] for key in wanted)]


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
    with tempfile.TemporaryDirectory(prefix="pedido-smoke-") as place:
        kept = os.path.join(place, "kept")
        common = ["--orders", str(ORDERS), "--keep", kept, "--repetitions", str(REPETITIONS), "--seconds", "0.2", "--calm", "0"]
        reads(bench("--scenario", "reads", *common))
        rest(bench(*[word for name in ("projector", "replay", "fanout", "memory") for word in ("--scenario", name)],
                   "--subscribers", str(SUBSCRIBERS), *common))
        same("only the log is left", sorted(os.listdir(kept)), ["data", "filled.json"])


main()

#!/usr/bin/python3
"""fuzz - the fuzzers that CMakeLists.txt lists, from inputs that corpus.py makes of the schema.

clang builds them with its sanitizers in --build (build/fuzz), where what they find is kept: corpus/ for inputs that reach new code,
found/ for those that break something. --seconds are shared by all, --count is of executions of each, --from is libFuzzer's seed.
Each finding is printed with the command that shows it again. The last line is `fuzz: N done, V violations`.
"""

import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import campaign
import corpus

LONGEST = {"calendar": 128, "domain_name": 300, "scan": 1024, "contexts": 1024}
JOBS = os.cpu_count() or 1


def parser(page):
    """A campaign's, and where the fuzzers are built."""
    found = campaign.parser(page, 60)
    found.add_argument("--build", default=os.path.join(campaign.ROOT, "build", "fuzz"), metavar="DIR",
                       help="where the fuzzers are built")
    return found


def build(place):
    """The fuzzers and the programs, as `cmake --preset fuzz` makes them; what is built already is left."""
    log = os.path.join(place, "build.log")
    os.makedirs(place, exist_ok=True)
    with open(log, "wb") as out:
        for line in (["cmake", "--preset", "fuzz", "-B", place], ["cmake", "--build", place, "--target", "fuzzers"]):
            done = subprocess.run(line, cwd=campaign.ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            if done.returncode != 0:
                sys.exit("the fuzzers could not be built: %s" % log)


def run(name, place, seconds, options):
    """One fuzzer: (executions, inputs that broke something, what it said)."""
    found = os.path.join(place, "found")
    os.makedirs(found, exist_ok=True)
    before = set(glob.glob(os.path.join(found, "*")))
    line = [os.path.join(place, "fuzzers", "fuzz_" + name), "-dict=" + os.path.join(place, "corpus", "dictionary"),
            "-max_total_time=%d" % max(1, seconds), "-seed=%d" % (options.first + 1), "-max_len=%d" % LONGEST.get(name, 4096),
            "-timeout=10", "-rss_limit_mb=1024", "-close_fd_mask=3", "-print_final_stats=1",
            "-artifact_prefix=%s/%s-" % (found, name)]
    line += ["-runs=%d" % options.count] if options.count else []
    done = subprocess.run(line + [os.path.join(place, "corpus", name)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, cwd=place)
    said = done.stdout.decode(errors="replace")
    counts = re.findall(r"(?:number_of_executed_units:\s*|^#)(\d+)", said, re.M)
    new = sorted(set(glob.glob(os.path.join(found, "*"))) - before) if done.returncode != 0 else []
    if done.returncode != 0 and not new:
        new = ["# exit status %d without an input" % done.returncode]
    return max(map(int, counts), default=0), new, said[max(0, said.find("ERROR") - 400):][:4000]


def main():
    asked = parser(__doc__)
    asked.add_argument("--only", action="append", choices=corpus.targets(), help="only this one, and others that are named so")
    options = asked.parse_args()
    place = options.build = os.path.abspath(options.build)
    build(place)
    corpus.make(os.path.join(place, "corpus"))
    names, figures = options.only or corpus.targets(), campaign.Figures(options, "fuzz")
    jobs = min(JOBS, len(names))
    share = options.seconds * jobs / len(names) - 0.5  # to start, and read its inputs, takes each a moment

    def one(name):
        begun = time.monotonic()
        return name, run(name, place, round(share), options), time.monotonic() - begun

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, (count, found, said), seconds in pool.map(one, names):
            print("%-12s %10d runs, %5.1f s" % (name, count, seconds), flush=True)
            for path in found:
                figures.violation("%s\n%s" % (name, said), "%s/fuzzers/fuzz_%s %s" % (place, name, path))
            figures.done += count
            figures.note("fuzz/" + name, options.first, options.first, count, len(found), seconds)
    figures.end()


if __name__ == "__main__":
    main()

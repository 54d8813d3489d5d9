#!/usr/bin/python3
"""refusals_reached FILE... - prints each refusal of errors.def with the tests that reached it; fails when one has none.

The files hold lines "code test", as the tests wrote them in this run. What only a test that could not run here would have
reached is said, and no failure."""

import collections
import os
import sys

import reached
import schema_rows

SHOWN = 3


def read(paths):
    """Tests by code."""
    found = collections.defaultdict(list)
    for path in paths:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            for line in file:
                code, test = line.split()
                if test not in found[code]:
                    found[code].append(test)
    return found


def main():
    found, missing = read(sys.argv[1:]), []
    codes = [error.code for error in schema_rows.errors()]
    print("refusals, and the tests that reach them")
    for code in codes:
        tests = found.get(code, [])
        more = " and %d more" % (len(tests) - SHOWN) if len(tests) > SHOWN else ""
        print("  %-24s %3d  %s%s" % (code, len(tests), " ".join(tests[:SHOWN]) if tests else "NONE", more))
        if not tests:
            missing.append(code)
    unknown = sorted(set(found) - set(codes) - {reached.NOT_RUN})
    if unknown:
        sys.exit("answered, and not in errors.def: " + " ".join(unknown))
    if missing and found.get(reached.NOT_RUN):
        print("not run here: " + " ".join(found[reached.NOT_RUN]))
    elif missing:
        sys.exit("FAILED: no test reaches " + " ".join(missing))


main()

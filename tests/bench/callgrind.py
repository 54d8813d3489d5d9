"""callgrind - valgrind's callgrind around an engine: instructions, by thread and by library."""

import collections
import os
import re
import shutil
import subprocess


def line(place):
    """What stands before the program."""
    if shutil.which("valgrind") is None:
        raise RuntimeError("valgrind is not installed; scripts/deps --references")
    return ["valgrind", "--tool=callgrind", "--separate-threads=yes", "-q",
            "--callgrind-out-file=%s" % os.path.join(place, "out")]


def control(what, pid):
    subprocess.run(["callgrind_control", what, str(pid)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=120)


def own_costs(path):
    """Instructions by object: what functions cost by themselves. A line behind `calls=` is what was called, and counted there."""
    names, costs, here, called = {}, collections.Counter(), None, False
    with open(path) as file:
        for text in file:
            match = re.match(r"ob=\((\d+)\)(?: (.*))?$", text)
            if match is not None:
                names.setdefault(match.group(1), match.group(2))
                here = names[match.group(1)]
            elif text.startswith("calls="):
                called = True
            elif text[:1] in "0123456789+-*" and here is not None:
                if not called:
                    costs[here] += int(text.split()[1])
                called = False
            elif text.startswith("cob="):
                match = re.match(r"cob=\((\d+)\)(?: (.*))?$", text)
                names.setdefault(match.group(1), match.group(2))
    return costs


def read(place, commands):
    """Instructions per command: in all, of each thread, in each library. A dump has a file for each thread."""
    by_thread, by_object = collections.Counter(), collections.Counter()
    for name in os.listdir(place):
        match = re.fullmatch(r"out\.1-(\d+)", name)
        if match is None:
            continue
        costs = own_costs(os.path.join(place, name))
        by_thread["thread_%d" % int(match.group(1))] += sum(costs.values())
        for path, cost in costs.items():
            by_object[os.path.basename(path).split(".so")[0]] += cost
    found = {"instructions": round(sum(by_thread.values()) / commands)}
    for name, cost in list(by_thread.items()) + by_object.most_common():
        if cost / commands >= 1:
            found["in_" + name] = round(cost / commands)
    return found

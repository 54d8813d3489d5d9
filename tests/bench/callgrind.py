"""callgrind - valgrind's callgrind around an engine: instructions, by thread and by library."""

import collections
import os
import re
import shutil
import subprocess

LEAST = 10  # of a command: what has fewer is left out
FUNCTIONS = 30


def line(place):
    """What stands before the program."""
    if shutil.which("valgrind") is None:
        raise RuntimeError("valgrind is not installed; scripts/deps --references")
    return ["valgrind", "--tool=callgrind", "--separate-threads=yes", "-q",
            "--callgrind-out-file=%s" % os.path.join(place, "out")]


def control(what, pid):
    subprocess.run(["callgrind_control", what, str(pid)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=120)


def threads(pid):
    """Names, as the program gave them, in the order in which callgrind counts threads; the first is the net thread."""
    names = []
    for task in sorted(os.listdir("/proc/%d/task" % pid), key=int):
        with open("/proc/%d/task/%s/comm" % (pid, task)) as file:
            names.append(file.read().strip().rsplit("/", 1)[0].lower().replace("/", "_"))
    return ["net"] + names[1:]


def own_costs(path):
    """Instructions by (library, function): what functions cost by themselves. A name stands where its number comes first. The line
    behind `calls=` is what was called, and counted there."""
    names, costs, here, called = {}, collections.Counter(), {}, False
    with open(path) as file:
        for text in file:
            match = re.match(r"(c?)(ob|fn)=\((\d+)\)(?: (.*))?$", text)
            if match is not None:
                callee, kind, number, name = match.groups()
                if name is not None:
                    names[kind, number] = name
                if not callee:
                    here[kind] = names[kind, number]
            elif text.startswith("calls="):
                called = True
            elif text[:1] in "0123456789+-*" and here:
                if not called:
                    costs[os.path.basename(here["ob"]).split(".so")[0], here["fn"].split("'")[0]] += int(text.split()[1])
                called = False
    return costs


def read(place, commands, names):
    """Instructions per command: in all, of each thread, in each library, and by the functions that cost most. A dump has a file for
    each thread."""
    by_thread, by_library, by_function = collections.Counter(), collections.Counter(), collections.Counter()
    for name in os.listdir(place):
        match = re.fullmatch(r"out\.1-(\d+)", name)
        if match is None:
            continue
        costs = own_costs(os.path.join(place, name))
        by_thread["thread_" + names[int(match.group(1)) - 1]] += sum(costs.values())
        for (library, function), cost in costs.items():
            by_library[library] += cost
            by_function[function] += cost
    found = {"instructions": round(sum(by_thread.values()) / commands), "commands": commands}
    for name, cost in by_thread.most_common() + [("in_" + name, cost) for name, cost in by_library.most_common()]:
        if cost / commands >= LEAST:
            found[name] = round(cost / commands)
    found["functions"] = {name: round(cost / commands) for name, cost in by_function.most_common(FUNCTIONS)}
    return found

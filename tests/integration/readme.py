#!/usr/bin/python3
"""The README is true: its walk gives what is printed, in as many commands as it says, and its clients in Python and C work as they
stand there (readme_node has the third).
The protocol's page names every refusal."""

import os
import re
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import installed
import schema_rows
from readme_page import PORT, blocks, count, page, run_client
from story import check, same, say

# What differs each time: ids that are made anew, and times.
CHANGING = ((r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME"))


def protocol_page():
    text = page("proto", "README.md")
    lacks = [e.code for e in schema_rows.errors() if "| %s |" % e.kind not in text or "`%s`" % e.code not in text]
    check("every refusal and its class stand in the protocol's page", not lacks, lacks)


def commands(block):
    """(command, the lines that are printed behind it) for each of a console block."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def settled(text):
    for pattern, name in CHANGING:
        text = re.sub(pattern, name, text)
    return text


def is_as_printed(printed, got):
    """`...` stands for any lines."""
    parts = [re.escape(settled(part)) for part in re.split(r"^\.\.\.\n", "".join(line + "\n" for line in printed), flags=re.M)]
    return re.fullmatch("(?:.*\n)*".join(parts), settled(got)) is not None


def start_worker(text, engine):
    """By its own line. The engine runs already: another one keeps its things where the README says."""
    path, pedidod, worker = [command for command, _ in commands(blocks(text, "console")[0])]
    same("the programs' place", path, "PATH=$PWD/build/release/bin:$PATH")
    same("the engine's line", shlex.split(pedidod)[:3], ["pedidod", "--data", "/tmp/pedido-data"])
    subprocess.run(["sh", "-e", "-c", blocks(text, "sh")[0]], cwd=engine.place, check=True, timeout=10)
    words = [word for word in shlex.split(worker) if word != "&"]
    return daemon.spawn(words, cwd=engine.place, env=engine.environment(), stderr=subprocess.DEVNULL)


def walk(text, engine):
    for number, block in enumerate(blocks(text, "console")[1:]):
        steps = commands(block)
        if number == 0:
            check("at most six commands to a completed order", len(steps) <= 6 and "Order 1   Completed" in block, len(steps))
        for command, printed in steps:
            done = subprocess.run(["bash", "-c", command], cwd=daemon.ROOT, env=engine.environment(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
            check("$ " + command, done.returncode == 0 and is_as_printed(printed, done.stdout.decode()), done.stdout.decode())


def python_client(text, engine):
    code = blocks(text, "python")[0]
    out = run_client("Python", code, engine, "/usr/bin/python3", "-c", code.replace(PORT, engine.endpoint))
    check("both commands are accepted", out.count("'ok': True") == 2, out)
    return count(code)


def c_client(text, engine):
    code = blocks(text, "c")[0]
    with open(os.path.join(engine.place, "order.c"), "w") as file:
        file.write(code.replace("NULL, &client", '&(struct pd_client_options){.endpoint = "%s"}, &client' % engine.endpoint))
    program = installed.by_pkg_config(installed.install(engine.place), engine.place, "order.c")
    same("C: the order is accepted", run_client("C", code, engine, program), "added\n")
    return count(code)


def main():
    protocol_page()
    text = page("README.md")
    with daemon.Engine() as engine:
        worker = start_worker(text, engine)
        walk(text, engine)
        lines = {"Python": python_client(text, engine), "C": c_client(text, engine)}
        check("ten lines each", max(lines.values()) <= 10, lines)
        same("each has added its order", [o["customer"] for o in engine.client().rows("ListOrders", "orders")],
             ["lopez"] + ["ana"] * len(lines))
        same("the worker ends with 0", daemon.end(worker), 0)
        say("%s" % lines)


main()

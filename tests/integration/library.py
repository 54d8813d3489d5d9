#!/usr/bin/python3
"""An installed copy needs nothing else: moved to another place it is compiled against, with pkg-config and with CMake, and the
programs run. Calls that were under way when the engine was killed are done once."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import installed
import shop
from installed import PLAIN, SANITIZE, by_pkg_config, must, run
from story import check, eventually, same, say

CONSUMERS = os.path.join(daemon.ROOT, "tests", "consumers")


def install(place):
    """The prefix, which is not where it was installed."""
    first, prefix = installed.install(place, "first"), os.path.join(place, "prefix")
    os.rename(first, prefix)
    for name in ("bin/pedidod", "bin/pedido", "bin/pedido-worker", "lib/libpedido.so"):
        check(name + " is there", os.path.exists(os.path.join(prefix, name)))
    telling = []
    for path, _, names in os.walk(prefix):
        for name in names:
            if name.endswith((".h", ".def", ".cmake", ".pc")):
                with open(os.path.join(path, name), encoding="utf-8") as file:
                    text = file.read()
                telling += [name for word in (daemon.ROOT, first, '"proto/') if word in text]
    same("no file of it names the tree or the place it was installed to", telling, [])
    return prefix


def headers(prefix):
    """Every header stands alone, in C and in C++."""
    folder = os.path.join(prefix, "include", "pedido")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".h"))
    same("every public header is installed", names, sorted(os.listdir(os.path.join(daemon.ROOT, "include", "pedido"))))
    for name in names:
        for language in (["cc", "-x", "c", "-std=c11", "-Wpedantic"], ["clang", "-x", "c++"]):
            code, _, err = run(language + ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", os.path.dirname(folder), "-"],
                               given="#include <pedido/%s>\n" % name)
            check("%s compiles alone as %s" % (name, language[2]), code == 0, err)


def by_cmake(prefix, place):
    flags = ["-DCMAKE_C_FLAGS=-Wall -Wextra -Werror " + " ".join(SANITIZE)]
    must("CMake finds it", ["cmake", "-G", "Ninja", "-S", place, "-B", os.path.join(place, "build"),
                            "-DCMAKE_PREFIX_PATH=" + prefix] + flags)
    must("and builds with it", ["cmake", "--build", os.path.join(place, "build")])
    return [os.path.join(place, "build", name) for name in ("many-orders", "watch-events")]


def on_the_page(engine, prefix, place):
    """Every whole program of the library's page, as it stands there; only the endpoint is another."""
    with open(os.path.join(daemon.ROOT, "clients", "lib", "README.md"), encoding="utf-8") as file:
        programs = [code for code in re.findall(r"```c\n(.*?)```", file.read(), re.S) if "main(" in code]
    printed = ["accepted\n", "first: added\nsecond: added\n", "the engine is heard\n"]
    same("programs on the page", len(programs), len(printed))
    for number, code in enumerate(programs):
        ours = code.replace("NULL, &client", '&(struct pd_client_options){.endpoint = "%s"}, &client' % engine.endpoint)
        check("program %d is for the default endpoint" % (number + 1), ours != code)
        source = "page-%d.c" % number
        with open(os.path.join(place, source), "w", encoding="utf-8") as file:
            file.write(ours)
        same("and runs", run([by_pkg_config(prefix, place, source)]), (0, printed[number], ""))


def watch(engine, client, program, place):
    path = os.path.join(place, "watched")
    with open(path, "w") as out:
        watcher = daemon.spawn([program, engine.endpoint, "default"], stdout=out, env=PLAIN)

    def seen():
        with open(path) as lines:
            return lines.read().splitlines()
    head = eventually("a heartbeat is heard", seen)[0]
    check("with its position", re.fullmatch(r"listening, at position \d+", head), head)
    order = shop.walk_to_open(client, shop.item("care"))
    same("it ends when an order is completed", watcher.wait(20), 0)
    begun = int(head.split()[-1])
    wanted = ["%d: %s" % (e["position"], e["type"]) for e in client.log() if e["position"] > begun]
    wanted = [line + ", order %d of lopez" % order if line.endswith("OrderAdded") else line for line in wanted]
    told = [line for line in seen() if not line.startswith("listening")]
    same("and has shown every event of it", told, wanted[:len(told)])
    check("the last one is that", told[-1].endswith(": OrderCompleted"), told)


def kill_amid(engine, client, program, count=60000):
    before = sum(e["type"] == "OrderAdded" for e in client.log())
    running = daemon.spawn([program, engine.endpoint, "lopez", "care", str(count)], stdout=subprocess.PIPE, env=PLAIN, text=True)
    eventually("orders come in", lambda: client.ask("Health")["position"] > 200 + before, every=0.01)
    engine.kill()
    check("amid them the engine is killed", running.poll() is None)
    engine.start()
    out, _ = running.communicate(timeout=60)
    same("every call was answered all the same", (running.returncode, out), (0, "%d orders, 0 failed\n" % count))
    with engine.client() as again:
        added = [e["command"] for e in again.log() if e["type"] == "OrderAdded"]
    same("and each order made once", (len(added) - before, len(set(added))), (count, len(added)))


def main():
    place = daemon.directory()
    prefix = install(place)
    headers(prefix)
    sources = os.path.join(place, "sources")
    shutil.copytree(CONSUMERS, sources)
    order = by_pkg_config(prefix, sources, "place-order.c")
    many, watcher = by_cmake(prefix, sources)
    daemon.BIN = os.path.join(prefix, "bin")  # the installed engine, too
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        on_the_page(engine, prefix, sources)
        same("an order is placed", run([order, engine.endpoint, "lopez", "care"]), (0, "order 2: 9900 in minor units of EUR\n", ""))
        code, out, err = run([order, engine.endpoint, "lopez", "nothing"])
        same("a refusal says its sentence", (code, out, err),
             (1, "", "There is no plan as in items[0].plan. ListPlans shows what can be ordered.\n"))
        code, out, err = run([many, engine.endpoint, "nobody", "care", "3"])
        same("asynchronous calls are refused one by one", (code, out), (1, "0 orders, 3 failed\n"))
        check("in words", err.startswith("There is no such customer."), err)
        watch(engine, client, watcher, place)
        kill_amid(engine, client, many)
        same("the installed command line runs", engine.pedido("ping")[0], 0)
    say("the installed copy is whole")


main()

#!/usr/bin/python3
"""The worked example of engine/README.md, applied to a copy of the tree as it is printed, makes a command that stories, queries,
`pedido send`, documents and vectors know, and an engine that takes a directory of the one before."""

import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "lint")]
import daemon
import lint
from story import check, same

PAGE = "engine/README.md"
STORY = "tests/scenarios/customer-language.txt"
# Where a block goes: in a file before the one line that holds these words, at its end, or as a new one.
EDIT = re.compile(r"(?:[Ii]n\s+`([^`]+)`,\s+before\s+`([^`]+)`|[Aa]t\s+the\s+end\s+of\s+`([^`]+)`|"
                  r"[Aa]s\s+the\s+new\s+file\s+`([^`]+)`):\n\n```\w*\n(.*?)```", re.S)


def apply(page, place):
    """Every block of the page that says where it goes; how many there were."""
    edits = EDIT.findall(page)
    for path, words, longer, new, block in edits:
        anchor = " ".join(words.split())
        if new:
            text = block
        elif longer:
            text = read(place, longer) + block
        else:
            lines = read(place, path).splitlines(True)
            found = [n for n, line in enumerate(lines) if anchor in line]
            same("one line of %s holds %s" % (path, anchor), len(found), 1)
            text = "".join(lines[:found[0]]) + block + "".join(lines[found[0]:])
        with open(os.path.join(place, path or longer or new), "w", encoding="utf-8") as file:
            file.write(text)
    return len(edits)


def read(place, path):
    with open(os.path.join(place, path), encoding="utf-8") as file:
        return file.read()


def copy(place):
    for path in lint.files():
        target = os.path.join(place, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.join(lint.ROOT, path), target)


def run(place, *line, **more):
    # What the copy's stories hear is not this one's to say.
    environment = {name: value for name, value in os.environ.items() if name != "PD_COVERAGE"}
    done = subprocess.run(line, cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(environment, **more), timeout=280)
    said = done.stdout.decode(errors="replace")
    check(" ".join(line[:4]), done.returncode == 0, said[-3000:])
    return said


def build(place):
    """Without optimising: it is to be quick."""
    build_dir = os.path.join(place, "build")
    run(place, "cmake", "-S", ".", "-B", build_dir, "-G", "Ninja", "-DCMAKE_C_FLAGS=-O0", "-DPD_WERROR=ON")
    targets = ["pedidod", "pedido", "scenarios", "pd_domain", "test_unit_codec"]
    run(place, "cmake", "--build", build_dir, "-j", "2", "--target", *targets)
    return build_dir


def shell(engine, *words):
    code, out, err = engine.pedido(*words, "--json")
    same("pedido " + " ".join(words), (code, err if code else ""), (0, ""))
    return json.loads(out)


def before(engine):
    """The engine as it is makes a directory, and does not know the command."""
    engine.start()
    for customer, name in (("lopez", "Panadería López"), ("nunez", "Café Núñez")):
        shell(engine, "customer", "put", customer, name)
    code, _, said = engine.pedido("send", "SetCustomerLanguage", "customer=lopez", "language=es")
    check("the engine as it is does not know the command", code != 0, said)
    engine.stop()


def after(engine):
    """The new one takes the directory, and the command."""
    engine.start()
    shell(engine, "send", "SetCustomerLanguage", "customer=lopez", "language=es")
    customer = shell(engine, "customer", "show", "lopez")["customer"]
    same("the customer has a language", (customer["name"], customer["language"], customer["version"]), ("Panadería López", "es", 2))
    event = engine.client().log()[-1]
    same("and the log says so", (event["type"], event["data"]), ("CustomerLanguageSet", {"customer": "lopez", "language": "es"}))
    check("a row that lacks the field is one without it", "language" not in shell(engine, "customer", "show", "nunez")["customer"])
    engine.restart()
    same("and after a kill", shell(engine, "customer", "show", "lopez")["customer"]["language"], "es")
    same("it ends well", engine.stop(), 0)
    for verb in ("rebuild", "verify"):
        code, said = engine.offline(verb)
        check("pedidod %s finds every row as the log says" % verb, code == 0, said)


def main():
    page = lint.read(PAGE)
    place, engine = daemon.directory(), daemon.Engine()
    before(engine)
    copy(place)
    blocks = len(re.findall(r"^```(?!sh)[^\n]*\n.*?^```", page, re.S | re.M))
    same("every block of the page that is no shell's is an edit", apply(page, place), blocks)
    build_dir = build(place)
    run(place, "scripts/regen", PEDIDO_BUILD=build_dir)
    for path in ("proto/MESSAGES.md", "proto/schema.lock", "proto/vectors/vectors.jsonl"):
        check("%s tells of it" % path, "SetCustomerLanguage" in read(place, path) and "SetCustomerLanguage" not in lint.read(path))
    run(place, os.path.join(build_dir, "bin", "scenarios"), STORY)
    tests = "^scenarios/customer-|^unit/codec$|^lint/(purity|includes|lengths|printed_schema|sources|translations)$"
    run(place, "ctest", "--test-dir", build_dir, "-R", tests, "--output-on-failure", "--no-tests=error")
    daemon.BIN = os.path.join(build_dir, "bin")
    run(place, "/usr/bin/python3", "-B", "tests/integration/ids.py", PEDIDO_BIN=daemon.BIN)
    after(engine)


main()

#!/usr/bin/python3
"""python_client PEDIDO - the messages of the Python client are what the compiled tables say, and its version is the engine's."""

import os
import re
import subprocess
import sys

import lint

FOLDER = "clients/python"
sys.path.insert(0, os.path.join(lint.ROOT, FOLDER))
import generate

WRITTEN = {"pedido/messages.py": generate.messages, "pedido/calls.py": generate.calls}


def stale(kinds, kept):
    for path, text in WRITTEN.items():
        if text(kinds) != kept[path]:
            yield "%s/%s is stale; run scripts/regen" % (FOLDER, path)


def other_version(said, kept):
    for path, form in (("pyproject.toml", r'^version = "(.*)"$'), ("pedido/__init__.py", r'^__version__ = "(.*)"$')):
        found = re.search(form, kept[path], re.M)
        if found is None or found.group(1) not in said.split():
            yield "%s/%s: its version is not that of \"%s\"" % (FOLDER, path, said.strip())


def main():
    pedido = sys.argv[1]
    kinds = generate.read(pedido)
    said = subprocess.run([pedido, "--version"], check=True, capture_output=True, text=True).stdout
    kept = {path: lint.read("%s/%s" % (FOLDER, path)) for path in [*WRITTEN, "pyproject.toml", "pedido/__init__.py"]}
    more = dict(kinds, command=kinds["command"] + [dict(kinds["command"][1], name="new_one", type="NewOne")])
    other = dict(kinds, enum=[dict(kinds["enum"][0], values=[])] + kinds["enum"][1:])
    lint.run(lambda: [*stale(kinds, kept), *other_version(said, kept)], {
        "a command that is new": stale(more, kept),
        "an enumerator that is gone": stale(other, kept),
        "another version": other_version("pedido 9.9.9", kept),
    })


if __name__ == "__main__":
    main()

"""readme_page - what stands in the README, to be run as it is printed."""

import os
import re
import subprocess

import daemon
from story import check

PORT = "tcp://127.0.0.1:7411"


def page(*path):
    with open(os.path.join(daemon.ROOT, *path), encoding="utf-8") as file:
        return file.read()


def blocks(text, language):
    return re.findall(r"```%s\n(.*?)```" % language, text, re.S)


def run_client(what, code, engine, *line, **more):
    """One of the clients, at this engine's endpoint; what it printed."""
    check("%s: the usual endpoint stands in it" % what, PORT in code or "NULL" in code, code)
    done = subprocess.run([*line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **more)
    check("%s: it ends well" % what, done.returncode == 0, done.stderr.decode())
    return done.stdout.decode()


def count(code):
    """Lines that say something."""
    return len([line for line in code.splitlines() if line.strip(" {}") and not line.startswith(("#include", "int main"))])

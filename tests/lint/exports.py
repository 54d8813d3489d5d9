#!/usr/bin/python3
"""exports LIBRARY CC - the shared library exports what the public headers declare with PD_API, all of it and nothing else, each
under its version, and knows no library but those it is made of."""

import os
import re
import subprocess
import sys
import tempfile

import lint

VERSION, SONAME = "PEDIDO_0.1", "libpedido.so.0"
NEEDED = {"libc.so.6", "libzmq.so.5", "libmsgpackc.so.2"}
SANITIZERS = re.compile(r"lib(a|ub|t)san\.so\.\d+|libm\.so\.6|libgcc_s\.so\.1|ld-linux-.*")


def tell(*line):
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def declared(text):
    """Names of the functions that a header declares with PD_API."""
    return set(re.findall(r"^PD_API\s[^;(]*?\*?(\w+)\(", text, re.M))


def exported(binary):
    """Name and version of each symbol that others may use."""
    names = [line.split()[-1] for line in tell("nm", "-D", "--with-symbol-versions", "--defined-only", binary).splitlines()]
    return {tuple(re.split("@+", name + "@")[:2]) for name in names if name != VERSION}


def complaints(binary, wanted):
    found = exported(binary)
    for name, version in sorted(found):
        if not name.startswith("pd_"):
            yield "%s is exported, and is none of ours" % name
        if name not in wanted:
            yield "%s is exported, and no header declares it" % name
        if version != VERSION:
            yield "%s has the version \"%s\"" % (name, version)
    for name in sorted(wanted - {name for name, _ in found}):
        yield "%s is declared, and not exported" % name


def links(binary):
    dynamic = tell("readelf", "-d", binary)
    if "soname: [%s]" % SONAME not in dynamic:
        yield "the SONAME is not %s" % SONAME
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "it has a path of this machine"
    for name in re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic):
        if name not in NEEDED and not SANITIZERS.fullmatch(name):
            yield "it needs %s" % name


def canary(compiler, source, *flags):
    with tempfile.TemporaryDirectory() as folder:
        binary, script = os.path.join(folder, "canary.so"), os.path.join(folder, "map")
        with open(script, "w", encoding="utf-8") as file:
            file.write(VERSION + " { global: *; };\n")
        flags = flags or ("-Wl,--version-script=" + script,)
        subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-o", binary, "-"] + list(flags), input=source, text=True,
                       check=True)
        yield from complaints(binary, {"pd_known"})


def main():
    library, compiler = sys.argv[1:3]
    wanted = set().union(*(declared(lint.read(path)) for path in lint.files(".h", folders=("include",))))

    def check():
        if len(wanted) < 10:
            yield "the headers declare %d functions; are they read rightly?" % len(wanted)
        yield from complaints(library, wanted)
        yield from links(library)

    lint.run(check, {
        "a name that is not ours": canary(compiler, "void pd_known(void) {} void mp_parse(void) {}"),
        "a name that no header declares": canary(compiler, "void pd_known(void) {} void pd_hidden(void) {}"),
        "a function that is missing": canary(compiler, "int unused;", "-fvisibility=hidden"),
        "a name without version": canary(compiler, "void pd_known(void) {}", "-O0"),
        "another SONAME": links("/bin/sh"),
    })


if __name__ == "__main__":
    main()

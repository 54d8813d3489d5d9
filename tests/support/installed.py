"""installed - a copy of the programs and the library as `cmake --install` makes it, and programs compiled against it."""

import os
import subprocess

import daemon
from story import check

BUILD = os.path.dirname(daemon.BIN)
SANITIZE = ["-fsanitize=" + os.environ["PD_SANITIZE"]] if os.environ.get("PD_SANITIZE") else []
KEPT = ("PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
PLAIN = {key: value for key, value in os.environ.items() if key in KEPT}


def run(line, timeout=120, **options):
    """(exit status, stdout, stderr), in an environment that knows nothing of the tree."""
    done = subprocess.run(line, input=options.pop("given", ""), capture_output=True, text=True, timeout=timeout,
                          env=dict(PLAIN, **options.pop("more", {})), **options)
    return done.returncode, done.stdout, done.stderr


def must(what, line, **options):
    code, out, err = run(line, **options)
    check(what, code == 0, (line, out[-2000:], err[-2000:]))
    return out


def install(place, name="prefix"):
    """Into a private place; the prefix."""
    prefix = os.path.join(place, name)
    must("it is installed", ["cmake", "--install", BUILD, "--prefix", prefix])
    return prefix


def by_pkg_config(prefix, place, source):
    """Compiles one file as its reader would."""
    found = {"PKG_CONFIG_PATH": os.path.join(prefix, "lib", "pkgconfig")}
    flags = must("pkg-config knows it", ["pkg-config", "--cflags", "--libs", "pedido"], more=found).split()
    program = os.path.join(place, os.path.splitext(source)[0])
    must(source + " compiles", ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror"] + SANITIZE + [source, "-o", program] + flags +
         ["-Wl,-rpath," + os.path.join(prefix, "lib")], cwd=place)
    return program

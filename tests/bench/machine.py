"""machine - the first line of a run: on what it was measured. No names of machines or people, no paths."""

import datetime
import glob
import os
import platform
import subprocess
import tempfile

LIBRARIES = ("libzmq", "lmdb", "msgpack", "libsodium", "nettle", "libxxhash")


def told(*line):
    """The first line that a program prints; None when it cannot."""
    try:
        done = subprocess.run(line, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def field(path, key):
    with open(path) as file:
        found = [line.split(":", 1)[1].strip() for line in file if line.startswith(key)]
    return found[0] if found else "unknown"


def mount_of(path):
    """(file system, major:minor) of the mount that a path is in."""
    path, best = os.path.realpath(path), ("", "unknown", "")
    with open("/proc/self/mountinfo") as file:
        for line in file:
            before, after = line.split(" - ", 1)
            point = before.split()[4]
            if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
                best = (point, after.split()[0], before.split()[2])
    return best[1:]


def journal(kind, device):
    """yes, no or unknown: a commit costs more where there is one."""
    name = os.path.basename(os.path.realpath("/sys/dev/block/%s" % device))
    if kind == "ext4" and os.path.exists("/proc/fs/ext4/%s" % name):
        return "yes" if glob.glob("/proc/fs/jbd2/%s-*" % name) else "no"
    return {"xfs": "yes", "tmpfs": "no"}.get(kind, "unknown")


def commit(root):
    """The commit that is measured, and whether the tree is as it was committed."""
    changes = told("git", "-C", root, "status", "--porcelain", "--untracked-files=no")
    return {"commit": told("git", "-C", root, "rev-parse", "--short=12", "HEAD") or "unknown",
            "clean": None if changes is None else changes == ""}


def line(root):
    kind, device = mount_of(tempfile.gettempdir())
    kib = int(field("/proc/meminfo", "MemTotal").split()[0])
    return dict({"machine": field("/proc/cpuinfo", "model name"), "cores": len(os.sched_getaffinity(0)),
                 "memory_gib": round(kib / 2**20, 1), "system": "%s %s" % (platform.system(), platform.release()),
                 "libraries": {name: told("pkg-config", "--modversion", name) for name in LIBRARIES},
                 "file_system": kind, "journal": journal(kind, device),
                 "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}, **commit(root))

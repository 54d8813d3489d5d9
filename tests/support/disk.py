"""disk - a small file system that fills up. Needs root; else the story is skipped."""

import os
import subprocess

import daemon
from pedido_raw import request
from story import check, say, skip


def mount(place, size_mb):
    os.makedirs(place)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % size_mb, "pedido-test", place],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        skip("no small file system can be mounted here: " + done.stdout.decode(errors="replace").strip())


def unmount(place):
    subprocess.run(["umount", "-l", place], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def free_bytes(place):
    now = os.statvfs(place)
    return now.f_bavail * now.f_frsize


def fill_disk(place, leave_mb):
    """A file that leaves so much space; it looks again before each piece, because an engine takes space meanwhile."""
    block = b"x" * (1 << 20)
    with open(os.path.join(place, "filler"), "wb", 0) as file:
        while free_bytes(place) > leave_mb << 20:
            file.write(block)


def customer(id):
    """Each a new one, so that log and rows grow."""
    return {"customer": "c" + id, "name": "n" * 200}


def load_until_full(client, accepted):
    """Arrays of commands until no space is found any more; the id of a command that stays refused."""
    for n in range(4000):
        messages = [request("PutCustomer", customer("%d-%d" % (n, i)), "%d-%d" % (n, i)) for i in range(500)]
        refused = 0
        while messages and refused < 5:
            answers = client.array(messages)
            accepted.update((a["id"], a["position"]) for a in answers if a["ok"])
            codes = {a["error"]["code"] for a in answers if not a["ok"]}
            if codes - {"storage_full"}:
                check("nothing but storage_full is said", False, codes)
            refused = refused + 1 if codes and not any(a["ok"] for a in answers) else 0
            messages = [m for m in messages if m["id"] not in accepted]
        if messages:
            check("the disk is full: commands are refused with storage_full", True)
            return messages[0]["id"]
    check("the disk became full", False, len(accepted))


def free(place):
    """Takes the file away again."""
    if os.path.exists(os.path.join(place, "filler")):
        os.unlink(os.path.join(place, "filler"))


def start_or_say_why(engine, place):
    """A start is an event: it may need space, and then says so."""
    try:
        engine.start()
        say("ok     killed, and started on the full disk")
    except RuntimeError as error:
        check("killed, it does not start on the full disk and says why", "storage_full" in str(error).split("\n")[-2], str(error))
        free(place)
        engine.start()

#!/usr/bin/python3
"""A full disk: commands are refused with storage_full, queries are served, nothing acknowledged is lost, and it goes on
when there is space. Needs a small file system of its own, so root; else not run."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import request
from story import check, eventually, same, say, skip

SIZE_MB, FREE_MB = 160, 24


def mount():
    place = os.path.join(daemon.directory(), "disk")
    os.mkdir(place)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % SIZE_MB, "pedido-test", place],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        skip("no small file system can be mounted here: " + done.stdout.decode(errors="replace").strip())
    return place


def fill_disk(place, leave_mb):
    """A file that leaves so much space."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    with open(os.path.join(place, "filler"), "wb") as file:
        block = b"x" * (1 << 20)
        for _ in range(max(0, free // (1 << 20) - leave_mb)):
            file.write(block)


def load_until_full(client, accepted):
    """Arrays of commands until no space is found any more; the id of a command that stays refused."""
    for n in range(4000):
        messages = [request("PutCustomer", {"customer": "c%d" % i, "name": "n" * 200}, "%d-%d" % (n, i)) for i in range(500)]
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
    if os.path.exists(os.path.join(place, "filler")):
        os.unlink(os.path.join(place, "filler"))


def start_or_say_why(engine):
    """A start is an event: it may need space, and then says so."""
    try:
        engine.start()
        say("ok     killed, and started on the full disk")
    except RuntimeError as error:
        check("killed, it does not start on the full disk and says why", "storage_full" in str(error).split("\n")[-2], str(error))
        free(os.path.dirname(engine.data))
        engine.start()


def main():
    place = mount()
    try:
        engine = daemon.Engine(data=os.path.join(place, "data"))
        with engine:
            client, accepted = engine.client(), {}
            shop.furnish(client)
            fill_disk(place, FREE_MB)
            refused = load_until_full(client, accepted)
            say("       after %d accepted commands" % len(accepted))
            check("queries are served", len(client.rows("ListPlans", "plans")) == 4)
            check("Health says so", not client.query("Health")["writable"])
            again = client.call("PutCustomer", {"customer": "x", "name": "X"})
            check("other commands are refused, too", not again["ok"] and again["error"]["code"] == "storage_full", again)
            engine.kill()
            start_or_say_why(engine)
            last = {e["command"]: e["position"] for e in client.log()}
            check("nothing acknowledged is lost", all(last.get(id) == position for id, position in accepted.items()))
            check("nothing refused is there", refused not in last)
            free(place)
            body = {"customer": "c%s" % refused.split("-")[1], "name": "n" * 200}
            eventually("with space it goes on: the refused id is accepted",
                       lambda: client.call("PutCustomer", body, refused)["ok"], 20, 0.2)
            check("positions run from 1 without gap", shop.gapless(client.log()))
            same("SIGTERM ends it with 0", engine.stop(), 0)
            code, said = engine.offline("verify")
            check("verify finds nothing wrong", code == 0, said)
    finally:
        daemon.kill_all()
        subprocess.run(["umount", "-l", place], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


main()

#!/usr/bin/python3
"""A full disk: commands are refused with storage_full, queries are served, nothing acknowledged is lost, and it goes on
when there is space; also where the rows have a disk of their own and only that is full. Needs small file systems, so
root; else not run."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import disk
import shop
from story import check, eventually, same, say

SIZE_MB, FREE_MB = 160, 24
ROWS_MB, ROWS_FREE_MB = 60, 12


def judge_full(engine, client):
    check("queries are served", len(client.rows("ListPlans", "plans")) == 4)
    check("Health says so", not client.query("Health")["writable"])
    code, said, talk = engine.pedido("check")
    check("`pedido check` says so", code == 2 and said.startswith("PEDIDO CRITICAL - writable 0"), (code, said))
    again = client.call("PutCustomer", {"customer": "x", "name": "X"})
    check("other commands are refused, too", not again["ok"] and again["error"]["code"] == "storage_full", again)


def story(place, data, leave_mb):
    """Filled, killed, started, freed; `place` is the small file system."""
    engine = daemon.Engine(data=data, arguments=["--index-memory", "1024"])
    with engine:
        client, accepted = engine.client(), {}
        shop.furnish(client)
        eventually("the views are made", lambda: len(client.rows("ListPlans", "plans")) == 4)
        disk.fill_disk(place, leave_mb)
        refused = disk.load_until_full(client, accepted)
        say("       after %d accepted commands" % len(accepted))
        judge_full(engine, client)
        engine.kill()
        disk.start_or_say_why(engine, place)
        last = {e["command"]: e["position"] for e in client.log()}
        check("nothing acknowledged is lost", all(last.get(id) == position for id, position in accepted.items()))
        check("nothing refused is there", refused not in last)
        disk.free(place)
        eventually("with space it goes on: the refused id is accepted",
                   lambda: client.call("PutCustomer", disk.customer(refused), refused)["ok"], 20, 0.2)
        check("positions run from 1 without gap", shop.gapless(client.log()))
        same("SIGTERM ends it with 0", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)
        shutil.rmtree(os.path.join(data, "index"))
        engine.start()
        check("an index that is lost takes no more of a small disk than it needs", "index_built" in engine.log())
        same("SIGTERM ends it again", engine.stop(), 0)


def main():
    top = os.path.join(daemon.directory(), "disk")
    places = [(top, os.path.join(top, "data"), SIZE_MB, FREE_MB, "the disk is small"),
              (os.path.join(top + "2", "data", "rows"), os.path.join(top + "2", "data"), ROWS_MB, ROWS_FREE_MB,
               "the rows' disk is small, the log's is not")]
    for place, data, size_mb, leave_mb, what in places:
        say(what)
        disk.mount(place, size_mb)
        try:
            story(place, data, leave_mb)
        finally:
            daemon.kill_all()
            disk.unmount(place)


main()

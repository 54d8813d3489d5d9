#!/usr/bin/python3
"""A backup while the engine serves: what it has is what the log had, it is one only when it was checked, and restored it is another
log; whoever followed the old one is told."""

import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import pack, request
from story import check, eventually, same, say


def fill(client, count, name):
    for n in range(count):
        body = []
        for i in range(50):
            reference = "%s-%d-%d" % (name, n, i)
            body.append(request("AddOrder", {"customer": "lopez", "reference": reference, "items": [shop.item("care")]},
                                reseller="default"))
            body += [request(kind, {"reference": reference}, reseller="default") for kind in ("ConfirmOrder", "OpenOrder")]
        client.commands.send([pack(body)])
        client.commands.receive(30)


def made_under_load(engine, client):
    fill(client, 100, "before")
    before = client.log()
    going = [True]

    def load():
        mine = engine.client(timeout=60)
        n = 0
        while going[0]:
            fill(mine, 1, "while%d" % n)
            n += 1
        mine.close()

    thread = threading.Thread(target=load)
    thread.start()
    place = os.path.join(engine.place, "backup")
    code, said, talk = engine.pedido("backup", place)
    going[0] = False
    thread.join()
    check("`pedido backup` ends with 0", code == 0 and "copied and checked" in said, said + talk)
    check("it says of which log it is", client.hello()["log"] in open(os.path.join(place, "backup")).read())
    code, said, talk = engine.pedido("backup", place)
    check("the same place is refused: there is something", code == 1 and "not empty" in talk, talk)
    code, said, talk = engine.pedido("send", "StartBackup", "directory=relative/path")
    check("and one that is not from the root", code == 3, talk)
    return place, before


def restored(engine, client, place, before):
    code, said = daemon.restore(os.path.join(engine.place, "no"), engine.data)
    check("what is no backup is not restored", code == 1 and "is no backup" in said, said)
    other = daemon.Engine()
    code, said = daemon.restore(other.data, place)
    check("a backup is restored", code == 0 and "the log has a new id" in said, said)
    code, said = daemon.restore(other.data, place)
    check("not into a directory that has something", code == 1 and "not empty" in said, said)
    with other:
        mine = other.client()
        check("it is another log", mine.hello()["log"] != client.hello()["log"])
        log = mine.log()
        same("everything that was there when it began is there", log[:len(before)], before)
        known = client.log()
        same("and nothing that was not", log, known[:len(log)])
        say("%d events before, %d in the backup, %d now" % (len(before), len(log), len(known)))
        check("and it goes on", shop.add(mine, reference="new")["order"] > 0)
        other.stop()
        code, said = other.offline("verify")
        check("all of it is well", code == 0 and "and view" in said, said)
    served = daemon.Engine(data=place)
    served.launch()
    same("an engine does not serve from the backup itself", served.process.wait(10), 1)
    check("and says what to do", "it is a backup; pedidod restore" in served.log(), served.log())


def not_a_backup_before_its_end(engine, client):
    """The engine dies, the disk is full: what is there then is no backup."""
    place = os.path.join(engine.place, "cut")
    client.query("StartBackup", {"directory": place})
    eventually("it has begun", lambda: os.path.exists(os.path.join(place, "books")), every=0.001)
    engine.kill()
    check("killed while it was made there is no backup", not os.path.exists(os.path.join(place, "backup")))
    code, said = daemon.restore(os.path.join(engine.place, "from-cut"), place)
    check("and it is not restored", code == 1 and "is no backup" in said, said)
    engine.start()
    same("the engine knows of none", client.query("GetBackup"), {})
    whole = os.path.join(engine.place, "whole")
    code, said, talk = engine.pedido("backup", whole)
    same("the next one is made", code, 0)
    with open(os.path.join(whole, "backup")) as file:
        check("of the whole log", "position %d\n" % client.query("ListViews")["head"] in file.read())
    data = os.path.join(whole, "books", "data.mdb")
    with open(data, "r+b") as file:
        content = file.read()
        at = content.rindex(b"before-50-25")
        file.seek(at)
        file.write(b"B")
    target = os.path.join(engine.place, "from-damaged")
    code, said = daemon.restore(target, whole)
    check("one that was damaged since is not restored", code == 1 and "damaged" in said, said)
    half = daemon.Engine(data=target)
    half.launch()
    same("and an engine does not serve what was half restored", half.process.wait(10), 1)
    check("it says so", "did not come to its end" in half.log(), half.log())


def main():
    with daemon.Engine() as engine:
        client = engine.client(timeout=30)
        shop.furnish(client)
        place, before = made_under_load(engine, client)
        restored(engine, client, place, before)
        not_a_backup_before_its_end(engine, client)


main()

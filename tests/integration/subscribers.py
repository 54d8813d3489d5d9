#!/usr/bin/python3
"""Followers whose position the engine keeps: one at a time under a name, none begins elsewhere after a crash of either side, what
is passed over stands in the log, and a restored log tells them."""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, eventually, same

HOOK = '''cat >"$0.in"
grep -q '"reference":"bad"' "$0.in" && test ! -e "$0.well" && exit 3
test ! -e "$0.slow" || sleep 30
cat "$0.in" >>"$0.done"
'''


class Hook:
    """A program that writes down what it was given."""

    def __init__(self, engine, name):
        self.path = os.path.join(engine.place, name)
        with open(self.path, "w") as file:
            file.write("#!/bin/sh\n" + HOOK)
        os.chmod(self.path, 0o755)

    def done(self):
        try:
            with open(self.path + ".done") as file:
                return [json.loads(line)["position"] for line in file]
        except FileNotFoundError:
            return []

    def input(self):
        with open(self.path + ".in", "rb") as file:
            return file.read()

    def set(self, what, on=True):
        if on:
            open(self.path + "." + what, "w").close()
        else:
            os.unlink(self.path + "." + what)


def shown(client, name):
    """As ListSubscribers has it; that is a second old at most."""
    rows = client.query("ListSubscribers")["subscribers"]
    return next((row for row in rows if row["subscriber"] == name), {})


def follow(engine, name, hook, *more):
    return ["events", "follow", "--name", name, "--exec", hook.path, "--from", "beginning"] + list(more)


def begin(engine, line):
    return daemon.spawn([daemon.program("pedido")] + line, env=engine.environment(), start_new_session=True,
                        stdout=subprocess.DEVNULL)


def one_at_a_time(engine, client):
    hook, head = Hook(engine, "one"), client.hello(fresh=True)["head"]
    line = follow(engine, "one", hook)
    first = begin(engine, line)
    eventually("a follower with a name takes all from the beginning", lambda: hook.done() == list(range(1, head + 1)))
    code, said, talk = engine.pedido(*line)
    check("a second is refused", code == 5 and "Another program follows" in talk, (code, talk))
    eventually("the engine shows who follows and that nothing is left",
               lambda: shown(client, "one").get("lag") == 0 and "holder" in shown(client, "one"))
    code, said, talk = engine.pedido("subscriber", "delete", "one")
    check("it cannot be deleted meanwhile", code == 5 and "Another program follows" in talk, (code, talk))
    shop.add(client, reference="live")
    eventually("what happens comes", lambda: hook.done()[-1] == head + 1)
    eventually("and is done", lambda: shown(client, "one").get("lag") == 0)
    first.send_signal(signal.SIGTERM)
    same("SIGTERM ends it", first.wait(10), 0)
    eventually("then nobody follows", lambda: "holder" not in shown(client, "one"))
    shop.add(client, reference="later")
    eventually("and it is one behind", lambda: shown(client, "one")["lag"] == 1)
    code, said, talk = engine.pedido(*line, "--exit-at-end")
    same("begun again it goes on where it was", (code, hook.done()), (0, list(range(1, head + 3))))


def kills(engine, client):
    """Neither side's crash loses an event, or does one twice that was reported."""
    hook, head = Hook(engine, "kills"), client.hello(fresh=True)["head"]
    line = follow(engine, "kills", hook)
    first = begin(engine, line)
    eventually("it follows", lambda: hook.done() == list(range(1, head + 1)))
    eventually("and the engine knows", lambda: shown(client, "kills").get("position") == head)
    engine.kill()
    engine.start()
    eventually("a killed engine knows how far it is", lambda: shown(client, "kills").get("position") == head)
    shop.add(client, reference="after the engine's crash")
    eventually("the follower goes on", lambda: hook.done() == list(range(1, head + 2)))
    eventually("and holds its name again", lambda: "holder" in shown(client, "kills"))
    hook.set("slow")
    shop.add(client, reference="cut off")
    eventually("it is at the next", lambda: b"cut off" in hook.input())
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    hook.set("slow", False)
    code, said, talk = engine.pedido(*line, "--exit-at-end")
    check("another has to wait until the dead one's time is over", code == 5 and "the name is free in" in talk, (code, talk))
    eventually("then it is free", lambda: engine.pedido(*line, "--exit-at-end")[0] == 0, 25, 1)
    same("and the event that was cut off comes again", hook.done(), list(range(1, head + 3)))


def passed_over(engine, client):
    hook = Hook(engine, "skips")
    line = follow(engine, "skips", hook, "--tries", "1", "--exit-at-end")
    bad = shop.add(client, reference="bad")["order"]
    code, said, talk = engine.pedido(*line)
    at = hook.done()[-1] + 1
    check("it stops at the one it cannot do", code == 1 and "--skip %d" % at in talk, talk)
    eventually("the engine shows where", lambda: shown(client, "skips").get("position") == at - 1)
    code, said, talk = engine.pedido(*line, "--skip", str(at))
    check("told to, it passes over it", code == 0 and "position %d, OrderAdded: passed over" % at in talk, talk)
    skipped = [e for e in client.log() if e["type"] == "EventSkipped"]
    same("that stands in the log", [(e["data"]["subscriber"], e["data"]["position"]) for e in skipped], [("skips", at)])
    same("begun again it goes on behind it", (engine.pedido(*line)[0], hook.done()[-1]), (0, skipped[0]["position"]))
    same("all else was done", hook.done(), [p for p in range(1, skipped[0]["position"] + 1) if p != at])
    return bad


def listed(engine, client):
    client.do("PutReseller", {"reseller": "norte", "name": "Norte"})
    code, said, talk = engine.pedido("events", "follow", "--name", "everything", "--all", "--exit-at-end", "--json")
    same("one that follows all resellers ends at the end", code, 0)
    code, said, talk = engine.pedido("subscriber", "list", "--all", "--json")
    rows = [json.loads(line) for line in said.splitlines()]
    same("all are listed", sorted(row["subscriber"] for row in rows), ["everything", "kills", "one", "skips"])
    code, said, talk = engine.pedido("subscriber", "list")
    check("a reseller's own are, for people", code == 0 and "skips" in said and "everything" not in said, said)
    code, said, talk = engine.pedido("subscriber", "list", "--reseller", "norte", "--json")
    same("and another has none", (code, said), (0, ""))
    code, said, talk = engine.pedido("subscriber", "show", "one")
    check("one is shown", code == 0 and "one" in said, said)
    code, said, talk = engine.pedido("subscriber", "delete", "one")
    same("one can be deleted", code, 0)
    code, said, talk = engine.pedido("subscriber", "show", "one")
    check("then it is not found", code == 4 and "no subscriber" in talk, (code, talk))


def restored(engine, client):
    """The position goes into the backup; of the log that comes from it, it is none."""
    backup, data = os.path.join(engine.place, "backup"), os.path.join(engine.place, "restored")
    before = shown(client, "skips")["position"]
    same("a backup is made", engine.pedido("backup", backup)[0], 0)
    engine.stop()
    other = daemon.Engine(data=data)
    same("and restored", daemon.restore(data, backup)[0], 0)
    with other:
        mine = other.client()
        view = eventually("the subscriber is there", lambda: shown(mine, "skips"))
        same("at its position, and told that it is another log's", (view["position"], view.get("reset")), (before, True))
        hook = Hook(other, "again")
        code, said, talk = other.pedido(*follow(other, "skips", hook, "--exit-at-end"))
        check("a follower stops and says so", code == 1 and "subscriber delete" in talk, (code, talk))
        same("having done nothing", hook.done(), [])
        same("deleted", other.pedido("subscriber", "delete", "skips")[0], 0)
        hook.set("well")
        code, said, talk = other.pedido(*follow(other, "skips", hook, "--exit-at-end"))
        same("it begins anew", (code, hook.done()[0]), (0, 1))


def under_a_follower(engine, client):
    """A backup is restored under programs that follow: one had its name in it, one not, and one wants what happens from now on."""
    backup, data = os.path.join(engine.place, "backup-2"), os.path.join(engine.place, "restored-2")
    followers = {}

    def begin_one(name, start):
        with open(os.path.join(engine.place, name), "wb") as out:
            followers[name] = daemon.spawn([daemon.program("follow-named"), engine.endpoint, name, str(start)], stdout=out)
        eventually("%s follows" % name, lambda: "holder" in shown(client, name))

    def given(name):
        with open(os.path.join(engine.place, name)) as out:
            return [line if line == "reset" else int(line) for line in out.read().split()]

    begin_one("older", 1)
    begin_one("now", 0)
    same("a backup is made", engine.pedido("backup", backup)[0], 0)
    begin_one("newer", 1)
    shop.add(client, reference="is not in the backup")
    head = client.hello(fresh=True)["head"]
    eventually("all have come to the head", lambda: all(given(name)[-1:] == [head] for name in followers))
    engine.stop()
    same("it is restored", daemon.restore(data, backup)[0], 0)
    engine.data = data
    engine.start()
    eventually("all hear of it", lambda: all("reset" in given(name) for name in followers), 30)
    shop.add(client, reference="in the new log")
    last = client.hello(fresh=True)["head"]
    for name, wanted in (("older", list(range(1, last + 1))), ("newer", list(range(1, last + 1))), ("now", [last])):
        eventually("%s begins anew where it wants to" % name, lambda: given(name)[given(name).index("reset") + 1:] == wanted, 20)
        eventually("and the engine keeps that",
                   lambda: shown(client, name).get("position") == last and "reset" not in shown(client, name))
        daemon.end(followers[name])


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        one_at_a_time(engine, client)
        kills(engine, client)
        passed_over(engine, client)
        listed(engine, client)
        under_a_follower(engine, client)
        restored(engine, client)


main()

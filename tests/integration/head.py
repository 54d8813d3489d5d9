#!/usr/bin/python3
"""head - the chain's head comes with each heartbeat of ~all; a log is held against one that was noted elsewhere."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
from story import check, eventually, same


def put(client, *names):
    for name in names:
        client.do("PutCustomer", {"customer": name, "name": name})


def beat(follower, position):
    """The chain that stands with this head."""
    got = follower.receive(3)
    return got and got[0] == "~all/~head" and got[1]["position"] == position and got[1]["chain"]


def verify(engine, head):
    done = subprocess.run([daemon.program("pedidod"), "verify", "--data", engine.data, "--head", head], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.decode()


def head_of(engine, *names):
    """After these, "POSITION:HEX"."""
    with engine.client() as client:
        follower, own = engine.subscriber("~all/"), engine.subscriber("default/~head")
        put(client, *names)
        position = client.query("Health")["log_position"]
        chain = eventually("a heartbeat of all says the chain", lambda: beat(follower, position))
        same("one of a reseller does not", sorted(own.receive(3)[1]), ["log", "position", "time"])
        follower.close()
        own.close()
        return "%d:%s" % (position, chain)


def main():
    with daemon.Engine() as one, daemon.Engine() as other:
        noted = head_of(one, "ana", "bruno")
        same("it is there after a crash", (one.restart(), head_of(one, "carla") != noted)[1], True)
        foreign = head_of(other, "ana", "otro", "carla")
        one.stop()
        other.stop()
        code, said = verify(one, noted)
        check("the log has what was noted", code == 0 and "all is well" in said, said)
        code, said = verify(one, foreign)
        check("another log's head it has not", code == 1 and "is not the one that was noted" in said, said)
        code, said = verify(other, noted)
        check("nor has the other this one's", code == 1 and "is not the one that was noted" in said, said)
        code, said = verify(one, "1000:" + noted.split(":")[1])
        check("one beyond the end shows that something is missing", code == 1 and "ends at" in said, said)
        code, said = verify(one, "1:" + "x" * 64)
        check("what is no head is said to be none", code == 1 and "POSITION:HEX" in said, said)
    done = subprocess.run([daemon.program("pedidod"), "--data", one.data, "--head", noted], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    check("an engine that serves takes no head", done.returncode == 2 and b"verify" in done.stderr, done.stderr)


main()

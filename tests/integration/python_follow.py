#!/usr/bin/python3
"""The Python client misses no event and gives none twice, over a stream that loses, doubles and delays, over engines and followers
that are killed (python_follow.py events). Its position is kept in a file, with what is done, or by the engine under a name; and a
log that was replaced is told (python_follow.py positions)."""

import asyncio
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from between import Between
from pedido_raw import pack
from python_package import pedido, refused
from story import check, eventually, same, say

import pedido.client
import pedido.following
from pedido.messages import CustomerPut, HoldCustomer, ListSubscribers, PutCustomer, ReadLog, ReleaseCustomer

FOLLOWER = [sys.executable, "-B", os.path.join(daemon.ROOT, "tests", "support", "python_follower.py")]
KILLS = 8


def put(client, first, count):
    answers = client.call_all([PutCustomer(customer="c%05d" % n, name="Cliente %d" % n) for n in range(first, first + count)])
    assert all(answer.ok for answer in answers)


def take(events, last, timeout=15.0):
    """Events up to a position, or until none has come for so long."""
    taken = []
    while events.position < last and (event := events.next(timeout)) is not None:
        taken.append(event)
    return taken


def positions(events):
    return [event.position for event in events]


def begin_anywhere(engine, client):
    head = client.hello().head
    with client.follow(start="beginning") as events:
        first = take(events, head)
        same("from the beginning, what there is", positions(first), list(range(1, head + 1)))
        log = [pedido.event_of(view, events.log) for view in client.rows(ReadLog())]
        same("as it is in the log, typed", first, log)
        same("where it is", (events.position, events.head, events.log), (head, head, client.hello().log))
        same("nothing more comes", events.next(0.2), None)
    with client.follow(start=head - 1) as events:
        same("from a position", positions(take(events, head)), [head - 1, head])
    with client.follow() as now, client.follow(pedido.ALL) as of_all:
        client.put_customer(customer="live", name="Ahora")
        event = now.next(5)
        same("from now on, what happens", (event.position, event.data), (head + 1, CustomerPut(customer="live", name="Ahora")))
        every = of_all.next(5)
        check("of all resellers, with the log's position", (every.data, every.position > event.position) == (event.data, True))
    north = client.using(reseller="norte")
    client.put_reseller(reseller="norte", name="Norte")
    with north.follow(start=1) as events:
        same("of another reseller", (events.next(5).type, events.next(0.2)), ("ResellerPut", None))
    same("of none that there is", refused(lambda: client.follow("ghost")).code, "reseller_not_found")
    with client.listen("default/customer/live/", "default/~head") as stream:
        eventually("the stream as it comes: a heartbeat", lambda: isinstance(stream.next(2), pedido.Heartbeat))
        client.put_customer(customer="live", name="Otra vez")
        client.put_customer(customer="dead", name="Nunca")
        found = [each.topic for each in (stream.next(1), stream.next(1)) if isinstance(each, pedido.Event)]
        same("and what was subscribed to, no more", found, ["default/customer/live/CustomerPut"])
    for field, call in (("prefix", lambda: client.listen("default")), ("prefixes", client.listen),
                        ("start", lambda: client.follow(start=0)), ("start", lambda: client.follow(start="end")),
                        ("reseller", lambda: client.follow("a/b")),
                        ("name", lambda: client.follow(name="a", checkpoint="b"))):
        try:
            call()
            check("a %s that is none" % field, False)
        except pedido.Invalid as error:
            same("it is told why not: %s" % error, error.field, field)


def lossy(engine, client):
    """What the stream lacks comes from the log, what it has twice is given once."""
    with Between(engine, lose_events=0.2) as between, pedido.Client(between.endpoint) as other:
        head = client.hello().head
        with other.follow(queue=1) as events:
            taken = []
            for n in range(40):
                put(client, n * 5, 5)
                while (event := events.next(0.01)) is not None:
                    taken.append(event)
            taken += take(events, head + 200)
            same("each once and in order", positions(taken), list(range(head + 1, head + 201)))
            streamed = len([event for event in taken if event.topic is not None])
            check("some from the stream, some from the log", 20 < streamed < 180, streamed)
            check("lost, doubled and late there were", min(between.lost, between.doubled, between.moved) > 5)
            put(client, 0, 1)
            between.mute, before = True, between.subscriptions
            pedido.following.SILENCE = 0.4
            taken = take(events, head + 201, 1.0)
            eventually("a silent stream is opened anew", lambda: events.next(0.1) is None and between.subscriptions > before)
            between.mute = False
            put(client, 1, 1)
            same("and goes on", positions(taken + take(events, head + 202))[-2:], [head + 201, head + 202])
            pedido.following.SILENCE = 5.0


class Writer:
    """Events while there are kills; a command for each, and none twice."""

    def __init__(self, engine):
        self.process = daemon.spawn([sys.executable, "-B", "-c", WRITER, engine.endpoint, daemon.ROOT])

    def end(self):
        daemon.end(self.process)


WRITER = """
import sys, time
sys.path.insert(0, sys.argv[2] + "/clients/python")
import pedido
from pedido.messages import PutCustomer
client, n = pedido.Client(sys.argv[1], timeout=0.3, patience=30), 0
while True:
    client.call_all([PutCustomer(customer="w%d" % (n * 20 + i), name="W") for i in range(20)])
    n += 1
    time.sleep(0.01)
"""


def sqlite_position(path):
    try:
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10) as db:
            return (db.execute("SELECT position FROM place").fetchone() or (0,))[0]
    except sqlite3.OperationalError:
        return 0


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [int(line.split()[0]) for line in file if line.endswith("\n")]


def killed(engine, client):
    """Followers and the engine are killed while events are written."""
    dice = random.Random(5)
    paths = {how: os.path.join(engine.place, "killed-" + how) for how in ("sqlite", "checkpoint")}
    followers = {how: daemon.spawn(FOLLOWER + [engine.endpoint, how, path]) for how, path in paths.items()}
    writer = Writer(engine)
    for n in range(KILLS):
        time.sleep(0.1 + dice.random() * 0.3)
        if n % 4 == 3:
            engine.restart()
            continue
        how = dice.choice(sorted(paths))
        check("it has not ended by itself", followers[how].poll() is None, followers[how].returncode)
        daemon.end(followers[how], signal.SIGKILL)
        followers[how] = daemon.spawn(FOLLOWER + [engine.endpoint, how, paths[how]])
    writer.end()
    head = client.hello().head
    eventually("who keeps the position with what he does comes to the end", lambda: sqlite_position(paths["sqlite"]) == head)
    eventually("who keeps it in a file, too", lambda: lines(paths["checkpoint"])[-1:] == [head])
    log = list(client.rows(ReadLog()))
    with sqlite3.connect(paths["sqlite"]) as db:
        rows = db.execute("SELECT position, type, data FROM events ORDER BY position").fetchall()
    same("exactly once, and as it is in the log", rows, [(e.position, e.type, pack(e.data)) for e in log])
    same("at least once in order: a kill repeats some, and skips none", [(a, b) for a, b in zip(
        [0] + lines(paths["checkpoint"]), lines(paths["checkpoint"])) if b > a + 1], [])
    check("most only once", len(lines(paths["checkpoint"])) < 2 * head, (len(lines(paths["checkpoint"])), head))
    say("%d events" % head)
    eventually("the file says where it is", lambda: pedido.Checkpoint(
        paths["checkpoint"] + ".checkpoint", "default").load().position == head)
    daemon.end(followers["checkpoint"], signal.SIGKILL)
    daemon.end(followers["sqlite"], signal.SIGKILL)
    client.put_customer(customer="after", name="Después")
    code, said, talk = engine.pedido("events", "follow", "--exit-at-end", "--format", "{position}\\n", "--checkpoint",
                                     paths["checkpoint"] + ".checkpoint")
    same("and the command line goes on with it", (code, said.split()), (0, [str(head + 1)]))


def kept_in_a_file(engine, client):
    path = os.path.join(engine.place, "kept")
    put(client, 0, 3)
    with client.follow(checkpoint=path) as events:
        put(client, 0, 3)
        given = [events.next(5).position for _ in range(3)]
    with client.follow(checkpoint=path) as events:
        same("the last one was not done: it comes again", events.next(5).position, given[-1])
        events.save()
    with client.follow(checkpoint=path, start="beginning") as events:
        same("now it is: none comes", events.next(0.3), None)
    try:
        client.using(reseller="norte").follow(checkpoint=path)
        check("another reseller's", False)
    except pedido.Invalid as error:
        same("another reseller's checkpoint is none", error.field, "checkpoint")


def shown(client, name):
    """As the engine lists it, of what it was a second ago at most; None: it knows none of that name."""
    return next((s for s in client.rows(ListSubscribers()) if s.subscriber == name), None)


def named(engine, client):
    put(client, 0, 5)
    with client.follow(name="billing", start=1) as events:
        first = [events.next(5).position for _ in range(3)]
        same("under a name, from where it was begun", first, [1, 2, 3])
        host = "%s/%d/" % (socket.gethostname()[:32], os.getpid())
        error = refused(lambda: client.follow(name="billing"))
        same("nobody else may meanwhile", (error.code, error.field), ("subscriber_in_use", "subscriber"))
        eventually("people see who has it", lambda: getattr(shown(client, "billing"), "holder", "").startswith(host))
        events.save()
    with client.follow(name="billing", start=1) as events:
        same("who ends lets it go", events.next(5).position, 4)
    with client.follow(pedido.ALL, name="billing", start=1) as events:
        same("of all resellers it is another one", events.next(5).type, "EngineStarted")
    engine.restart()
    with client.follow(name="billing") as events:
        same("where it was left, also after the engine was killed", events.next(5).position, 4)
        take(events, client.hello().head)
        events.next(0.2)  # nothing is left: it is kept
        eventually("people see that it is not behind", lambda: shown(client, "billing").lag == 0, every=0.2)
        # Somebody else takes it, while the engine knows nobody.
        engine.restart()
        with client.follow(name="billing") as other:
            events._follower.named.moved_at = 0  # as after 5 s
            error = refused(lambda: events.next(1))
            same("who has lost it is told", error.code, "subscriber_in_use")
            same("and again", refused(lambda: events.next(1)).code, "subscriber_in_use")
            put(client, 0, 1)
            check("the other goes on", other.next(5) is not None)


def told(client, events, position):
    found = shown(client, events._follower.named.name)
    return found if found is not None and found.position == position else None


def busy(engine, client):
    """The name is renewed while an event takes long."""
    pedido.client.RENEW = pedido.following.RENEW = 0.3
    try:
        with client.follow(name="slow") as events:
            put(client, 0, 1)
            events.next(5)
            eventually("it is there", lambda: shown(client, "slow"))
            before = shown(client, "slow").heard
            with events.busy():
                eventually("it is heard again meanwhile", lambda: shown(client, "slow").heard > before + 500000, every=0.2)
            check("and goes on", events.next(0.1) is None)
            engine.restart()
            other = client.follow(name="slow")

            def work():
                with events.busy():
                    time.sleep(0.8)
            same("who loses it while he works is told behind it", refused(work).code, "subscriber_in_use")
            other.close()
    finally:
        pedido.client.RENEW = pedido.following.RENEW = 5.0


def restored(engine, client):
    """A backup is restored under followers that are ahead of it."""
    backup, path = os.path.join(engine.place, "backup"), os.path.join(engine.place, "restored")
    early = client.follow(name="early")
    same("a backup is made", engine.pedido("backup", backup)[0], 0)
    put(client, 0, 1000)
    head, old = client.hello().head, client.hello().log
    reads = client.follow(start=1)
    reads.next(5)
    stays, late = client.follow(start=head, checkpoint=path), client.follow(start=head, name="late")
    for events in (early, late, stays):
        take(events, head)
        events.save()
    shutil.copy(path, path + ".away")
    engine.stop()
    shutil.rmtree(engine.data)
    subprocess.run([daemon.program("pedidod"), "restore", "--data", engine.data, backup], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    engine.start()
    new, length = client.hello().log, client.hello().head
    check("it is another log, and shorter", new != old and length < head)
    with client.follow(checkpoint=path + ".away") as back:
        for what, events in (("one that stayed", stays), ("one that comes back", back), ("one with a name", early),
                             ("one whose name is not in the backup", late)):
            for _ in range(2):
                try:
                    event = events.next(10)
                    check(what + " is told, and is told again", False, event)
                except pedido.Reset as error:
                    same(what + " is told", error.log, old)
        try:
            take(reads, head)
            check("one that is reading the log is told at the next page", False)
        except pedido.Reset:
            same("one that is reading the log is told at the next page", reads.position, 1000)
        same("the file still has the old one's", pedido.Checkpoint(path, "default").load(), (old, head))
        stays.restart("beginning")
        same("it begins anew, if it likes", positions(take(stays, length)), list(range(1, length + 1)))
        stays.save()
        same("and keeps where it is in the new one", pedido.Checkpoint(path, "default").load(), (new, length))
        back.restart("now")
        put(client, 0, 1)
        same("or from now on", back.next(5).position, length + 1)
    for events in (early, late):
        events.restart(length)
        same("so does one with a name", positions(take(events, length + 1)), [length, length + 1])
        events.save()
        shows = eventually("which is kept in the new log", lambda e=events: told(client, e, length + 1), every=0.2)
        check("and is not reset any more", not shows.reset, shows)
    for events in (stays, early, late, reads):
        events.close()


def under_asyncio(engine, client):
    asyncio.run(tasks(engine))


async def tasks(engine):
    async with pedido.aio.Client(engine.endpoint, timeout=0.5) as client:
        path = os.path.join(engine.place, "aio")
        async with client.follow(checkpoint=path) as events, client.follow(name="aio") as same_events:
            head = (await client.hello()).head
            try:
                await asyncio.wait_for(events.next(), 0.2)
                check("nothing happens", False)
            except asyncio.TimeoutError:
                pass
            sending = asyncio.gather(*(client.call(HoldCustomer(customer="lopez", reason="r%d" % n)) for n in range(10)))
            given = []
            async for event in events:
                given.append(event.position)
                if len(given) == 10:
                    break
            await sending
            same("events while others call", given, list(range(head + 1, head + 11)))
            engine.kill()
            engine.start()
            await client.call_all([ReleaseCustomer(customer="lopez", reason="r%d" % n) for n in range(10)])
            async with same_events.busy():
                given = [(await same_events.next(5)).position for _ in range(20)]
            same("over a kill of the engine, under a name", given, list(range(head + 1, head + 21)))
            await events.save()
        same("the file says where it was", pedido.Checkpoint(path, "default").load().position, head + 10)
        async with client.follow(checkpoint=path) as events:
            same("and there it goes on", (await events.next(5)).position, head + 11)
        stream = await client.listen("default/")
        async with stream:
            check("the stream as it comes", isinstance(await stream.next(3), pedido.Heartbeat))


def main(parts):
    with daemon.Engine() as engine:
        with engine.client() as raw:
            shop.furnish(raw)
        with pedido.Client(engine.endpoint, timeout=1) as client:
            for part in parts:
                part(engine, client)


main({"events": (begin_anywhere, lossy, killed, under_asyncio), "positions": (kept_in_a_file, named, busy, restored)}[sys.argv[1]])

#!/usr/bin/python3
"""No reply and no event leaves before its transaction is on stable storage, by the recorded system calls: the command's
record is written, fdatasync ends, the meta page is written through its O_DSYNC descriptor, and only then it is spoken of."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import pack, request, unpack
from story import check, say, skip

CALLS = "sendto,sendmsg,writev,pwritev,pwrite64,fdatasync,openat"
META_BYTES = 120  # what LMDB writes of a meta page


def trace_line(path):
    """strace's command line. -D: the engine stays our own child. The delays make room for a reply that does not wait."""
    return ["strace", "-D", "-f", "-qq", "-s", "70000", "-e", "trace=" + CALLS,
            "-e", "inject=fdatasync:delay_enter=3000:delay_exit=3000", "-o", path]


def read_trace(path):
    """(call, text) in the order in which sends begin and all else ends."""
    pending, found = {}, []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            thread, _, text = line.rstrip("\n").partition(" ")
            text = text.strip()
            resumed = re.match(r"<\.\.\. (\w+) resumed>(.*)", text)
            if resumed:
                call, text = resumed.group(1), pending.pop(thread, "") + resumed.group(2)
                if call.startswith("send"):
                    continue
            else:
                call = text.split("(")[0]
                if text.endswith("<unfinished ...>"):
                    pending[thread] = text[:-len("<unfinished ...>")]
                    if not call.startswith("send"):
                        continue
            found.append((call, text))
    return found


def log_files(trace):
    """The descriptors of the log's file: all, and those whose writes are durable when they end. Rows have a file of their own."""
    opened = [(re.search(r"= (\d+)$", text).group(1), text) for call, text in trace
              if call == "openat" and "/books/data.mdb" in text and "= -1" not in text]
    return {fd for fd, _ in opened}, {fd for fd, text in opened if "O_DSYNC" in text}


def descriptor(text):
    return re.match(r"\w+\((\d+)", text).group(1)


def judge(trace, ids):
    """For each id what is wrong with the order of its calls; nothing is what we want."""
    log, dsync = log_files(trace)
    wrong = {}
    for id in ids:
        wanted = ["written", "synced", "committed"]
        for call, text in trace:
            if call.startswith("send"):
                if '%s"' % id in text or "%s\\" % id in text:
                    if wanted:
                        wrong[id] = "spoken of before it was " + wanted[0]
                    break
            elif wanted[:1] == ["written"]:
                if call in ("writev", "pwritev", "pwrite64") and id in text and descriptor(text) in log:
                    wanted.pop(0)
            elif wanted[:1] == ["synced"]:
                if call == "fdatasync" and re.search(r"= 0( \(DELAYED\))?$", text) and descriptor(text) in log:
                    wanted.pop(0)
            elif wanted and call == "pwrite64" and text.endswith("= %d" % META_BYTES) and descriptor(text) in dsync:
                wanted.pop(0)
        else:
            wrong[id] = "never spoken of"
    return wrong


def canary(trace, id):
    """A reply that is moved before the commit must be seen."""
    log, dsync = log_files(trace)
    said = next(i for i, (call, text) in enumerate(trace) if call.startswith("send") and id in text)
    written = next(i for i, (call, text) in enumerate(trace) if "write" in call and id in text and descriptor(text) in log)
    for what, place in (("write", written), ("fdatasync", written + 1), ("meta write", max(
            i for i in range(said) if trace[i][1].endswith("= %d" % META_BYTES) and descriptor(trace[i][1]) in dsync))):
        moved = trace[:place] + [trace[said]] + trace[place:said] + trace[said + 1:]
        check("a reply before the %s would be seen" % what, id in judge(moved, [id]))


def put(id):
    return request("PutCustomer", {"customer": id, "name": "Cliente"}, id, reseller="default")


def load(client, ids):
    """Singles one by one, singles in a burst, arrays."""
    for i in range(30):
        ids.append("single%04dx" % i)
        client.commands.send([pack(put(ids[-1]))])
        client.commands.receive(10)
    for burst in range(5):
        for i in range(20):
            ids.append("burst%04dx" % (burst * 20 + i))
            client.commands.send([pack(put(ids[-1]))])
        for i in range(20):
            check("each is answered", client.commands.receive(10) is not None) if i == 19 else client.commands.receive(10)
    for array in range(3):
        some = ["array%04dx" % (array * 50 + i) for i in range(50)]
        ids += some
        client.commands.send([pack([put(id) for id in some])])
        check("an array is answered", all(a["ok"] for a in unpack(client.commands.receive(10)[-1])))


def main():
    if shutil.which("strace") is None or subprocess.run(
            ["strace", "-qq", "-o", os.devnull, "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        skip("strace cannot trace here")
    path, ids = os.path.join(daemon.directory(), "trace"), []
    with daemon.Engine(wrapper=trace_line(path)) as engine:
        client, subscriber = engine.client(), engine.subscriber("default/")
        subscriber.receive(5)
        shop.furnish(client)
        load(client, ids)
        heard = {body["command"] for _, body in subscriber.events(1.2)}
    trace = read_trace(path)
    wrong = judge(trace, ids)
    check("%d commands: none is spoken of before it is on stable storage" % len(ids), not wrong, list(wrong.items())[:5])
    check("and a subscriber heard of all of them", heard >= set(ids), sorted(set(ids) - heard)[:3])
    syncs = sum(call == "fdatasync" for call, _ in trace)
    say("       %d calls of fdatasync" % syncs)
    canary(trace, ids[5])
    canary(trace, ids[40])


main()

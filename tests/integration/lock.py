#!/usr/bin/python3
"""One daemon per directory: a second one is refused before it touches a socket; SIGTERM answers, ends with 0."""

import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import pack, request, unpack
from story import check, same


def run(line):
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    return done.returncode, done.stdout.decode(errors="replace")


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        sockets = {e: os.stat(e[len("ipc://"):]).st_ino for e in engine.endpoints.values()}
        code, said = run(engine.command_line())
        check("a second daemon on the directory is refused", code not in (0, -signal.SIGABRT), (code, said))
        check("and says why", engine.data in said, said)
        same("no socket was touched", {e: os.stat(e[len("ipc://"):]).st_ino for e in sockets}, sockets)
        check("the first goes on", client.do("PutCustomer", {"customer": "x", "name": "X"})["version"] == 1)
        for verb in ("rebuild", "verify"):
            code, said = engine.offline(verb)
            check("pedidod %s is refused beside it" % verb, code != 0 and engine.data in said, (code, said))

        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            second = daemon.Engine()
            second.endpoints["queries"] = "tcp://127.0.0.1:%d" % port
            code, said = run(second.command_line())
            check("a port that is taken is refused", code > 0, (code, said))
            check("and named", str(port) in said, said)

        for _ in range(100):
            client.commands.send([pack(request("PutCustomer", {"customer": "busy", "name": "Busy"}))])
        same("SIGTERM ends it with 0", engine.stop(), 0)
        answers = []
        while True:
            frames = client.commands.receive(0.3)
            if frames is None:
                break
            answers.append(unpack(frames[-1]))
        check("what it had taken was answered", all(a["ok"] or a["error"]["code"] == "shutting_down" for a in answers), answers[:2])
        engine.start()
        count = [e["data"]["customer"] for e in client.log() if e["type"] == "CustomerPut"].count("busy")
        check("what was accepted is there", count >= sum(a["ok"] for a in answers), (count, len(answers)))
        same("SIGINT ends it, too", daemon.end(engine.process, signal.SIGINT), 0)


main()

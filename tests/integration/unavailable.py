#!/usr/bin/python3
"""What is unavailable is so for a while: a wait too many is told to come again, and so is what comes while the engine stops;
the same command under the same id is accepted later. (A full disk is in diskfull.)"""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
import zmq
from pedido_raw import Port, pack, request, unpack
from story import check, same, say

WAITS = 16384  # what one engine holds
PIPELINED = 6000


def hear(port, count, timeout=10.0):
    """Up to so many answers, by id."""
    answers = {}
    while len(answers) < count:
        frames = port.receive(timeout)
        if frames is None:
            break
        answer = unpack(frames[-1])
        answers[answer["id"]] = answer
    return answers


def too_many_waits(engine, client):
    order = shop.walk_to_open(client, shop.item("vps"))
    port, wait = Port(engine.endpoint), {"order": order, "wait_ms": 60000, "until": "end"}
    for n in range(WAITS + 1):
        port.send([pack(request("CheckStatus", wait, "wait-%d" % n))])
    answers = hear(port, 1)
    same("of %d waits one is answered, the last" % (WAITS + 1), list(answers), ["wait-%d" % WAITS])
    error = answers["wait-%d" % WAITS]["error"]
    same("it is busy", error["code"], "busy")
    check("and says when to come again", error["retry_after_ms"] > 0 and str(error["retry_after_ms"]) in error["message"], error)
    check("the others are held", port.receive(0.2) is None)
    check("who does not wait is served", shop.status(client, order)["state"] == "provisioning")
    worker = engine.worker("w1", ["hosting"])
    worker.success(worker.next())
    answers = hear(port, WAITS)
    same("when the order ends, every one of them is answered", len(answers), WAITS)
    check("with its state", all(a["ok"] and a["data"]["state"] == "completed" for a in answers.values()))
    port.send([pack(request("CheckStatus", wait, "wait-%d" % WAITS))])
    check("the one too many is accepted under its id", hear(port, 1)["wait-%d" % WAITS]["ok"])
    worker.goodbye()
    worker.close()
    port.close()


def stop_with_a_wait(engine, client):
    order = shop.walk_to_open(client, shop.item("vps"))
    port = Port(engine.endpoint)
    port.send([pack(request("CheckStatus", {"order": order, "wait_ms": 60000}, "held"))])
    check("a wait is held", port.receive(0.3) is None)
    engine.process.send_signal(signal.SIGTERM)
    same("a stop tells it to come again", hear(port, 1)["held"]["error"]["code"], "shutting_down")
    same("and ends with 0", engine.process.wait(15), 0)
    port.close()
    engine.start()


def stop_under_load(engine, round):
    """SIGTERM amid pipelined commands; what was sent, and what was answered."""
    sent, told = {}, False
    port = Port(engine.endpoint)
    port.ask(pack(request("Hello", id="first")), lambda answer: True, 10)
    port.socket.sndtimeo = 500
    for n in range(PIPELINED):
        id = "stop-%d-%d" % (round, n)
        sent[id] = {"customer": id, "name": "Cliente %d" % n}
        if n == PIPELINED // 2:
            engine.process.send_signal(signal.SIGTERM)
            told = True
        try:
            port.send([pack(request("PutCustomer", sent[id], id))])
        except zmq.Again:
            break  # nobody takes it any more
    check("the stop came amid the load", told)
    answers = hear(port, len(sent), 1.0)
    same("SIGTERM under load ends it with 0", engine.process.wait(15), 0)
    port.close()
    return sent, answers


def stopping(engine, client):
    for round in range(10):
        sent, answers = stop_under_load(engine, round)
        accepted = {id: a["position"] for id, a in answers.items() if a["ok"]}
        refused = {id: a["error"]["code"] for id, a in answers.items() if not a["ok"]}
        say("       %d sent, %d accepted, %d refused" % (len(sent), len(accepted), len(refused)))
        check("nothing but shutting_down is said", set(refused.values()) <= {"shutting_down", "busy"}, set(refused.values()))
        engine.start()
        log = {e["command"]: e["position"] for e in client.log()}
        check("what was accepted is in the log", all(log.get(id) == position for id, position in accepted.items()))
        check("what was refused is not", not set(refused) & set(log))
        ids = [id for id in sent if id not in accepted]
        again = []
        for at in range(0, len(ids), 1000):
            again += client.array([request("PutCustomer", sent[id], id) for id in ids[at:at + 1000]])
        check("all of it is accepted under its id by the next engine", all(a["ok"] for a in again))
        if "shutting_down" in refused.values():
            return
    check("shutting_down was said", False)


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        too_many_waits(engine, client)
        stop_with_a_wait(engine, client)
        stopping(engine, client)
        log = client.log()
        check("positions run from 1 without gap", shop.gapless(log))
        commands = [e["command"] for e in log if e["command"].startswith("stop-")]
        same("nothing was done twice", len(commands), len(set(commands)))
        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)


main()

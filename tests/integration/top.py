#!/usr/bin/python3
"""pedido top in a real terminal: what happens is on the screen soon, an engine that is gone is said, and it comes back."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, same
from terminal import Terminal


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        shop.walk_to_open(client, shop.item("std", "uno.es"))
        shop.add(client, reference="t2")
        client.call("AttachSubscriber", {"subscriber": "slow", "holder": "h", "from": 0})
        terminal = Terminal(engine, 100, 30)
        terminal.types("pedido top --interval 0.2; echo ended with $?")
        terminal.sees("serving", "commands", "/s", "turn", "log", "ORDERS", "TASKS", "SUBSCRIBERS")
        terminal.sees("Draft", "1   1 wait, 0 at work", "default/slow")
        terminal.sees("nobody for hosting")
        terminal.sees("EVENTS", "order/2", "OrderAdded", "order/1", "OrderOpened")
        shop.add(client, reference="t3")
        terminal.sees("Draft                     2")
        terminal.sees("EVENTS", "order/3", "OrderAdded")
        with_worker = engine.worker("w1", ["hosting"], credit=4)
        with_worker.ready()
        terminal.sees("0 wait, 1 at work", "w1", "1 of 4")
        terminal.types(" ", "")
        terminal.sees("paused")
        terminal.types(" ", "")
        terminal.sees("serving")
        engine.kill()
        terminal.sees("NO ANSWER")
        engine.start()
        terminal.sees("serving")
        terminal.types("q", "")
        terminal.sees("ended with 0")
        terminal.close()
        code, said, talk = engine.pedido("top")
        check("where there is no terminal it says what to do", code == 2 and "pedido status" in talk, talk)
        same("and what it is told is looked at", engine.pedido("top", "--interval", "0")[0], 2)


main()

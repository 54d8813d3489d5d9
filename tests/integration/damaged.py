#!/usr/bin/python3
"""A row is damaged on disk while the engine serves: whoever asks for it is told so, nothing is decided on it, others are
served; `verify` names it and `rebuild` mends it, and so does the start after somebody has met it; but where the log
itself is damaged, nothing is thrown away and nothing served."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from damage import alter
from pedido_raw import pack, request
from story import check, eventually, same


def code_of(answer):
    return answer.get("error", {}).get("code")


def serves_on(client, before):
    """The row of nunez is damaged."""
    order = {"customer": "nunez", "items": [shop.item("vps")]}
    same("the damaged customer is answered with internal", code_of(client.ask("GetCustomer", {"customer": "nunez"})), "internal")
    refused = client.call("AddOrder", order, "damaged-1")
    same("so is an order for it", code_of(refused), "internal")
    check("which says what to do", "pedidod rebuild" in refused["error"]["message"], refused)
    same("and a change of it", code_of(client.call("PutCustomer", {"customer": "nunez", "name": "N"})), "internal")
    same("a list does not leave it out in silence", code_of(client.ask("ListCustomers")), "internal")
    same("another customer is there", client.query("GetCustomer", {"customer": "lopez"})["customer"], before["lopez"])
    same("and can order", shop.add(client, shop.item("vps"), customer="lopez")["order"], 2)
    answers = client.array([request("AddOrder", order), request("ConfirmOrder", {"order": 2})])
    same("in one array, too", [code_of(a) for a in answers], ["internal", None])
    eventually("nothing was said of the other", lambda: {e["data"].get("customer") for e in client.log()[-2:]} == {"lopez", None})


def is_not_done_twice(engine):
    """The event of a command is damaged while the engine serves; then the command is sent again."""
    client = engine.client()
    same("a customer is put", client.call("PutCustomer", {"customer": "ruiz", "name": "Ruiz"}, "damaged-2")["ok"], True)
    for turn in range(3):
        client.call("PutCustomer", {"customer": "later%d" % turn, "name": "Luego"})
    client.log()  # the views have seen it, too
    check("its event's id is altered", alter(engine.data, b"damaged-2", b"damaged-3") > 0)
    again = client.call("PutCustomer", {"customer": "ruiz", "name": "Ruiz"}, "damaged-2")
    same("the same command again is refused, not done twice", code_of(again), "internal")
    same("nor is the log shown as if it were whole", code_of(client.ask("ReadLog", {})), "internal")
    check("the event is put right again", alter(engine.data, b"damaged-3", b"damaged-2") > 0)
    again = client.call("PutCustomer", {"customer": "ruiz", "name": "Ruiz"}, "damaged-2")
    check("and the answer is the one of then", again["ok"] and again["data"]["version"] == 1, again)


def shows_damage(engine):
    """A list is asked for, and comes upon it."""
    with engine.client() as client:
        client.ask("ListOrders", {})
    return os.path.exists(os.path.join(engine.data, "rows", "damaged"))


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        shop.add(client, shop.item("vps"), customer="nunez")
        before = {c["customer"]: c for c in client.rows("ListCustomers", "customers")}
        name = pack("nunez") + pack("Café Núñez")
        check("a row is altered on disk", alter(engine.data, name, name.replace(b"C", b"K")) > 0)
        for turn in range(3):  # what was looked at lately is still in memory, and well
            client.call("PutCustomer", {"customer": "other%d" % turn, "name": "Otro"})
        serves_on(client, before)

        same("SIGTERM ends it", engine.stop(), 0)
        code, said = engine.offline("verify")
        check("verify fails and names the row", code == 1 and "customer" in said, said)
        code, said = engine.offline("rebuild")
        check("rebuild mends it", code == 0, said)
        code, said = engine.offline("verify")
        check("verify finds nothing wrong", code == 0, said)
        engine.start()
        same("the customer is there again", client.query("GetCustomer", {"customer": "nunez"})["customer"], before["nunez"])
        answer = client.call("AddOrder", {"customer": "nunez", "items": [shop.item("vps")]}, "damaged-1")
        check("what was refused is accepted, under its id", answer["ok"], answer)

        is_not_done_twice(engine)
        before = client.rows("ListOrders", "orders")
        same("SIGTERM ends it", engine.stop(), 0)
        row = pack("damaged-1") + pack("nunez")  # side by side in the order's row only
        check("the newest order's row is altered", alter(engine.data, row, row[:-1] + b"s") > 0)
        engine.start()
        eventually("who makes the views anew, which are altered as well, meets it", lambda: shows_damage(engine))
        same("SIGTERM ends it", engine.stop(), 0)
        engine.start()
        client = engine.client()
        same("a start gives it back from the log", client.rows("ListOrders", "orders"), before)
        check("and says so", "rows_damaged" in engine.log(), engine.log())
        added = shop.add(client, shop.item("vps"), customer="lopez")
        same("its number is not given again", added["order"], before[-1]["order"] + 1)

        same("SIGTERM ends it", engine.stop(), 0)
        event = pack("reference") + pack("damaged-1")  # in its events only
        altered = alter(engine.data, row, row[:-1] + b"s"), alter(engine.data, event, event[:-1] + b"2")
        check("a row and an event are altered", all(altered), altered)
        engine.start()
        eventually("somebody meets the row", lambda: shows_damage(engine))
        same("SIGTERM ends it", engine.stop(), 0)
        try:
            engine.start()
            check("an engine whose log cannot mend it does not serve", False)
        except RuntimeError as error:
            check("an engine whose log cannot mend it does not serve", "record_damaged" in str(error), str(error))
        code, said = engine.offline("rebuild")
        check("rebuild throws nothing away then", code == 1 and "record_damaged" in said, said)


main()

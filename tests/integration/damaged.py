#!/usr/bin/python3
"""A row is damaged on disk while the engine serves: whoever asks for it is told so, nothing is decided on it, others are
served; `verify` names it and `rebuild` mends it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from damage import alter
from pedido_raw import pack, request
from story import check, same


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
    same("another customer is there", client.query("GetCustomer", {"customer": "lopez"})["customer"], before["lopez"])
    same("and can order", shop.add(client, shop.item("vps"), customer="lopez")["order"], 2)
    answers = client.array([request("AddOrder", order), request("ConfirmOrder", {"order": 2})])
    same("in one array, too", [code_of(a) for a in answers], ["internal", None])
    same("nothing was said of the other", {e["data"].get("customer") for e in client.log()[-2:]}, {"lopez", None})


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        shop.furnish(client)
        shop.add(client, shop.item("vps"), customer="nunez")
        before = {c["customer"]: c for c in client.rows("ListCustomers", "customers")}
        name = pack("nunez") + pack("Café Núñez")
        check("a row is altered on disk", alter(engine.data, name, name.replace(b"C", b"K")) > 0)
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


main()

#!/usr/bin/python3
"""What a person sees: real terminals, in both languages, from an empty engine to an order of one's own."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from story import check, same, say
from terminal import Terminal

PROVISION = """#!/bin/sh
echo "40% making $PEDIDO_DOMAIN_UNICODE"
while [ ! -e "$(dirname "$0")/go" ]; do sleep 0.05; done
echo "{\\"login\\":\\"https://panel.example/$PEDIDO_INSTANCE\\"}"
"""


def ask_for_an_order(terminal, words, customer):
    """The form, step by step, from the first question to the order that is open; `words` are what it says in its language."""
    terminal.types("pedido order add")
    if customer is None:
        terminal.sees(words["new customer"])
        terminal.types("lopez")
        terminal.sees(words["name"])
        terminal.types("Panadería López")
    else:
        terminal.sees("lopez", words["customer"])
        terminal.types(customer)
    terminal.sees("hosting-std", "licencia-oficina", words["plan"])
    terminal.types("estandar" if customer else "estándar")
    terminal.sees("1", words["one month"], "9.90 EUR", "2", words["one year"], "99.00 EUR", words["period"])
    terminal.types("2")
    terminal.sees(words["domain"])
    terminal.types("co.uk")
    terminal.sees("domain_invalid", words["domain"])
    terminal.types("tienda.panadería-lópez.es" if customer else shop.DOMAIN)
    terminal.sees(words["more"])
    terminal.types("n")
    terminal.sees(words["draft"], shop.HOSTING, words["one year"], "xn--", words["total"], "99.00 EUR", words["confirm"])
    terminal.types("")
    terminal.sees(words["new"], words["open"])
    terminal.types("")
    return terminal.sees(words["provisioning"], "--wait")


ENGLISH = {
    "new customer": "The new customer's id", "name": "Its name:", "customer": "Customer (", "plan": "Plan (",
    "one month": "1 month", "one year": "1 year", "period": "Period (", "domain": "Domain name", "more": "Another plan",
    "draft": "Draft", "total": "total",
    "confirm": "Confirm this order?", "new": "New", "open": "Open it for provisioning now?", "provisioning": "Provisioning",
}
SPANISH = {
    "customer": "Cliente (", "plan": "Plan (", "one month": "1 mes", "one year": "1 año", "period": "Periodo (",
    "domain": "dominio",
    "more": "[N]o, [s]í", "draft": "Borrador", "total": "total", "confirm": "[b]orrador", "new": "Nuevo", "open": "[S]í, [n]o",
    "provisioning": "Aprovisionando",
}


def in_english(engine):
    terminal = Terminal(engine, 100)
    ask_for_an_order(terminal, ENGLISH, None)
    say("ok     asked step by step, from an empty list of customers to an open order")
    terminal.clear()
    terminal.types("pedido order status 1 --wait")
    terminal.sees("Order 1,", "s: Provisioning", "No worker for the group: hosting, since")
    say("ok     the live line says why it hangs")
    terminal.tmux("send-keys", "C-c")
    terminal.prompts()
    terminal.types("echo it was $?")
    screen = terminal.sees("it was 130")
    check("Ctrl-C leaves nothing of it behind", " s: Provisioning" not in screen, screen)
    terminal.types("pedido order status 1 --wait")
    script = os.path.join(engine.place, "provision.sh")
    with open(script, "w") as file:
        file.write(PROVISION)
    os.chmod(script, 0o755)
    worker = engine.pedido_worker("--group", "hosting", "--exec", script, "--name", "w1")
    terminal.sees("w1", "40 %", "making " + shop.DOMAIN)
    say("ok     and how far the worker is")
    open(os.path.join(engine.place, "go"), "w").close()
    screen = terminal.sees("Completed", "next: pedido subscription show 1")
    check("the live line is gone when all is said", " s: " not in screen, screen)
    terminal.clear()
    terminal.types("pedido order show 1")
    terminal.sees("Order 1", "Completed", "$")
    coloured = terminal.screen(True)
    check("states have colours on a terminal", "\x1b[32mCompleted" in coloured.replace("\x1b[39m", ""), coloured)
    terminal.clear()
    terminal.types("pedido order add")
    terminal.sees("Customer (")
    terminal.tmux("send-keys", "C-d")
    terminal.sees("Nothing was ordered.")
    terminal.prompts()
    terminal.types("echo $?; pedido order add")
    terminal.sees("12", "Customer (")
    terminal.tmux("send-keys", "C-c")
    terminal.prompts()
    terminal.types("echo it was $?")
    terminal.sees("it was 130")
    terminal.types("pedido order add lopez --id the-id")
    terminal.sees("Plan (")
    for answer in ("licencia-oficina", "1m", "0", "2", "n", "y", "n"):
        terminal.types(answer)
        time.sleep(0.25)
    terminal.sees("Order 2", "New", "pedido order open 2")
    say("ok     --id is the order's, not that of what follows")
    engine.client().do("CancelOrder", {"order": 2})
    same("whoever leaves the form has ordered nothing", [o["state"] for o in engine.client().rows("ListOrders", "orders")],
         ["completed", "cancelled"])
    terminal.clear()
    terminal.types("pedido events tail --order 1")
    terminal.sees("following default", "Ctrl-C ends")
    terminal.tmux("send-keys", "C-c")
    terminal.prompts()
    terminal.types("echo it was $?")
    terminal.sees("it was 0")
    say("ok     Ctrl-C ends the tail with 0")
    terminal.close()
    return worker


def in_spanish(engine):
    terminal = Terminal(engine, 90, LANG="es_MX.UTF-8", NO_COLOR="1")
    ask_for_an_order(terminal, SPANISH, "panadería")
    check("no colours where they are not wanted", "\x1b[3" not in terminal.screen(True), terminal.screen(True))
    terminal.types("pedido order status 3 --wait")
    terminal.sees("Completado")
    terminal.clear()
    terminal.types("pedido order history 3")
    terminal.sees("OrderAdded", "Borrador", "Nuevo", "OrderCompleted", "Completado")
    say("ok     the same way in Spanish")
    terminal.close()


def on_a_narrow_one(engine):
    terminal = Terminal(engine, 60)
    terminal.types("pedido plan list")
    screen = terminal.sees("FROM", "licencia-oficina", "\n$")
    check("long names go on in the next line of their column", "Hosting estándar\n" not in screen and not any(
        line.startswith("electrónico") for line in screen.splitlines()), screen)
    terminal.close()
    terminal = Terminal(engine, 20)
    terminal.types("pedido plan list")
    screen = terminal.sees("licencia-oficina", "8.50 EUR", "\n$")
    check("on 20 columns a row is a list", "PLAN\n  licencia-oficina\nNAME\n  Licencia de\n  ofimática\n" in screen, screen)
    terminal.close()


def main():
    with daemon.Engine() as engine:
        engine.pedido("plan", "import", os.path.join(daemon.ROOT, "clients", "cli", "examples", "catalogue.json"))
        worker = in_english(engine)
        in_spanish(engine)
        on_a_narrow_one(engine)
        same("the worker ends with 0", daemon.end(worker), 0)


main()

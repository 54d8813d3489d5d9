#!/usr/bin/python3
"""The Python client: commands, queries, refusals, arrays, pages, and the same id again until it is answered, when the engine is
killed with it; blocking and under asyncio. And pip makes a package of it that works."""

import asyncio
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from between import Between
from python_package import PLACE, pedido, refused
from story import check, same, say

from pedido.messages import (AddNote, AddOrder, CheckStatus, ConfirmOrder, HoldCustomer, ItemRequest, ListCustomers, ListOrders,
                             ListTasks, OpenOrder, PutCustomer, WorkerReady)

MANY = 1500
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def walk(engine, client):
    hello = client.hello()
    same("Hello tells the other ports", hello.endpoints.queries, engine.endpoints["queries"])
    review = client.add_order(customer="lopez", items=[ItemRequest(plan="care", period="1m", quantity=2)], reference="web-1")
    same("an order is added", (review.order, review.state, review.total, review.items[0].plan_name), (1, "draft", 19800, "Soporte"))
    trial = client.using(dry_run=True).add_order(customer="lopez", items=[{"plan": "vps", "period": "1y"}])
    same("a dry run answers, and adds nothing", (trial.order, len(list(client.rows(ListOrders())))), (None, 1))
    error = refused(lambda: client.using(expect=7).confirm_order(order=1))
    same("another version than is expected is refused", (error.code, error.version, error.error_class),
         ("version_conflict", 1, "conflict"))
    client.using(expect=1, on_behalf_of="Ana", trace=TRACE).confirm_order(reference="web-1")
    answer = client.call(OpenOrder(order=1), id="open-1")
    same("it is opened, and completed", (answer.data.state, answer.id), ("completed", "open-1"))
    again = client.call(OpenOrder(order=1), id="open-1")
    same("the same id again has the same answer", again, answer)
    seen = client.using(at_least=answer.position).get_order(order=1)
    same("a query that shows at least that", seen.order.state, "completed")
    history = [pedido.event_of(view, hello.log) for view in client.get_order_history(order=1).events]
    same("its events are typed", [type(event.data).__name__ for event in history][:2], ["OrderAdded", "OrderConfirmed"])
    same("and say who it was for", (history[1].on_behalf_of, history[1].trace), ("Ana", TRACE))
    client.put_reseller(reseller="norte", name="Norte")
    north = client.using(reseller="norte")
    north.put_customer(customer="solo", name="Solo")
    same("another reseller has his own", [c.customer for c in north.rows(ListCustomers())], ["solo"])
    same("and the first one his", "solo" in [c.customer for c in client.rows(ListCustomers())], False)
    begun = time.monotonic()
    status = client.check_status(order=1, wait_ms=300)
    check("a wait is waited for", time.monotonic() - begun >= 0.3 and status.state == "completed")


def refusals(client):
    error = refused(lambda: client.open_order(order=1))
    same("what cannot be done says what can", (error.code, error.state, error.command, error.allowed, error.type),
         ("illegal_transition", "completed", "OpenOrder", [], "OpenOrder"))
    error = refused(lambda: client.add_order(customer="lopez", items=[{"plan": "none", "period": "1y"}]))
    same("a field is named", (error.code, error.field, error.error_class), ("plan_not_found", "items[0].plan", "not_found"))
    error = refused(lambda: client.add_order(customer="lopez", items=[{"plan": "vps", "period": "1y"}], reference="web-1"))
    same("a reference that is taken names its order", (error.code, error.order), ("reference_taken", 1))
    error = refused(lambda: client.call(PutCustomer(customer="lopez", name="Otro"), id="open-1"))
    same("an id is of one command", error.code, "id_reused")
    error = refused(lambda: client.call(OpenOrder(order=1, reference="web-1")))
    same("two names of one thing", (error.code, error.field), ("invalid_field", "reference"))
    none = ItemRequest(plan="p", period="1y", quantity=0)
    for field, call in (("items[0].quantity", lambda: client.add_order(customer="l", items=[none])),
                        ("message", lambda: client.call(WorkerReady(worker="w1", groups=["g"], credit=1))),
                        ("message", lambda: client.call({"type": "Hello"})),
                        ("query", lambda: list(client.rows(pedido.messages.Health()))),
                        ("messages", lambda: client.call_all([PutCustomer(customer="c", name="C")] * 1025)),
                        ("message", lambda: client.call_all([AddNote(order=1, text="x" * 2000)] * 600)),
                        ("messages", lambda: client.call_all([ListOrders()]))):
        try:
            call()
            check("it is not sent: " + field, False)
        except pedido.Invalid as error:
            same("it is not sent, and told why: %s" % error, error.field, field)
    try:
        client.using(resseller="norte")
        check("an option that there is not", False)
    except TypeError as error:
        check("an option that there is not: %s" % error, "resseller" in str(error))


def arrays(client):
    order = AddOrder(customer="lopez", items=[ItemRequest(plan="care", period="1m")], reference="web-2")
    first = client.prepare(order, id="array-1")
    answers = client.call_all([first, HoldCustomer(customer="nobody", reason="x"), ConfirmOrder(reference="web-2"),
                               client.prepare(OpenOrder(reference="web-2"), expect=9), OpenOrder(reference="web-2")])
    same("each is answered or refused, in order", [(a.type, a.ok) for a in answers], [
        ("AddOrder", True), ("HoldCustomer", False), ("ConfirmOrder", True), ("OpenOrder", False), ("OpenOrder", True)])
    same("with its own answer", (answers[0].data.state, answers[1].code, answers[3].code, answers[4].data.state),
         ("draft", "customer_not_found", "version_conflict", "completed"))
    same("under its own id", (answers[0].id, answers[1].id == answers[0].id), ("array-1", False))
    same("none is none", client.call_all([]), [])
    for n in range(0, MANY, 1000):
        commands = [PutCustomer(customer="c%04d" % i, name="Cliente %d" % i) for i in range(n, min(MANY, n + 1000))]
        check("%d at once" % len(commands), all(a.ok for a in client.call_all(commands)))


def pages(client):
    names = [c.customer for c in client.rows(ListCustomers(text="cliente"), limit=400)]
    same("every row of every page, once", names, ["c%04d" % n for n in range(MANY)])
    sizes = [len(page.data.customers) for page in client.pages(ListCustomers(), limit=1000)]
    same("pages are as long as they may be", sizes, [1000, MANY + 2 - 1000])
    newest = next(client.rows(ListCustomers(), sort="newest"))
    same("in the order that is asked for", newest.customer, "c%04d" % (MANY - 1))
    same("none of what there is not", list(client.rows(ListTasks())), [])


def silent(client_class):
    """Nobody answers: it is told, with the id that may be used again."""
    with client_class("ipc:///nowhere/there", timeout=0.2, patience=0.5) as client:
        begun = time.monotonic()
        try:
            client.call(PutCustomer(customer="a", name="A"), id="lost-1")
            check("nobody answers", False)
        except pedido.NoAnswer as error:
            took = time.monotonic() - begun
            check("nobody answers, in time: %s" % error, error.id == "lost-1" and 0.4 < took < 2, took)
    try:
        client_class("nonsense").hello()
        check("an endpoint that is none", False)
    except pedido.Invalid as error:
        same("an endpoint that is none", error.field, "endpoint")


def lost_answers(engine):
    """An answer that is lost is had again; what is to come later comes later; each is done once."""
    with Between(engine) as between, pedido.Client(between.endpoint, timeout=0.3, patience=5) as client:
        head = client.hello().head
        between.lose_answers = 2
        answer = client.call(PutCustomer(customer="lost", name="Perdido"))
        same("two answers are lost, the third one comes", [m["id"] for m in between.seen], [answer.id] * 3)
        same("and it is done once", answer.position, head + 1)
        between.put_off, between.seen[:] = ["busy", "storage_full", "shutting_down"], []
        answer = client.call(PutCustomer(customer="late", name="Tarde"))
        same("what is put off is sent again", ([m["id"] for m in between.seen], answer.position), ([answer.id] * 4, head + 2))
        between.deafen()
        same("a connection that is stuck is opened anew", client.call(PutCustomer(customer="new", name="Nuevo")).position, head + 3)
        between.put_off = ["storage_full"] * 1000
        with pedido.Client(between.endpoint, timeout=0.3, patience=0.4) as hasty:
            error = refused(lambda: hasty.put_customer(customer="no", name="No"))
        same("but not for ever", (error.code, error.error_class, error.retry_after_ms), ("storage_full", "unavailable", 50))


class Sender(threading.Thread):
    """Sends commands until it is told to end."""

    def __init__(self, engine):
        super().__init__()
        self.engine, self.answers, self.over = engine, [], False

    def run(self):
        with pedido.Client(self.engine.endpoint, timeout=0.3, patience=20) as client:
            while not self.over:
                self.answers.append(client.call(PutCustomer(customer="k%d" % len(self.answers), name="Kill")))


def killed(engine):
    """The engine is killed again and again while commands are sent: each is answered, and done once."""
    with pedido.Client(engine.endpoint) as client:
        head = client.hello().head
    sender = Sender(engine)
    sender.start()
    for _ in range(4):
        time.sleep(0.4)
        engine.restart()
    sender.over = True
    sender.join()
    same("each is there once, after four kills", [a.position for a in sender.answers],
         list(range(head + 1, head + 1 + len(sender.answers))))
    say("%d commands" % len(sender.answers))


def under_asyncio(engine):
    asyncio.run(tasks(engine))


async def tasks(engine):
    async with pedido.aio.Client(engine.endpoint, timeout=0.5, patience=20) as client:
        answers = await asyncio.gather(*(client.call(PutCustomer(customer="t%d" % n, name="Tarea")) for n in range(300)))
        same("many at a time", len({a.position for a in answers}), 300)
        statuses = [client.check_status(order=1, wait_ms=2000), client.check_status(order=2)]
        done, waiting = await asyncio.wait([asyncio.ensure_future(s) for s in statuses], return_when=asyncio.FIRST_COMPLETED)
        same("a wait keeps nobody waiting", [(t.result().order) for t in done], [2])
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        sent = [asyncio.create_task(client.call(PutCustomer(customer="u%d" % n, name="Tarea"))) for n in range(100)]
        await asyncio.sleep(0)
        engine.kill()
        engine.start()
        positions = [(await each).position for each in sent]
        same("a hundred that were under way when it was killed are each done once", len(set(positions)), 100)
        rows = [row.customer async for row in client.rows(ListCustomers(text="tarea"), limit=150)]
        same("rows by pages", len(rows), 400)
        both = await client.call_all([ConfirmOrder(order=1), CheckStatus(order=1)])
        same("arrays", [getattr(a, "code", a.ok) for a in both], ["illegal_transition", True])
        try:
            await client.open_order(order=999)
            check("a refusal", False)
        except pedido.Refused as error:
            same("a refusal", error.code, "order_not_found")
        await stuck(engine)
        await together(engine)
        first = asyncio.create_task(client.call(CheckStatus(order=1, wait_ms=500), id="twice"))
        await asyncio.sleep(0.05)
        try:
            await client.call(CheckStatus(order=1), id="twice")
            check("an id that is under way", False)
        except pedido.Invalid as error:
            same("an id that is under way is not sent twice", error.field, "id")
        await first
        first = asyncio.create_task(client.call(CheckStatus(order=1, wait_ms=5000)))
        await asyncio.sleep(0.05)
        client.close()
        try:
            await first
            check("a client that is closed answers nobody", False)
        except pedido.NoAnswer as error:
            check("a client that is closed says so at once to who waits: %s" % error, error.waited < 1)


async def stuck(engine):
    """Of two calls on a connection that is stuck, the hasty one opens it anew, for the patient one, too."""
    with Between(engine) as between:
        async with pedido.aio.Client(between.endpoint, timeout=0.3) as client:
            order = (await client.add_order(customer="lopez", items=[ItemRequest(plan="care", period="1m")])).order
            between.deafen()
            begun = time.monotonic()
            waits = asyncio.create_task(client.check_status(order=order, wait_ms=5000))
            await asyncio.sleep(0)
            await client.cancel_order(order=order)
            same("a wait on a connection that is stuck is answered", (await waits).state, "cancelled")
            took = time.monotonic() - begun
            check("since it was sent again with the other call", took < 2, took)


async def together(engine):
    """What is called in one round of the loop goes together, and ends on its own."""
    def put(n):
        return client.put_customer(customer="v%d" % n, name="Juntos")

    async def own(numbers):
        return [a.customer for a in await asyncio.gather(*map(put, numbers))] == ["v%d" % n for n in numbers]
    with Between(engine) as between:
        async with pedido.aio.Client(between.endpoint, timeout=0.5) as client:
            await client.hello()
            del between.sizes[:]
            check("each of 600 has its own answer", await own(range(600)))
            same("in three messages", between.sizes, [256, 256, 88])
            answers = await asyncio.gather(put(1), client.open_order(order=999), put(2), return_exceptions=True)
            same("a refusal is that of its call", [getattr(a, "code", "ok") for a in answers], ["ok", "order_not_found", "ok"])
            del between.sizes[:]
            await asyncio.gather(put(3), client.check_status(order=1, wait_ms=1, until="change"), client.health(), put(4), put(5))
            same("what may wait goes alone, and the order stays", between.sizes, [1, 1, 2])
            between.lose_arrays = 1
            del between.sizes[:]
            check("an array whose answer is lost", await own(range(700, 710)))
            check("goes again", sum(between.sizes) >= 20 and between.sizes[0] == 10, between.sizes)
            between.no_arrays = True
            del between.sizes[:]
            check("where none is taken", await own(range(720, 730)))
            same("each goes again alone", between.sizes, [10] + [1] * 10)
            between.no_arrays = False
            between.busy_in_arrays = 3
            del between.sizes[:]
            check("those that are told to come later", await own(range(800, 810)))
            check("come later, and nobody else", sum(between.sizes) == 13 and between.sizes[0] == 10, between.sizes)


def installed(engine):
    """By pip, without a network, and without leaving anything behind."""
    if subprocess.run(["/usr/bin/python3", "-m", "pip", "--version"], capture_output=True).returncode != 0:
        say("pip is not here")
        return
    before, target = sorted(os.listdir(PLACE)), os.path.join(engine.place, "site")
    pip = ["/usr/bin/python3", "-B", "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", target, "."]
    done = subprocess.run(pip, cwd=PLACE, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    same("pip installs it", (done.returncode, done.stderr.decode() if done.returncode else ""), (0, ""))
    same("and leaves nothing", sorted(os.listdir(PLACE)), before)
    code = "import pedido; print(pedido.__file__); print(pedido.Client(%r).hello().protocol)" % engine.endpoint
    said = subprocess.run(["/usr/bin/python3", "-c", code], cwd=engine.place, env=dict(os.environ, PYTHONPATH=target),
                          capture_output=True, timeout=20)
    same("it works where it is", said.stdout.decode().split(), [os.path.join(target, "pedido", "__init__.py"), "1"])


def main():
    with daemon.Engine() as engine:
        with engine.client() as raw:
            shop.furnish(raw)
        with pedido.Client(engine.endpoint) as client:
            walk(engine, client)
            refusals(client)
            arrays(client)
            pages(client)
        silent(pedido.Client)
        lost_answers(engine)
        killed(engine)
        under_asyncio(engine)
        installed(engine)


main()

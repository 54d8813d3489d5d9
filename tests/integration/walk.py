#!/usr/bin/python3
"""The seed's way by raw ZeroMQ: added, confirmed, opened, failed, tried again, completed; events and panel agree."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import shop
from pedido_raw import Refused, pack, request, unpack
from story import check, same, say


def refused(client, code, kind, data, **more):
    try:
        client.do(kind, data, **more)
    except Refused as error:
        same("%s is refused with %s" % (kind, code), error.code, code)
        return error.error
    check("%s is refused with %s" % (kind, code), False)


def look_around(engine, client):
    hello = client.hello()
    same("Hello names the other ports", hello["endpoints"], engine.endpoints)
    same("and protocol 1 with a log id", (hello["protocol"], len(hello["log"])), (1, 32))
    shop.furnish(client)
    plans = client.query("ListPlans", {"text": "estándar"})["plans"]
    same("the plan is found by a part of its name", [p["name"] for p in plans], [shop.HOSTING])
    periods = client.query("ListPeriods", {"plan": "std"})["periods"]
    same("with its periods", [p["period"] for p in periods], ["1m", "1y"])


def order(client):
    dry = client.do("AddOrder", {"customer": "lopez", "items": [shop.item(domain=shop.DOMAIN)]}, dry_run=True)
    check("a dry run answers without a number", "order" not in dry and dry["total"] == 12400, dry)
    review = shop.add(client, shop.item(domain=shop.DOMAIN, parameters={"disk": "10 GB"}), on_behalf_of="ana")
    item = review["items"][0]
    same("the review has number, state and total", (review["order"], review["state"], review["total"]), (1, "draft", 12400))
    check("the domain in both spellings", item["domain"].startswith("xn--") and item["domain_unicode"] == shop.DOMAIN, item)
    check("and what is next", "ConfirmOrder" in review["allowed"], review["allowed"])
    refused(client, "total_mismatch", "ConfirmOrder", {"order": 1, "total": 1})
    refused(client, "illegal_transition", "OpenOrder", {"order": 1})
    answer = client.call("ConfirmOrder", {"order": 1, "total": 12400})
    same("confirmed, the order is new", answer["data"]["state"], "new")
    same("opened, it is provisioning", client.do("OpenOrder", {"order": 1})["state"], "provisioning")
    refused(client, "domain_taken", "AddOrder", {"customer": "nunez", "items": [shop.item(domain=shop.DOMAIN)]})
    check("the status says what is missing", "hosting" in shop.status(client, 1).get("blocked_by", ""))
    same("the subscription is ordered", client.query("GetSubscription", {"subscription": 1})["subscription"]["status"], "ordered")


def provision(engine, client):
    worker = engine.worker("w1", ["hosting"])
    first = worker.next()
    same("the worker is handed the task", (first["customer"], first["plan_name"], first["domain_unicode"], first["parameters"],
                                           first["attempt"], first["lease"]),
         ("lopez", shop.HOSTING, shop.DOMAIN, {"disk": "10 GB"}, 1, 1))
    worker.progress(first, 40, "copiando")
    here = shop.status(client, 1)["items"][0]
    same("its progress is seen", (here["progress"], here["message"], here["worker"]), (40, "copiando", "w1"))
    worker.failure(first, "no room on s7")
    here = shop.status(client, 1)
    same("its failure, too", (here["state"], here["reason"]), ("provisioning_failed", "no room on s7"))
    check("and the way out", "RetryProvisioning" in here["allowed"], here["allowed"])
    client.do("RetryProvisioning", {"order": 1})
    second = worker.next()
    same("tried again: attempt 2, the same instance", (second["attempt"], second["instance"]), (2, first["instance"]))
    check("under a higher lease", second["lease"] > first["lease"], second["lease"])

    waiting = request("CheckStatus", {"order": 1, "wait_ms": 20000, "until": "end"})
    client.commands.send([pack(waiting)])
    check("a waiting CheckStatus is held back", client.commands.receive(0.3) is None)
    worker.success(second, {"login": "https://panel.example/lopez"})
    frames = client.commands.receive(5)
    check("and answered at the end", frames is not None)
    same("completed", unpack(frames[-1])["data"]["state"], "completed")
    worker.goodbye()
    worker.close()


def topics(events):
    """As section 6 makes them: task events stand under their order."""
    kinds = {"Order": "order", "Task": "order", "Subscription": "subscription", "Customer": "customer", "Plan": "plan",
             "Period": "plan", "Reseller": "reseller"}
    for event in events:
        kind = next(kind for prefix, kind in kinds.items() if event["type"].startswith(prefix))
        yield "%s/%s/%s/%s" % (event["reseller"], kind, event["data"][kind], event["type"])


def look_back(client, begun, subscriber, everything):
    panel = client.query("GetPanel", {"customer": "lopez"})["services"]
    check("the panel shows one service", len(panel) == 1, panel)
    service = panel[0]
    same("running, with its login", (service["service"], service["domain"], service["status"], service["service_status"],
                                     service["login"]),
         (shop.HOSTING, shop.DOMAIN, "active", "running", "https://panel.example/lopez"))
    same("until a year from now, in the reseller's calendar", service["until"], shop.expiry(service["since"], "1y"))
    log = client.log()
    check("positions run from 1 without gap", shop.gapless(log))
    streamed = [body for _, body in subscriber.events(1.5)]
    since = log[begun:]
    same("the stream had every event", [(b["position"], b["type"]) for b in streamed], [(e["position"], e["type"]) for e in since])
    check("the same in all that is said of them", all(
        a["data"] == b["data"] and a["version"] == b["version"] for a, b in zip(streamed, since)))
    mirrored = list(everything.events(1.2))
    same("~all/ mirrors them", [topic for topic, _ in mirrored], ["~all/%s" % topic for topic in topics(since)])
    everything.socket.subscribe(b"~all/~head")
    same("and its heartbeat has the log's own position", everything.receive(3)[1]["position"], mirrored[-1][1]["position"])
    history = client.query("GetOrderHistory", {"order": 1})["events"]
    types = [e["type"] for e in history]
    for wanted in ("OrderAdded", "OrderConfirmed", "OrderOpened", "TaskLeased", "TaskFailed", "OrderProvisioningFailed",
                   "OrderRetried", "TaskSucceeded", "OrderCompleted"):
        check("the history has " + wanted, wanted in types, types)
    same("who added it, on whose behalf", (history[0]["actor"], history[0].get("on_behalf_of")), ("uid/%d" % os.geteuid(), "ana"))
    states = [(e["data"].get("previous_state"), e["data"]["state"]) for e in history if "state" in e["data"]]
    check("each event's state follows the one before", all(a[1] == b[0] for a, b in zip(states, states[1:])), states)


def others(client):
    client.do("PutReseller", {"reseller": "norte", "name": "Norte"})
    north = client.query("ListOrders", reseller="norte")
    same("another reseller sees nothing of it", north["orders"], [])
    refused(client, "order_not_found", "CheckStatus", {"order": 1}, reseller="norte")
    client.do("HoldCustomer", {"customer": "nunez", "reason": "impago"})
    refused(client, "customer_on_hold", "AddOrder", {"customer": "nunez", "items": [shop.item("vps")]})
    client.do("ReleaseCustomer", {"customer": "nunez", "reason": "impago"})
    care = shop.add(client, shop.item("care"), customer="nunez", reference="web-1")["order"]
    answers = client.array([request("ConfirmOrder", {"reference": "web-1"}), request("OpenOrder", {"reference": "web-1"})])
    same("what needs no provisioning completes at once, by reference and in an array",
         [a["data"]["state"] for a in answers], ["new", "completed"])
    check("a second order has the next number", care == 2, care)


def main():
    with daemon.Engine() as engine:
        client = engine.client()
        subscriber, everything = engine.subscriber("default/"), engine.subscriber("~all/default/")
        begun = subscriber.receive(3)[1]["position"]  # a heartbeat: the subscription stands
        everything.receive(3)
        look_around(engine, client)
        order(client)
        provision(engine, client)
        look_back(client, begun, subscriber, everything)
        others(client)
        before = client.rows("ListOrders", "orders"), client.rows("ListSubscriptions", "subscriptions"), client.log()
        engine.restart()
        say("killed and restarted")
        after = client.rows("ListOrders", "orders"), client.rows("ListSubscriptions", "subscriptions"), client.log()
        check("the same orders, subscriptions and events", before == after)


main()

"""looks - what an engine says of everything that it has, for comparison with what another one said."""


def looks(engine):
    """(what, answer): the log, the things of each reseller, keys and positions."""
    with engine.client() as admin:
        resellers = [row["reseller"] for row in admin.rows("ListResellers", "resellers")]
        events = admin.rows("ReadLog", "events", {"all": True, "from": 1}, limit=1000)
        # Each start of an engine is an event, and its number is another's after that.
        yield "log", [event for event in events if event["type"] != "EngineStarted"]
        yield "keys", admin.rows("ListKeys", "keys")
        rows = admin.rows("ListSubscribers", "subscribers", {"all": True})
        yield "subscribers", [{key: row[key] for key in ("subscriber", "position")} for row in rows]
    for name in resellers:
        with engine.client(reseller=name) as client:
            for kind, key in (("ListCustomers", "customers"), ("ListPlans", "plans"), ("ListOrders", "orders"),
                              ("ListSubscriptions", "subscriptions")):
                yield "%s %s" % (name, kind), client.rows(kind, key, at_least=client.hello(fresh=True)["head"])
            for order in client.rows("ListOrders", "orders"):
                yield "%s order %d" % (name, order["order"]), client.query("GetOrder", {"order": order["order"]})
            for customer in client.rows("ListCustomers", "customers"):
                yield ("%s panel %s" % (name, customer["customer"]),
                       client.query("GetPanel", {"customer": customer["customer"]}))

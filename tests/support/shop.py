"""shop - a reseller with something to sell, and the steps of an order, for tests that speak the protocol."""

import calendar
import datetime
import zoneinfo

ZONE = "Europe/Madrid"
HOSTING = "Hosting estándar y correo electrónico"
DOMAIN = "panadería-lópez.es"


def put_plan(client, plan, name, category, domain, fees=(0, 9900), periods=("1m", "1y"), **more):
    client.do("PutPlan", dict({"plan": plan, "name": name, "category": category, "published": True, "domain": domain}, **more))
    for period in periods:
        client.do("PutPeriod", {"plan": plan, "period": period, "enabled": True, "setup_fee": fees[0],
                                "recurring_fee": fees[1], "currency": "EUR"})


def furnish(client, zone=ZONE):
    """The reseller's time zone, four plans, two customers."""
    client.do("PutReseller", {"reseller": client.reseller, "name": "Distribuidor", "time_zone": zone})
    put_plan(client, "std", HOSTING, "hosting", "exclusive", fees=(2500, 9900), worker_group="hosting")
    put_plan(client, "mail", "Correo", "mail", "exclusive", fees=(0, 1200), worker_group="mail")
    put_plan(client, "vps", "Servidor", "server", "none", worker_group="hosting")
    put_plan(client, "care", "Soporte", "support", "none", provisioning="none")
    client.do("PutCustomer", {"customer": "lopez", "name": "Panadería López", "email": "ana@panaderia-lopez.es"})
    client.do("PutCustomer", {"customer": "nunez", "name": "Café Núñez"})


def item(plan="std", domain=None, **more):
    found = {"plan": plan, "period": more.pop("period", "1y")}
    if domain is not None:
        found["domain"] = domain
    return dict(found, **more)


def add(client, *items, customer="lopez", reference=None, **more):
    """AddOrder; the review."""
    data = {"customer": customer, "items": list(items) or [item("vps")]}
    if reference is not None:
        data["reference"] = reference
    return client.do("AddOrder", data, **more)


def walk_to_open(client, *items, **more):
    """Add, confirm, open; the order's number."""
    order = add(client, *items, **more)["order"]
    client.do("ConfirmOrder", {"order": order})
    client.do("OpenOrder", {"order": order})
    return order


def status(client, order, **more):
    return client.do("CheckStatus", dict({"order": order}, **more))


def expiry(start_us, period, zone=ZONE):
    """start + period in the zone's calendar, in microseconds."""
    tz, count, unit = zoneinfo.ZoneInfo(zone), int(period[:-1]), period[-1]
    seconds, micros = divmod(start_us, 10**6)
    local = datetime.datetime.fromtimestamp(seconds, tz).replace(tzinfo=None)
    if unit == "d":
        local += datetime.timedelta(days=count)
    else:
        months = local.month - 1 + count * (12 if unit == "y" else 1)
        year, month = local.year + months // 12, months % 12 + 1
        local = local.replace(year=year, month=month, day=min(local.day, calendar.monthrange(year, month)[1]))
    return int(local.replace(tzinfo=tz).timestamp()) * 10**6 + micros


def gapless(events):
    """Whether positions run from 1 without gap, and times never go back."""
    return [e["position"] for e in events] == list(range(1, len(events) + 1)) and \
        all(a["time"] <= b["time"] for a, b in zip(events, events[1:]))

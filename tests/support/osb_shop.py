"""osb_shop - orders whose plan a service broker provides, and what both sides hold in the end."""

import json
import os
import sys

import daemon
import osb_broker
import shop
from story import check, eventually, same

EXAMPLES = os.path.join(daemon.ROOT, "clients", "worker", "examples")
PLAN = {"service_id": "server", "plan_id": "small"}


class Shop:
    """An engine and a broker; the orders are for plans that have a worker group of their own name."""

    def __init__(self, engine, broker):
        self.engine, self.broker, self.client = engine, broker, engine.client()
        shop.furnish(self.client)
        self.plans, self.log_path = os.path.join(engine.place, "plans.json"), os.path.join(engine.place, "worker-log")
        self.put_plans("vps")

    def put_plans(self, *names):
        for name in names:
            shop.put_plan(self.client, name, name, "server", "none", worker_group=name)
        self.name_plans(*names)

    def name_plans(self, *names):
        """The plans that the broker has a service for, to workers that start from now on."""
        with open(self.plans, "w") as file:
            json.dump({name: PLAN for name in names}, file)

    def worker(self, name, groups=("vps",), jobs=1, program=os.path.join(EXAMPLES, "osb_worker.py"), options=(), **environment):
        line = [sys.executable, program, "--endpoint", self.engine.endpoint, "--name", name, "--jobs", str(jobs), "--broker",
                self.broker.url, "--plans", self.plans, "--timeout", "10", "--poll", "0.1"] + list(options)
        for group in groups:
            line += ["--group", group]
        with open(self.log_path, "ab") as log:
            return daemon.spawn(line, stdout=log, stderr=log,
                                env={**os.environ, "PEDIDO_OSB_AUTH": osb_broker.CREDENTIALS, **environment})

    def order(self, plan="vps"):
        """An open order; its number, and the instance that it is to get."""
        order = shop.walk_to_open(self.client, shop.item(plan))
        return order, self.item(order)["instance"]

    def item(self, order):
        return self.client.query("GetOrder", {"order": order})["order"]["items"][0]

    def state(self, order):
        return self.client.query("GetOrder", {"order": order})["order"]["state"]

    def subscription(self, order):
        return self.client.query("GetSubscription", {"subscription": self.item(order)["subscription"]})["subscription"]

    def end(self, order, timeout=20.0):
        """Waits until it is no longer worked on; the state."""
        eventually("order %d ends" % order, lambda: self.state(order) not in ("provisioning", "cancelling"), timeout)
        return self.state(order)

    def end_subscription(self, order):
        self.client.do("EndSubscription", {"subscription": self.subscription(order)["subscription"], "reason": "moved"})

    def events(self, order, kind):
        return [e["data"] for e in self.client.query("GetOrderHistory", {"order": order})["events"] if e["type"] == kind]

    def audit(self):
        """What this is all about."""
        living = sorted(s["instance"] for s in self.client.rows("ListSubscriptions", "subscriptions") if s["status"] == "active")
        same("the broker holds exactly what active subscriptions name (%d)" % len(living), self.broker.state()["instances"], living)
        open_tasks = [t for t in self.client.rows("ListTasks", "tasks") if t["state"] in ("created", "leased")]
        same("no task is open", open_tasks, [])
        check("the log is whole", shop.gapless(self.client.log()))

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-6000:]

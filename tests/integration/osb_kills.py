#!/usr/bin/python3
"""A worker that fronts a service broker is killed (SIGKILL) at every step of a task, and another takes over; the order goes on
or is cancelled meanwhile. In the end the broker holds what active subscriptions name, and made nothing twice."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import osb_broker
import osb_shop
from pedido_raw import Refused
from story import check, eventually, same

LEASE_MS = 1000
DYING = os.path.join(daemon.ROOT, "tests", "support", "osb_dying.py")
POINTS = {"provision": ("before", "sent", "answered", "polling", "reporting", "reported"),
          "deprovision": ("before", "sent", "answered", "polling", "reporting", "reported"),
          "mitigation": ("before", "sent", "answered")}
METHOD = {"provision": "PUT", "deprovision": "DELETE", "mitigation": "DELETE"}


class Death:
    """An order with a plan and a worker group of its own, so that its worker is the one that dies."""

    def __init__(self, at, number, point, doing, cancelled):
        self.shop, self.point, self.doing, self.cancelled = at, point, doing, cancelled
        self.name = "%s %s%s" % (point, doing, ", cancelled" if cancelled else "")
        self.plan = "s%d" % number

    def open(self):
        self.order, self.instance = self.shop.order(self.plan)
        script = self.shop.broker.script
        if self.doing == "mitigation":
            script("PUT", self.instance, status=500, work=True)
        elif self.doing == "deprovision" and self.cancelled:
            script("PUT", self.instance, slow=0.5)
        if self.point == "sent":
            script(METHOD[self.doing], self.instance, hang=0.4)  # the broker does it, when nobody waits for it any more
        if self.point == "polling":
            script(METHOD[self.doing], self.instance, slow=0.8, times=9)  # a DELETE may come too early, and again
        self.worker = self.shop.worker("dying-" + self.plan, [self.plan], program=DYING, DIES="%s %s" % (self.point, self.doing))
        if self.doing == "deprovision" and self.cancelled:  # at once: a moment later it has been made
            eventually("%s: being made" % self.name, lambda: ["PUT", self.instance] in self.shop.broker.state()["requests"])
            self.cancel()

    def cancel(self):
        try:
            self.shop.client.do("CancelOrder", {"order": self.order})
        except Refused as refused:
            same("%s: refused, it is completed" % self.name, (self.point, refused.error["state"]), ("reported", "completed"))

    def provoke(self):
        """Whoever dies of a removal must have one."""
        if self.doing != "deprovision" or self.cancelled:
            return
        same("%s: made" % self.name, self.shop.end(self.order), "completed")
        self.shop.end_subscription(self.order)

    def die(self):
        same("%s: the worker dies" % self.name, self.worker.wait(20), -signal.SIGKILL)
        if self.cancelled and self.doing != "deprovision":
            self.cancel()

    def over(self):
        state = self.shop.end(self.order)
        if self.doing == "deprovision":
            eventually("%s: the subscription ends" % self.name,
                       lambda: self.shop.subscription(self.order)["status"] == "terminated")
        else:
            gone = self.cancelled and self.point != "reported"
            same("%s: ended as it ought" % self.name, state, "cancelled" if gone else "completed")
        check("%s: completed once at most" % self.name, len(self.shop.events(self.order, "OrderCompleted")) <= 1)

    def made(self, books):
        """Mitigation deletes, and then it is made again; nothing else makes anything twice."""
        creates, deletes = books["creates"].get(self.instance, 0), books["deletes"].get(self.instance, 0)
        living = int(self.shop.subscription(self.order)["status"] == "active")
        same("%s: made as often as removed, but for what lives" % self.name, creates - deletes, living)
        check("%s: not made twice" % self.name, creates <= (2 if self.doing == "mitigation" else 1), creates)


def main():
    with daemon.Engine(lease_ms=LEASE_MS) as engine, osb_broker.Broker() as broker:
        at = osb_shop.Shop(engine, broker)
        deaths = [Death(at, number, *what) for number, what in enumerate(
            (point, doing, cancelled) for cancelled in (False, True) for doing in POINTS for point in POINTS[doing])]
        plans = [death.plan for death in deaths]
        at.put_plans(*plans)
        try:
            for step in (Death.open, Death.provoke, Death.die):
                for death in deaths:
                    step(death)
            survivors = [at.worker("survivor-%d" % first, plans[first:first + 16], jobs=8) for first in range(0, len(plans), 16)]
            for death in deaths:
                death.over()
            books = broker.state()
            for death in deaths:
                death.made(books)
            at.audit()
            same("SIGTERM ends the survivors with 0", [daemon.end(worker) for worker in survivors], [0] * len(survivors))
        except BaseException:
            print(at.log())
            raise


main()

#!/usr/bin/python3
"""A worker that fronts a service broker stands still (SIGSTOP) until its lease is another's, and then goes on: what it makes or
removes late must neither be left behind nor take away what a customer has."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import osb_broker
import osb_shop
from story import check, eventually, same

LEASE_MS = 700
DYING = os.path.join(daemon.ROOT, "tests", "support", "osb_dying.py")


def stands_still(process):
    with open("/proc/%d/stat" % process.pid) as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


class Late:
    """An order whose first worker stands still at a step; another has done the task since."""

    def __init__(self, at, step, **rule):
        self.at, self.name = at, step
        self.order, self.instance = at.order()
        if rule:
            at.broker.script("PUT", self.instance, **rule)
        self.worker = at.worker("late", program=DYING, DIES=step, DIES_BY="SIGSTOP")
        eventually("a worker stands still, %s" % step, lambda: stands_still(self.worker))
        eventually("its lease is lost", lambda: at.events(self.order, "TaskReleased"))

    def other(self):
        return self.at.worker("other")

    def goes_on(self):
        self.worker.send_signal(signal.SIGCONT)

    def asked(self, method):
        return [method, self.instance] in self.at.broker.state()["requests"]

    def over(self, *workers):
        same("SIGTERM ends the workers with 0", [daemon.end(w) for w in workers + (self.worker,)], [0] * (len(workers) + 1))
        self.at.audit()


def cancel(late):
    late.at.client.do("CancelOrder", {"order": late.order})
    same("the order is cancelled", late.at.end(late.order), "cancelled")


def made_after_the_removal(at, name, **rule):
    """The order is cancelled, its instance removed; and then the late worker makes it."""
    late = Late(at, "before provision", **rule)
    other = late.other()
    cancel(late)
    late.goes_on()
    eventually("%s: made late, it is reported" % name, lambda: at.events(late.order, "TaskStale"))
    eventually("and removed again", lambda: at.broker.state()["deletes"].get(late.instance) and
               at.subscription(late.order)["service_status"] == "removed")
    late.over(other)


def made_after_the_end(at):
    """Another completes the order, the subscription is ended; and then the late worker makes its instance again."""
    late = Late(at, "before provision")
    other = late.other()
    same("another worker completes the order", at.end(late.order), "completed")
    at.end_subscription(late.order)
    eventually("the subscription ends", lambda: at.subscription(late.order)["service_status"] == "removed")
    late.goes_on()
    eventually("made again late, it is reported", lambda: at.events(late.order, "TaskStale"))
    eventually("and removed again", lambda: at.broker.state()["deletes"].get(late.instance) == 2 and
               at.subscription(late.order)["service_status"] == "removed")
    late.over(other)


def made_twice_is_made_once(at):
    late = Late(at, "before provision")
    other = late.other()
    same("another worker completes the order", at.end(late.order), "completed")
    late.goes_on()
    stale = eventually("the late success is refused and recorded", lambda: at.events(late.order, "TaskStale"))
    same("once", [e["result"] for e in stale], ["success"])
    same("the broker has made it once", at.broker.state()["creates"][late.instance], 1)
    late.over(other)


def removes_nothing_that_lives(at):
    """Its PUT failed, so that an orphan may be left; but by now the instance is another worker's, who made it well."""
    late = Late(at, "answered provision", status=500, work=True)
    other = late.other()
    same("another worker completes the order", at.end(late.order), "completed")
    late.goes_on()
    same("SIGTERM ends the late one with 0", daemon.end(late.worker), 0)
    check("it has removed nothing", not late.asked("DELETE"))
    same("but told what it knows", [e["result"] for e in at.events(late.order, "TaskStale")], ["failure"])
    late.over(other)


def main():
    with daemon.Engine(lease_ms=LEASE_MS) as engine, osb_broker.Broker() as broker:
        at = osb_shop.Shop(engine, broker)
        try:
            made_after_the_removal(at, "at once")
            made_after_the_removal(at, "in its own time", slow=0.4)
            made_after_the_removal(at, "and told as an error", status=500, work=True)
            made_twice_is_made_once(at)
            removes_nothing_that_lives(at)
            made_after_the_end(at)
        except BaseException:
            print(at.log())
            raise


main()

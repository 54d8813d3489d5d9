#!/usr/bin/python3
"""A broker that misbehaves in every way that the Open Service Broker API's orphan mitigation table names: whatever it
answered, and whether or not the order is cancelled meanwhile, in the end it holds what active subscriptions name."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import daemon
import osb_broker
import osb_shop
from pedido_raw import Refused
from story import check, eventually, same

sys.path.insert(0, osb_shop.EXAMPLES)
import osb_worker

TABLE = osb_worker.Table(os.path.join(osb_shop.EXAMPLES, "osb_answers.json"))
TIMEOUT, TOO_LONG = 1.5, 2.2  # seconds; a machine that is busy must not make a timeout of what is none
SLOW = ("PUT", {"slow": 0.3})
SLOW_DELETE = ("DELETE", {"slow": 0.3})

# (row, request): the broker's first answers; with `work` it has done what was asked all the same.
CASES = [
    ("200 malformed", "provision", [("PUT", {"status": 200, "text": "{", "work": True})]),
    ("200 malformed", "deprovision", [("DELETE", {"status": 200, "text": "[]", "work": True})]),
    ("200 malformed", "poll_provision", [SLOW, ("GET", {"text": '{"state": "well"}'})]),
    ("200 malformed", "poll_deprovision", [SLOW_DELETE, ("GET", {"text": "succeeded"})]),
    ("operation failed", "poll_provision", [("PUT", {"slow": 0.2, "fails": True, "leaves": True})]),
    ("operation failed", "poll_deprovision", [("DELETE", {"slow": 0.2, "fails": True})]),
    ("200", "provision", [("PUT", {"status": 200, "work": True})]),
    ("200", "deprovision", []),
    ("200", "poll_provision", [SLOW]),
    ("200", "poll_deprovision", [SLOW_DELETE, ("GET", {"skip": 1, "text": '{"state": "succeeded"}', "hang": 0.3})]),
    ("201 malformed", "provision", [("PUT", {"status": 201, "text": '{"dashboard_url": 1}', "work": True})]),
    ("201", "provision", []),
    ("202", "provision", [SLOW]),
    ("202", "deprovision", [SLOW_DELETE]),
    ("other 2xx", "provision", [("PUT", {"status": 203, "work": True})]),
    ("other 2xx", "deprovision", [("DELETE", {"status": 206})]),
    ("408", "provision", [("PUT", {"status": 408, "work": True})]),
    ("408", "deprovision", [("DELETE", {"status": 408})]),
    ("408", "poll_provision", [SLOW, ("GET", {"status": 408})]),
    ("408", "poll_deprovision", [SLOW_DELETE, ("GET", {"status": 408})]),
    ("other 4xx", "provision", [("PUT", {"status": 404, "work": True})]),
    ("other 4xx", "deprovision", [("DELETE", {"status": 403})]),
    ("other 4xx", "poll_provision", [SLOW, ("GET", {"status": 404, "times": 2})]),
    ("other 4xx", "poll_deprovision", [SLOW_DELETE, ("GET", {"status": 404, "times": 2})]),
    ("5xx", "provision", [("PUT", {"status": 500, "work": True})]),
    ("5xx", "deprovision", [("DELETE", {"status": 503, "work": True})]),
    ("5xx", "provision", [("PUT", {"status": 502, "text": "<html>"}), ("DELETE", {"status": 500})]),
    ("timeout of a provision", "provision", [("PUT", {"hang": TOO_LONG})]),
    ("timeout of a provision", "provision", [("PUT", {"cut": True, "work": True})]),
    ("timeout of others", "deprovision", [("DELETE", {"hang": TOO_LONG})]),
    ("timeout of others", "deprovision", [("DELETE", {"cut": True, "work": True})]),
    ("timeout of others", "poll_provision", [SLOW, ("GET", {"hang": TOO_LONG})]),
    ("timeout of others", "poll_deprovision", [SLOW_DELETE, ("GET", {"cut": True, "times": 2})]),
]

# The specification's Yes; and what a person has to try again, since the broker has said no.
MITIGATED = {("operation failed", "poll_provision"), ("operation failed", "poll_deprovision"), ("201 malformed", "provision"),
             ("other 2xx", "provision"), ("other 2xx", "deprovision"), ("5xx", "provision"), ("5xx", "deprovision"),
             ("timeout of a provision", "provision")}
FINAL = {("operation failed", "poll_provision"), ("other 4xx", "provision")}


def sample(row):
    """An answer that a row of the table is for."""
    status = {"timeout": "timeout", "any": "302"}.get(row["status"], row["status"].replace("xx", "99"))
    body, polled = row.get("body"), row.get("request", row.get("requests", [""])[0]).startswith("poll_")
    plain = '{"error": "%s"}' % row["error"] if "error" in row else "{}"
    text = {"malformed": "[", None: plain}.get(body, '{"state": "%s"}' % body)
    return osb_worker.Answer(status, text.encode(), polled)


def table():
    hidden = [row for row in TABLE.answers if TABLE.meaning(row["request"], sample(row)) is not row]
    same("no row of the answers stands behind one that takes all of it", hidden, [])
    same("each says what to do, and where the specification has it",
         [r for r in TABLE.answers if r["outcome"] not in ("success", "poll", "retry", "fail") or not r["section"]], [])
    same("an orphan is looked for in every row that says so", [row["row"] for row in TABLE.orphans if any(
        TABLE.leaves_orphan(request, sample(dict(row, request=request))) != row["mitigate"] for request in row["requests"])], [])
    same("as in the specification", {(row["row"], request) for row in TABLE.orphans if row["mitigate"]
                                     for request in row["requests"]}, MITIGATED)
    rows = {(row["row"], request) for row in TABLE.orphans for request in row["requests"]}
    same("every row of the orphan mitigation table has its case", {(row, request) for row, request, _ in CASES}, rows)


class Case:
    """An order, and what the broker does to it."""

    def __init__(self, at, row, request, rules, cancelled):
        self.shop, self.row, self.request, self.cancelled = at, row, request, cancelled
        self.mitigate = (row, request) in MITIGATED
        self.name = "%s of a %s%s" % (row, request, ", cancelled" if cancelled else "")
        self.removes = request.endswith("deprovision")
        self.order, self.instance = at.order()
        for method, rule in rules:
            at.broker.script(method, self.instance, **rule)

    def asked(self, method):
        return [method, self.instance] in self.shop.broker.state()["requests"]

    def cancel(self):
        """As soon as the broker was asked; an order that is completed by then is cancelled no more."""
        eventually("%s: the broker is asked" % self.name, lambda: self.asked("PUT"))
        try:
            self.shop.client.do("CancelOrder", {"order": self.order})
        except Refused as refused:
            same("%s: refused, it is completed" % self.name, refused.error["state"], "completed")

    def provision(self):
        state = self.shop.end(self.order)
        if self.cancelled:
            check("%s: cancelled, or completed before" % self.name, state in ("cancelled", "completed"), state)
            return
        same("%s: it fails for good, or does not" % self.name, state == "provisioning_failed", (self.row, self.request) in FINAL)
        if state == "provisioning_failed":
            self.shop.client.do("RetryProvisioning", {"order": self.order})
            state = self.shop.end(self.order)
        same("%s: the order is completed" % self.name, state, "completed")
        if not self.removes:
            same("%s: %s" % (self.name, "deleted before it is made again" if self.mitigate else "never deleted"),
                 self.asked("DELETE"), self.mitigate)

    def deprovision(self):
        def over():
            status = self.shop.subscription(self.order)
            if status["service_status"] == "removal_failed":
                self.shop.end_subscription(self.order)
            return status["status"] == "terminated"
        eventually("%s: the subscription ends" % self.name, over)


def mistakes(at):
    """What the operator has to mend is told where the order is looked at."""
    order, _ = at.order()
    worker = at.worker("wrong-password", PEDIDO_OSB_AUTH="pedido:guess")
    eventually("a wrong password is told", lambda: "authentication failed" in at.item(order).get("message", ""))
    daemon.end(worker)
    password = os.path.join(at.engine.place, "password")
    with open(password, "w") as file:
        file.write(osb_broker.CREDENTIALS + "\n")
    worker = at.worker("right-password", options=["--auth-file", password], PEDIDO_OSB_AUTH="")
    same("with the right one, from a file, it goes on", at.end(order), "completed")
    daemon.end(worker)
    at.put_plans("other", "vps")
    order, _ = at.order("other")
    served, _ = at.order()
    at.name_plans("vps")
    worker = at.worker("without-plan", ["other", "vps"])
    same("a plan without a service fails for good", at.end(order), "provisioning_failed")
    same("and says so", at.item(order)["message"], "no service of the broker is named for plan other")
    same("others are served", at.end(served), "completed")
    at.client.do("CancelOrder", {"order": order})
    same("its clean-up cannot be done either", at.end(order), "cleanup_failed")
    at.name_plans("other", "vps")
    daemon.end(worker)
    worker = at.worker("with-plan", ["other", "vps"])
    at.client.do("CancelOrder", {"order": order})
    same("until the plan is named", at.end(order), "cancelled")
    daemon.end(worker)


def main():
    table()
    with daemon.Engine(lease_ms=1000) as engine, osb_broker.Broker() as broker:
        at = osb_shop.Shop(engine, broker)
        cases = [Case(at, row, request, rules, cancelled) for row, request, rules in CASES for cancelled in (False, True)
                 if not (cancelled and request.endswith("deprovision"))]
        worker = at.worker("w1", jobs=16, options=["--timeout", str(TIMEOUT)])
        try:
            for case in cases:
                if case.cancelled:
                    case.cancel()
            for case in cases:
                case.provision()
            for case in cases:
                if case.removes:
                    at.end_subscription(case.order)
            for case in cases:
                if case.removes:
                    case.deprovision()
            same("SIGTERM ends the worker with 0", daemon.end(worker), 0)
            mistakes(at)
            at.audit()
        except BaseException:
            print(at.log())
            raise


main()

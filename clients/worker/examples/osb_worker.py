#!/usr/bin/python3
"""osb_worker - provisions by a service broker that speaks Open Service Broker API 2.17.

What an answer means stands in osb_answers.json, a table after the specification's own; this program walks it.
"""

import base64
import http.client
import json
import os
import sys
import time
import urllib.parse

from worker import Failed, Stopped, Worker, arguments, serve

VERSION = "2.17"
BODY_MOST = 1 << 20
STATES = ("in progress", "succeeded", "failed")
HERE = os.path.dirname(os.path.abspath(__file__))


class Answer:
    """What came back: a status, or "timeout" where nothing did; `body` says what the table asks of it."""

    def __init__(self, status, text=b"{}", polled=False, retry_after=None):
        self.status, self.retry_after = str(status), retry_after
        try:
            self.data = json.loads(text)
        except ValueError:
            self.data = None
        good = isinstance(self.data, dict) and all(
            isinstance(self.data.get(key), (str, type(None))) for key in ("dashboard_url", "operation", "error", "description"))
        if polled:
            good = good and self.data.get("state") in STATES
        self.data = self.data if good else {}
        self.body = "malformed" if not good else self.data["state"] if polled else "well-formed"

    def words(self):
        return self.data.get("description") or self.data.get("error") or ""


class Table:
    """osb_answers.json: in each list the first row that fits."""

    def __init__(self, path):
        with open(path) as file:
            table = json.load(file)
        self.answers, self.orphans = table["answers"], table["orphans"]

    @staticmethod
    def fits(row, answer):
        return row["status"] in (answer.status, answer.status[0] + "xx", "any") and \
            row.get("body") in (None, answer.body) and row.get("error") in (None, answer.data.get("error"))

    def meaning(self, request, answer):
        return next(row for row in self.answers if row["request"] == request and self.fits(row, answer))

    def leaves_orphan(self, request, answer):
        return any(row["mitigate"] for row in [r for r in self.orphans if request in r["requests"] and self.fits(r, answer)][:1])


class Broker:
    """The HTTP side."""

    def __init__(self, url, credentials, timeout):
        self.url, self.timeout = urllib.parse.urlsplit(url), timeout
        self.headers = {"X-Broker-API-Version": VERSION, "Content-Type": "application/json"}
        if credentials:
            self.headers["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()

    def ask(self, method, instance, tail="", body=None, **query):
        """One request on a connection of its own, so that a slow one does not hold up another."""
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.url.hostname, self.url.port, timeout=self.timeout)
        path = "%s/v2/service_instances/%s%s?%s" % (self.url.path.rstrip("/"), urllib.parse.quote(instance, safe=""), tail,
                                                   urllib.parse.urlencode({k: v for k, v in query.items() if v is not None}))
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self.headers)
            reply = connection.getresponse()
            return Answer(reply.status, reply.read(BODY_MOST), method == "GET", reply.getheader("Retry-After"))
        except (OSError, http.client.HTTPException):
            return Answer("timeout")  # nobody knows what the broker has done
        finally:
            connection.close()


class OsbWorker(Worker):
    """Each task is a PUT or a DELETE and, where the broker takes its time, polling."""

    broker = table = plans = None
    poll_s, poll_most_s, mitigate_s = 1.0, 3600.0, 30.0

    def provision(self, task, progress):
        request, row, answer, told = self._follow("provision", task, progress)
        if row["outcome"] != "success":
            self._fail(request, row, answer, self._clean_up(task, progress) if self.table.leaves_orphan(request, answer) else "")
        return {"login": told} if told else {}

    def deprovision(self, task, progress):
        """410, gone already, is success. An orphan cannot be mitigated better than by trying again: the engine does."""
        request, row, answer, _ = self._follow("deprovision", task, progress)
        if row["outcome"] != "success":
            self._fail(request, row, answer)

    def _fail(self, request, row, answer, more=""):
        raise Failed("%s: %s%s%s" % (request, row["means"], answer.words() and ": " + answer.words(), more),
                     retryable=row["outcome"] == "retry", code="osb_" + answer.status)

    def _follow(self, operation, task, progress):
        """The request, then last_operation as long as the table says so; the last answer and what it means, and where
        the customer logs in."""
        plan, request = self._plan(task), operation
        answer = self._begin(operation, task, plan)
        begun, login = answer.data.get("operation"), answer.data.get("dashboard_url")
        end = min(time.time() + self.poll_most_s, task["deadline"] / 1e6)
        while True:
            row = self.table.meaning(request, answer)
            if row["outcome"] != "poll":
                return request, row, answer, login
            self._pause(operation, answer, progress)
            request = "poll_" + operation
            answer = self.broker.ask("GET", task["instance"], "/last_operation", operation=begun, **plan)
            if time.time() > end and self.table.meaning(request, answer)["outcome"] == "poll":
                # "Polling Interval and Duration": what takes longer is considered failed.
                answer = Answer(200, b'{"state": "failed", "description": "not done in time"}', polled=True)

    def _plan(self, task):
        plan = self.plans.get("%s/%s" % (task["reseller"], task["plan"])) or self.plans.get(task["plan"])
        if plan is None:
            raise Failed("no service of the broker is named for plan %s" % task["plan"], code="plan_not_mapped")
        return {"service_id": plan["service_id"], "plan_id": plan["plan_id"]}

    def _begin(self, operation, task, plan):
        if operation == "deprovision":
            return self.broker.ask("DELETE", task["instance"], accepts_incomplete="true", **plan)
        # The same in every attempt, so that the broker knows the instance again.
        parameters = dict(task["parameters"], quantity=task["quantity"])
        if "domain" in task:
            parameters["domain"] = task["domain"]
        context = {"platform": "pedido", "reseller": task["reseller"], "customer": task["customer"],
                   "subscription": task["subscription"]}
        return self.broker.ask("PUT", task["instance"], accepts_incomplete="true", body=dict(
            plan, context=context, organization_guid=task["reseller"], space_guid=task["customer"], parameters=parameters))

    def _pause(self, operation, answer, progress):
        wanted = answer.retry_after or ""
        seconds = min(60, max(int(wanted), self.poll_s)) if wanted.isdigit() else self.poll_s
        try:
            progress(None, answer.words() or "the broker is at it")
            progress.wait(seconds)
        except Stopped:
            # Who lost the lease while the broker creates goes on to the end: success told late is how the engine learns of
            # an instance that has to be removed again.
            if operation == "deprovision" or not progress.lost:
                raise
            time.sleep(seconds)

    def _clean_up(self, task, progress):
        """Orphan mitigation: deletes what a failed request may have made. Only under a lease that is still ours: under the
        next one another worker may just have made this very instance, and be right."""
        end = time.monotonic() + self.mitigate_s
        while True:
            try:
                progress.confirm("removing what the failed attempt may have left")
            except Stopped:
                return "; the lease is lost, something may be left"
            _, row, _, _ = self._follow("deprovision", task, progress)
            if row["outcome"] == "success":
                return ""
            if row["outcome"] == "fail" or time.monotonic() > end:
                # The next attempt names the same instance; a cancelled order is cleaned up by a task of its own.
                return "; something may be left"
            progress.wait(self.poll_s)


def credentials(path):
    """user:password of a file or the environment; never of the command line, which everybody can read."""
    if path is None:
        return os.environ.get("PEDIDO_OSB_AUTH")
    with open(path) as file:
        return file.read().strip()


def main(kind=OsbWorker):
    parser = arguments("Provisions by a service broker (Open Service Broker API 2.17).")
    parser.add_argument("--broker", required=True, help="its URL; /v2 is added")
    parser.add_argument("--plans", required=True, help="JSON: plan, or reseller/plan, to service_id and plan_id")
    parser.add_argument("--auth-file", help="user:password; or set PEDIDO_OSB_AUTH")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds that the broker may take to answer")
    parser.add_argument("--poll", type=float, default=5.0, help="seconds between polls")
    parser.add_argument("--poll-most", type=float, default=3600.0, help="seconds after which an operation has failed")
    options = parser.parse_args()
    worker = kind(options.endpoint, options.name, options.group, options.jobs, grace=options.grace)
    worker.broker = Broker(options.broker, credentials(options.auth_file), options.timeout)
    worker.table, worker.poll_s, worker.poll_most_s = Table(os.path.join(HERE, "osb_answers.json")), options.poll, options.poll_most
    with open(options.plans) as file:
        worker.plans = json.load(file)
    serve(worker)


if __name__ == "__main__":
    sys.exit(main())

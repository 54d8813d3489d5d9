"""osb_broker - a service broker after Open Service Broker API 2.17, which counts what it holds and can be told to misbehave.

    with Broker() as broker:              # a process of its own, on 127.0.0.1
        broker.script("PUT", instance, status=500, work=True)
        broker.state()["instances"]

A script is a rule for the next `times` requests of a method on an instance (any when None), after `skip` of them:

    work          do what was asked before misbehaving (else nothing is done)
    status, text  the answer; without them the right one
    hang          seconds to wait before the answer; the instance is busy meanwhile, the work is done at the end of it
    cut           end the connection without an answer
    slow          answer 202, and be done after so many seconds; with `fails` the operation fails, with `leaves` it
                  leaves the instance behind all the same

Outside /v2: GET /state, POST /script.
"""

import http.client
import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.parse

VERSION = "2.17"
USER = "Basic cGVkaWRvOmhvc3RpbmcgMQ=="  # pedido:hosting 1
CREDENTIALS = "pedido:hosting 1"


class Books:
    """The instances, what is going on with them, and how often each was made and removed."""

    def __init__(self):
        self.lock, self.instances, self.operations, self.busy = threading.Lock(), {}, {}, set()
        self.creates, self.deletes, self.requests, self.rules = {}, {}, [], []

    def rule(self, method, instance):
        """The first rule that fits takes the request."""
        for rule in self.rules:
            if rule["method"] != method or rule.get("instance") not in (None, instance) or rule["times"] == 0:
                continue
            if rule["skip"] > 0:
                rule["skip"] -= 1
                continue
            rule["times"] -= 1
            return rule
        return {}

    def settle(self, instance):
        """An operation whose time has come is over."""
        operation = self.operations.get(instance)
        if operation is None or operation["state"] != "in progress" or time.monotonic() < operation["until"]:
            return
        rule = operation["rule"]
        operation["state"] = "failed" if rule.get("fails") else "succeeded"
        if not rule.get("fails") or rule.get("leaves"):
            operation["work"]()

    def in_progress(self, instance):
        self.settle(instance)
        return self.operations.get(instance, {}).get("state") == "in progress"

    def create(self, instance, asked):
        self.instances[instance] = asked
        self.creates[instance] = self.creates.get(instance, 0) + 1

    def delete(self, instance):
        del self.instances[instance]
        self.deletes[instance] = self.deletes.get(instance, 0) + 1


class Handler(http.server.BaseHTTPRequestHandler):
    books = Books()

    def log_message(self, *_):
        pass

    def answer(self, status, data):
        self.answer_text(status, json.dumps(data).encode())

    def answer_text(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who asked did not wait

    def do_POST(self):
        with self.books.lock:
            self.books.rules.append(self.body())
        self.answer(200, {})

    def do_GET(self):
        if self.path == "/state":
            with self.books.lock:
                for instance in list(self.books.operations):
                    self.books.settle(instance)
                state = {"instances": sorted(self.books.instances), "creates": self.books.creates,
                         "deletes": self.books.deletes, "requests": self.books.requests}
            return self.answer(200, state)
        return self.serve("GET", self.last_operation)

    def do_PUT(self):
        self.serve("PUT", self.provision)

    def do_DELETE(self):
        self.serve("DELETE", self.deprovision)

    def serve(self, method, act):
        url = urllib.parse.urlsplit(self.path)
        self.query, asked, books = dict(urllib.parse.parse_qsl(url.query)), self.body(), self.books
        if self.headers.get("Authorization") != USER:
            return self.answer(401, {"description": "who are you?"})
        if not (self.headers.get("X-Broker-API-Version") or "").startswith("2."):
            return self.answer(412, {"description": "this broker speaks " + VERSION})
        parts = url.path.split("/")  # "", v2, service_instances, id, [last_operation]
        if len(parts) < 4 or parts[2] != "service_instances":
            return self.answer(404, {})
        instance = urllib.parse.unquote(parts[3])
        with books.lock:
            books.requests.append([method, instance])
            rule = books.rule(method, instance)
            if method != "GET" and instance in books.busy:
                return self.answer(422, {"error": "ConcurrencyError", "description": "another operation is in progress"})
            if rule.get("hang"):
                books.busy.add(instance)
        if rule.get("hang"):
            time.sleep(rule["hang"])
        with books.lock:
            books.busy.discard(instance)
            misbehaves = any(key in rule for key in ("status", "text", "cut"))
            status, data = act(instance, asked, rule) if rule.get("work") or not misbehaves else (200, {})
        if rule.get("cut"):
            self.close_connection = True
            return None
        if "text" in rule:
            return self.answer_text(rule.get("status", status), rule["text"].encode())
        return self.answer(rule.get("status", status), {"error": rule["error"]} if "error" in rule else data)

    def start(self, instance, rule, kind, work):
        """202: the operation's answer, the same when it is asked for again."""
        self.books.operations[instance] = {"state": "in progress", "until": time.monotonic() + rule["slow"], "rule": rule,
                                           "kind": kind, "work": work, "name": "%s %s" % (kind, instance)}
        return 202, {"operation": "%s %s" % (kind, instance)}

    def provision(self, instance, asked, rule):
        books = self.books
        missing = [key for key in ("service_id", "plan_id", "organization_guid", "space_guid") if not asked.get(key)]
        if missing:
            return 400, {"description": "missing: " + ", ".join(missing)}
        done = {"dashboard_url": "https://panel.example/" + instance}
        if books.in_progress(instance):
            operation = books.operations[instance]
            if operation["kind"] == "provision":
                return (202, dict(done, operation=operation["name"])) if operation["asked"] == asked else (409, {})
            return 422, {"error": "ConcurrencyError"}
        if instance in books.instances:
            return (200, done) if books.instances[instance] == asked else (409, {"description": "exists with others"})
        if not rule.get("slow"):
            books.create(instance, asked)
            return 201, done
        if self.query.get("accepts_incomplete") != "true":
            return 422, {"error": "AsyncRequired"}
        status, data = self.start(instance, rule, "provision", lambda: books.create(instance, asked))
        books.operations[instance]["asked"] = asked
        return status, dict(done, **data)

    def deprovision(self, instance, _, rule):
        books = self.books
        if not self.query.get("service_id") or not self.query.get("plan_id"):
            return 400, {"description": "service_id and plan_id are missing"}
        if books.in_progress(instance):
            operation = books.operations[instance]
            if operation["kind"] == "deprovision":
                return 202, {"operation": operation["name"]}
            return 422, {"error": "ConcurrencyError", "description": "it is being created"}
        if instance not in books.instances:
            return 410, {}
        if not rule.get("slow"):
            books.delete(instance)
            return 200, {}
        if self.query.get("accepts_incomplete") != "true":
            return 422, {"error": "AsyncRequired"}
        return self.start(instance, rule, "deprovision", lambda: books.delete(instance))

    def last_operation(self, instance, _, rule):
        books = self.books
        books.settle(instance)
        operation = books.operations.get(instance)
        if operation is None or self.query.get("operation") != operation["name"]:
            return 400, {"description": "no such operation"}
        if operation["kind"] == "deprovision" and operation["state"] == "succeeded":
            return 410, {}
        return 200, {"state": operation["state"], "description": "%s: %s" % (operation["kind"], operation["state"])}


class Broker:
    """The process, for a test."""

    def __enter__(self):
        import daemon
        self.process = daemon.spawn([sys.executable, __file__], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.url = "http://127.0.0.1:%d" % self.port
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def _ask(self, method, path, data=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, None if data is None else json.dumps(data))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def script(self, method, instance=None, skip=0, times=1, **rule):
        self._ask("POST", "/script", dict(rule, method=method, instance=instance, skip=skip, times=times))

    def state(self):
        return self._ask("GET", "/state")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""pedido_raw - a client, a subscriber and a worker written from proto/README.md alone: zmq, msgpack, nothing of ours
but a note of which refusals were heard, for the tests.

    client = Client("tcp://127.0.0.1:7411")
    client.do("PutCustomer", {"customer": "lopez", "name": "Panadería López"})
    for order in client.rows("ListOrders", "orders"): print(order)

Nothing here is shared between threads; each thread makes its own Client.
"""

import os
import time

import msgpack
import zmq

import reached

CONTEXT = zmq.Context.instance()
CONTEXT.setsockopt(zmq.LINGER, 0)

UNAVAILABLE = ("busy", "storage_full", "shutting_down")


class Refused(Exception):
    """An answer with ok: false. `code`, and `error` with all that was said."""

    def __init__(self, kind, error):
        super().__init__("%s: %s: %s" % (kind, error.get("code"), error.get("message")))
        self.kind, self.error, self.code = kind, error, error.get("code")


class NoAnswer(Exception):
    """Nobody answered in time."""


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(frame):
    return msgpack.unpackb(frame, raw=False, strict_map_key=False)


def new_id():
    return os.urandom(12).hex()


def request(kind, data=None, id=None, **envelope):
    """A request's map; `envelope` may hold reseller, expect, dry_run, on_behalf_of, trace, at_least, limit, cursor."""
    message = {"type": kind, "id": id or new_id()}
    message.update(envelope)
    if data is not None:
        message["data"] = data
    return message


class Keys:
    """What makes a connection encrypted and known: the engine's public key, and a pair of one's own; in Z85, as in the files of
    `pedido key new`."""

    def __init__(self, server, public, secret):
        self.server, self.public, self.secret = server, public, secret

    def put_on(self, socket):
        socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = (
            key.encode() for key in (self.server, self.public, self.secret))


class Port:
    """A DEALER that is opened anew when it is silent."""

    def __init__(self, endpoint, keys=None):
        self.endpoint, self.keys, self.socket = endpoint, keys, None
        self.open()

    def open(self):
        self.close()
        self.socket = CONTEXT.socket(zmq.DEALER)
        self.socket.linger = 0
        if self.keys is not None:
            self.keys.put_on(self.socket)
        self.socket.connect(self.endpoint)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def send(self, frames):
        self.socket.send_multipart(frames)

    def receive(self, timeout):
        """The frames of one message, or None."""
        if not self.socket.poll(max(0, int(timeout * 1000))):
            return None
        frames = self.socket.recv_multipart()
        reached.note_answer(frames[-1], unpack)
        return frames

    def ask(self, body, wanted, timeout, patience=2.0):
        """Sends `body` until something that `wanted` takes comes back: the same bytes again after each `patience`."""
        end = time.monotonic() + timeout
        while True:
            self.send([body])
            again = min(end, time.monotonic() + patience)
            while time.monotonic() < again:
                frames = self.receive(again - time.monotonic())
                if frames is None:
                    continue
                answer = unpack(frames[-1])
                if wanted(answer):
                    return answer, frames[-1]
            if time.monotonic() >= end:
                raise NoAnswer(self.endpoint)
            self.open()


class Client:
    """Commands and queries; knows only the commands endpoint, the rest comes from Hello."""

    def __init__(self, endpoint, reseller="default", timeout=15.0, keys=None):
        self.endpoint, self.reseller, self.timeout, self.keys = endpoint, reseller, timeout, keys
        self.commands, self.queries, self._hello = Port(endpoint, keys), None, None
        self.last_bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.commands.close()
        if self.queries is not None:
            self.queries.close()

    def hello(self, fresh=False):
        if self._hello is None or fresh:
            self._hello = self.do("Hello")
        return self._hello

    def _ask(self, port, message, timeout):
        answer, self.last_bytes = port.ask(
            pack(message), lambda a: isinstance(a, dict) and a.get("id") == message["id"], timeout or self.timeout)
        return answer

    def call(self, kind, data=None, id=None, timeout=None, **envelope):
        """Sends one command; the answer as it came. `self.last_bytes` are its bytes."""
        envelope.setdefault("reseller", self.reseller)
        return self._ask(self.commands, request(kind, data, id, **envelope), timeout)

    def do(self, kind, data=None, **more):
        """Like call, but the answer's data, or Refused; what is unavailable is tried again."""
        more.setdefault("id", new_id())
        end = time.monotonic() + (more.get("timeout") or self.timeout)
        while True:
            answer = self.call(kind, data, **more)
            if answer["ok"]:
                return answer["data"]
            if answer["error"]["code"] not in UNAVAILABLE or time.monotonic() > end:
                raise Refused(kind, answer["error"])
            time.sleep(answer["error"].get("retry_after_ms", 100) / 1000.0)

    def array(self, messages, timeout=None):
        """Sends requests (see request()) as one array; the array of answers."""
        messages = [dict(m, reseller=m.get("reseller", self.reseller)) for m in messages]
        first = messages[0]["id"]
        answers, self.last_bytes = self.commands.ask(
            pack(messages), lambda a: isinstance(a, list) and len(a) == len(messages) and a[0].get("id") == first,
            timeout or self.timeout)
        return answers

    def ask(self, kind, data=None, timeout=None, **envelope):
        """Sends one query; the answer as it came."""
        if self.queries is None:
            self.queries = Port(self.hello()["endpoints"]["queries"], self.keys)
        envelope.setdefault("reseller", self.reseller)
        return self._ask(self.queries, request(kind, data, **envelope), timeout)

    def query(self, kind, data=None, **more):
        answer = self.ask(kind, data, **more)
        if not answer["ok"]:
            raise Refused(kind, answer["error"])
        return answer["data"]

    def rows(self, kind, key, data=None, **more):
        """Every row of a list, page by page; what is unavailable is tried again."""
        rows, cursor = [], {}
        end = time.monotonic() + self.timeout
        while True:
            answer = self.ask(kind, data, **more, **cursor)
            if not answer["ok"]:
                if answer["error"]["code"] not in UNAVAILABLE or time.monotonic() > end:
                    raise Refused(kind, answer["error"])
                continue
            rows += answer["data"][key]
            if "next" not in answer:
                return rows
            cursor = {"cursor": answer["next"]}

    def log(self):
        """Every event that the reseller has by now, by ReadLog, however far behind the views are."""
        return self.rows("ReadLog", "events", limit=1000, at_least=self.hello(fresh=True)["head"])


class Subscriber:
    """Events as they happen. `prefixes` end in `/`."""

    def __init__(self, endpoint, *prefixes, keys=None):
        self.socket = CONTEXT.socket(zmq.SUB)
        self.socket.linger = 0
        if keys is not None:
            keys.put_on(self.socket)
        self.socket.connect(endpoint)
        for prefix in prefixes:
            self.socket.subscribe(prefix.encode())

    def close(self):
        self.socket.close()

    def receive(self, timeout):
        """(topic, body), heartbeats included, or None."""
        if not self.socket.poll(max(0, int(timeout * 1000))):
            return None
        topic, body = self.socket.recv_multipart()
        return topic.decode(), unpack(body)

    def events(self, timeout):
        """Events until none has come for `timeout`; heartbeats are left out."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            got = self.receive(end - time.monotonic())
            if got is not None and not got[0].split("/")[-1].startswith("~"):
                end = time.monotonic() + timeout
                yield got


class Worker:
    """A provisioning worker that is driven by hand, or by serve()."""

    def __init__(self, endpoint, name, groups, credit=1, keys=None):
        self.port = Port(endpoint, keys)
        self.name, self.groups, self.credit = name, groups, credit
        self.held, self.waiting = [], []
        self.heartbeat = 1.0
        self.lost = []

    def close(self):
        self.port.close()

    def _hear(self, answer):
        """Assignments come whenever they like: kept for next()."""
        if not isinstance(answer, dict) or answer.get("type") != "Assignment":
            return
        task = answer["data"]
        self.held.append({key: task[key] for key in ("reseller", "task", "lease")})
        self.waiting.append(task)

    def _send(self, kind, data, reseller="default", id=None, timeout=10.0):
        message = request(kind, data, id, reseller=reseller)

        def wanted(answer):
            self._hear(answer)
            return isinstance(answer, dict) and answer.get("id") == message["id"]
        return self.port.ask(pack(message), wanted, timeout)[0]

    def ready(self, credit=None):
        """WorkerReady; leases that are lost are forgotten."""
        answer = self._send("WorkerReady", {
            "worker": self.name, "groups": self.groups, "credit": self.credit if credit is None else credit,
            "leases": self.held})
        if answer["ok"]:
            self.heartbeat = answer["data"]["heartbeat_ms"] / 1000.0
            self.lost = answer["data"]["lost"]
            self.held = [lease for lease in self.held if lease not in self.lost]
        return answer

    def next(self, timeout=10.0):
        """The next assignment, or None; says WorkerReady meanwhile."""
        end = time.monotonic() + timeout
        while not self.waiting and time.monotonic() < end:
            self.ready()
            until = min(end, time.monotonic() + self.heartbeat / 2)
            while not self.waiting and time.monotonic() < until:
                frames = self.port.receive(until - time.monotonic())
                if frames is not None:
                    self._hear(unpack(frames[-1]))
        return self.waiting.pop(0) if self.waiting else None

    def report(self, kind, task, id=None, **data):
        data.update(worker=self.name, task=task["task"], lease=task["lease"])
        return self._send(kind, data, task["reseller"], id)

    def progress(self, task, percent, message=None, id=None):
        more = {} if message is None else {"message": message}
        return self.report("ReportProgress", task, id, progress=percent, **more)

    def _close_task(self, kind, task, id, data):
        answer = self.report(kind, task, id, **data)
        self.held = [h for h in self.held if (h["reseller"], h["task"], h["lease"]) !=
                     (task["reseller"], task["task"], task["lease"])]
        return answer

    def success(self, task, parameters=None, id=None, **data):
        if parameters:
            data["parameters"] = parameters
        return self._close_task("ReportSuccess", task, id, data)

    def failure(self, task, message=None, id=None, **data):
        if message is not None:
            data["message"] = message
        return self._close_task("ReportFailure", task, id, data)

    def goodbye(self):
        self.held = []
        return self._send("WorkerGoodbye", {"worker": self.name})

    def serve(self, handler, until):
        """Does tasks until `until()`: handler(task) gives the parameters, or raises with the failure's words."""
        while not until():
            task = self.next(0.2)
            if task is None:
                continue
            try:
                self.success(task, handler(task))
            except RuntimeError as error:
                self.failure(task, str(error))
        self.goodbye()

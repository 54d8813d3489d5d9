"""between - stands between clients and an engine, and does what networks do: answers are lost, events are lost, doubled, late.

    with Between(engine, lose_events=0.3) as between: pedido.Client(between.endpoint)
"""

import random
import threading

import zmq

from pedido_raw import CONTEXT, pack, unpack


class Between(threading.Thread):
    def __init__(self, engine, lose_events=0.0):
        super().__init__(daemon=True)
        self.endpoint, self.events = ("ipc://%s/between-%s" % (engine.place, port) for port in "ce")
        self.front, self.back = CONTEXT.socket(zmq.ROUTER), CONTEXT.socket(zmq.DEALER)
        self.stream, self.out = CONTEXT.socket(zmq.SUB), CONTEXT.socket(zmq.XPUB)
        for socket, endpoint in ((self.front, self.endpoint), (self.out, self.events)):
            socket.bind(endpoint)
        for socket, port in ((self.back, "commands"), (self.stream, "events")):
            socket.connect(engine.endpoints[port])
        self.stream.subscribe(b"default/")
        self.stream.subscribe(b"~all/")
        self.dice, self.lose_events = random.Random(17), lose_events
        self.lost = self.doubled = self.moved = 0  # events
        self.late = None
        self.mute = False        # nothing of the stream comes through
        self.subscriptions = 0   # how often somebody subscribed
        self.lose_answers = 0    # so many answers to commands are lost
        self.put_off = []        # what the next PutCustomers are answered instead
        self.seen = []           # the PutCustomers that came
        self.sizes = []          # of the messages that came, in requests
        self.lose_arrays = 0     # so many answers to arrays are lost
        self.no_arrays = False   # arrays are refused as a whole
        self.busy_in_arrays = 0  # so many of the answers in the next array are `busy` instead
        self.peers, self.deaf_to = set(), set()  # whose requests came; whose do not come through any more
        self.over = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()
        for socket in (self.front, self.back, self.stream, self.out):
            socket.close()

    def run(self):
        poller = zmq.Poller()
        hands = {self.front: self.request, self.back: self.answer, self.stream: self.event, self.out: self.subscribe}
        for socket in hands:
            poller.register(socket, zmq.POLLIN)
        while not self.over:
            for socket, _ in poller.poll(20):
                hands[socket](socket.recv_multipart())

    def request(self, frames):
        body = unpack(frames[-1])
        self.peers.add(frames[0])
        if frames[0] in self.deaf_to:
            return
        self.sizes.append(len(body) if isinstance(body, list) else 1)
        if isinstance(body, list) and self.no_arrays:
            error = {"code": "malformed_message", "message": "this port takes single maps"}
            self.front.send_multipart(frames[:-1] + [pack({"id": None, "ok": False, "error": error})])
            return
        if isinstance(body, dict) and body["type"] == "PutCustomer":
            self.seen.append(body)
            if self.put_off:
                error = {"code": self.put_off.pop(0), "message": "later", "retry_after_ms": 50}
                self.front.send_multipart(frames[:-1] + [pack({"id": body["id"], "ok": False, "error": error})])
                return
        self.back.send_multipart(frames)

    def answer(self, frames):
        body = unpack(frames[-1])
        if self.lose_answers and isinstance(body, dict) and body.get("position") is not None:
            self.lose_answers -= 1
            return
        if isinstance(body, list):
            if self.lose_arrays:
                self.lose_arrays -= 1
                return
            for n in range(self.busy_in_arrays):
                error = {"code": "busy", "message": "later", "retry_after_ms": 50}
                body[n] = {"id": body[n]["id"], "ok": False, "error": error}
            self.busy_in_arrays = 0
        if isinstance(body, dict) and body["ok"] and "endpoints" in body["data"]:
            body["data"]["endpoints"]["events"] = self.events
        self.front.send_multipart(frames[:-1] + [pack(body)])

    def event(self, frames):
        chance = self.dice.random() / self.lose_events if self.lose_events else 3
        sent = [frames]
        if chance < 1:
            self.lost += 1
            sent = []
        elif chance < 1.5:
            self.doubled += 1
            sent = [frames, frames]
        elif chance < 2 and self.late is None:
            self.moved += 1
            self.late, sent = frames, []
        elif self.late is not None:
            sent, self.late = [frames, self.late], None
        for each in [] if self.mute else sent:
            self.out.send_multipart(each)

    def deafen(self):
        """A connection that is stuck: only a new one gets through."""
        self.deaf_to = set(self.peers)

    def subscribe(self, frames):
        self.subscriptions += frames[0][:1] == b"\1"

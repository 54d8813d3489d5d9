#!/usr/bin/python3
"""What the Python client decides without an engine: its messages are the bytes of the golden vectors, there and back; a request is
sent again until it is answered, and no longer; a stream that loses, doubles and delays, and a log that has everything, give each
event once and in order; a checkpoint is there whole."""

import json
import os
import random
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "clients", "python"))
from pedido import Bookmark, Checkpoint, Invalid, BadAnswer, Refused, core, events, messages, wire
from pedido.retry import Act, Retry
from pedido.splice import Splice

WORLDS, EVENTS, WINDOW = 200, 300, 8


def vectors(*kinds):
    with open(os.path.join(ROOT, "proto", "vectors", "vectors.jsonl"), encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row for row in rows if row["kind"] in kinds]


def read_answer(asked, row):
    return core.read_answer(messages.Request(type=asked, id="0b6f2c9e"), wire.from_bytes(bytes.fromhex(row["bytes"])))


def class_named(name):
    return getattr(messages, "".join(word[:1].upper() + word[1:] for word in name.split("_")))


class Vectors(unittest.TestCase):
    def test_bodies_there_and_back(self):
        rows = vectors("command", "query", "event", "reply")
        self.assertGreater(len(rows), 400)
        for row in rows:
            with self.subTest(row["type"], variant=row["variant"]):
                frame = bytes.fromhex(row["bytes"])
                block = wire.unpack(class_named(row["type"]), wire.from_bytes(frame))
                self.assertEqual(wire.to_bytes(wire.pack(block)), frame)

    def test_requests(self):
        for row in vectors("request"):
            value = row["value"]
            message = wire.unpack(class_named(row["type"]), value["data"])
            if message.PORT == "workers":
                continue
            options = {key: value[key] for key in value if key not in ("v", "type", "data")}
            request = core.request_of(message, options)
            request.v = value.get("v")
            with self.subTest(row["type"]):
                self.assertEqual(wire.from_bytes(wire.to_bytes(wire.pack(request))), value)

    def test_answers_and_refusals(self):
        asked = {command.REPLY: name for name, command in messages.COMMANDS.items() if command.PORT == "commands"}
        for row in vectors("answer"):
            cls = class_named(row["type"])
            if cls not in asked:
                continue
            answer = read_answer(asked[cls], row)
            self.assertEqual((wire.pack(answer.data), answer.position), (row["value"]["data"], row["value"].get("position")))
        for row in vectors("refusal"):
            refused = read_answer("OpenOrder", row)
            self.assertIsInstance(refused, Refused)
            self.assertEqual((refused.code, refused.error), (row["type"], row["value"]["error"]))
            self.assertNotEqual(refused.error_class, "")
            for name in set(refused.error) - {"code"}:
                self.assertEqual(getattr(refused, name), refused.error[name])

    def test_what_is_published(self):
        for row in vectors("published"):
            event = events.read_frames([b"default/x/1/" + row["type"].encode(), bytes.fromhex(row["bytes"])])
            self.assertEqual((event.type, event.position, event.log), (row["type"], row["value"]["position"], row["value"]["log"]))
            self.assertIsInstance(event.data, class_named(row["type"]))
            self.assertEqual(event.trace, row["value"].get("trace"))
        for row in vectors("heartbeat"):
            beat = events.read_frames([b"default/~head", bytes.fromhex(row["bytes"])])
            self.assertEqual((beat.position, beat.chain), (row["value"]["position"], row["value"].get("chain")))
        for frames in ([b"default/x"], [b"\xff", b"\x80"], [b"x", b"\xc1"], [b"x", b"\x01"], [b"x", b"\x80"]):
            self.assertIsNone(events.read_frames(frames))


class SlipsOfThePen(unittest.TestCase):
    def invalid(self, field, message):
        with self.assertRaises(Invalid) as caught:
            wire.pack(message)
        self.assertEqual(caught.exception.field, field, str(caught.exception))

    def test_the_field_is_named(self):
        item = {"plan": "std", "period": "1y"}
        self.invalid("customer", messages.AddOrder(customer=None, items=[item]))
        self.invalid("customer", messages.AddOrder(customer="", items=[item]))
        self.invalid("customer", messages.AddOrder(customer="x" * 65, items=[item]))
        self.invalid("customer", messages.AddOrder(customer=b"lopez", items=[item]))
        self.invalid("items", messages.AddOrder(customer="lopez", items=[]))
        self.invalid("items", messages.AddOrder(customer="lopez", items=[item] * 33))
        self.invalid("items[1].plan", messages.AddOrder(customer="lopez", items=[item, {"period": "1y"}]))
        self.invalid("items[0].quantity", messages.AddOrder(customer="lopez", items=[dict(item, quantity=10001)]))
        self.invalid("items[0].perod", messages.AddOrder(customer="lopez", items=[{"plan": "std", "perod": "1y"}]))
        self.invalid("items[0].parameters", messages.AddOrder(customer="lopez", items=[dict(item, parameters={"a": 1})]))
        self.invalid("order", messages.OpenOrder(order=True))
        self.invalid("until", messages.CheckStatus(order=1, until="never"))
        self.invalid("name", messages.PutCustomer(customer="lopez", name="\ud800"))
        self.invalid("from", messages.ReadLog(from_=-1))
        with self.assertRaises(TypeError):
            messages.OpenOrder(ordr=1)

    def test_what_is_newer_is_no_mistake(self):
        reply = wire.unpack(messages.OrderReply, {"order": 1, "reference": "a", "state": "paid", "version": 1, "new": [1]})
        self.assertEqual((reply.state, reply.allowed), ("paid", []))
        for value in ({}, [], None, {"order": "1", "reference": "a", "state": "new", "version": 1}):
            with self.assertRaises(BadAnswer):
                wire.unpack(messages.OrderReply, value)

    def test_ids(self):
        made = [core.new_id() for _ in range(1000)]
        self.assertEqual(len(set(made)), 1000)
        for id in made:
            self.assertRegex(id, "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def refusal(code, **more):
    return {"id": "a", "ok": False, "error": dict(more, code=code)}


class Retries(unittest.TestCase):
    def test_silence(self):
        """Sent again after each time-out, on a new socket, and given up in time."""
        retry, now, acts = Retry("a", 100.0, 1.0, 5.0), 100.0, []
        while not acts or acts[-1][1] is not Act.GIVE_UP:
            act = retry.step(now)
            acts.append((now, act))
            if act is Act.WAIT:
                self.assertGreater(retry.wake, now)
                now = retry.wake
        kinds = [act for _, act in acts if act is not Act.WAIT]
        self.assertEqual(kinds, [Act.SEND, Act.REOPEN] * 3 + [Act.SEND, Act.GIVE_UP])
        self.assertEqual(acts[-1][0], 105.0)
        sent = [at for at, act in acts if act is Act.SEND]
        gaps = [b - a for a, b in zip(sent, sent[1:])]
        self.assertEqual(gaps, sorted(gaps))
        self.assertGreaterEqual(gaps[0], 1.1)

    def test_later(self):
        """What is to come later is sent again after the pause that was asked for; in the end it is the answer."""
        for code in ("busy", "storage_full", "shutting_down"):
            retry = Retry("a", 0.0, 1.0, 3.0)
            self.assertIs(retry.step(0.0), Act.SEND)
            self.assertIs(retry.step(0.0, refusal(code, retry_after_ms=250)), Act.WAIT)
            self.assertEqual(retry.wake, 0.25)
            self.assertIs(retry.step(0.25), Act.SEND)
            self.assertIs(retry.step(0.3, [{"ok": True}, refusal(code), refusal("order_not_found")]), Act.WAIT)
            self.assertIs(retry.step(retry.wake), Act.SEND)
            self.assertIs(retry.step(2.9, refusal(code, retry_after_ms=250)), Act.ANSWERED)
        retry = Retry("a", 0.0, 1.0, 3.0)
        retry.step(0.0)
        self.assertIs(retry.step(0.1, refusal("views_off")), Act.ANSWERED)

    def test_a_late_answer_counts(self):
        retry = Retry("a", 0.0, 1.0, 10.0)
        retry.step(0.0)
        self.assertIs(retry.step(1.0), Act.REOPEN)
        self.assertIs(retry.step(1.0, {"ok": True}), Act.WAIT)  # nobody waits for it in the pause: it is asked again
        self.assertIs(retry.step(retry.wake), Act.SEND)
        self.assertIs(retry.step(retry.wake, {"ok": True}), Act.ANSWERED)


class Splices(unittest.TestCase):
    def read_pages(self, dice, splice, given, head):
        while splice.wants_page:
            start = splice.next
            self.assertEqual(start, given[-1] + 1)
            for position in range(start, min(head, start + dice.randrange(40)) + 1):
                if splice.event(position):
                    given.append(position)
            splice.page_end(head)

    def test_each_event_once_and_in_order(self):
        for world in range(WORLDS):
            dice = random.Random(world)
            before = dice.randrange(50)
            start = dice.choice([0, 1 + dice.randrange(before + 1)])
            splice, queue = Splice("log-1", start), []
            given = [start - 1 if start else before]
            if not start:
                splice.heartbeat(before, "log-1")
            for head in range(before + 1, before + EVENTS + 1):
                if len(queue) < WINDOW and dice.randrange(4):
                    queue.append(head)
                while queue and dice.randrange(3):
                    n = dice.randrange(len(queue)) if not dice.randrange(8) else 0
                    if splice.event(queue[n], "log-1"):
                        given.append(queue[n])
                    if dice.randrange(10):
                        del queue[n]
                if not dice.randrange(20):
                    splice.heartbeat(head, "log-1")
                if not dice.randrange(3):
                    self.read_pages(dice, splice, given, head)
            splice.heartbeat(before + EVENTS, "log-1")
            self.read_pages(dice, splice, given, before + EVENTS)
            self.assertEqual(given, list(range(given[0], before + EVENTS + 1)), "world %d" % world)

    def test_a_last_event_that_was_lost_is_seen_by_the_heartbeat(self):
        splice = Splice("log-1", 7)
        splice.heartbeat(6, "log-1")
        self.assertFalse(splice.wants_page)
        splice.heartbeat(7, "log-1")
        self.assertTrue(splice.wants_page)
        self.assertTrue(splice.event(7))
        self.assertFalse(splice.wants_page)

    def test_another_log_ends_it(self):
        splice = Splice("log-1", 7)
        splice.heartbeat(9, "log-1")
        self.assertFalse(splice.event(7, "log-2"))
        self.assertTrue(splice.reset)
        self.assertFalse(splice.wants_page)
        self.assertFalse(splice.event(7, "log-1"))
        splice = Splice("", 1)
        splice.heartbeat(1, "log-2")
        self.assertEqual((splice.log, splice.wants_page, splice.reset), ("log-2", True, False))


class Checkpoints(unittest.TestCase):
    def test_there_and_back(self):
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "here")
            self.assertIsNone(Checkpoint(path, "default").load())
            for position in (1, 2 ** 62):
                Checkpoint(path, "default").save(Bookmark("5f0c", position))
                self.assertEqual(Checkpoint(path, "default").load(), ("5f0c", position))
            self.assertEqual(os.listdir(place), ["here"])
            with self.assertRaises(Invalid):
                Checkpoint(path, "norte").load()
            for text in ("", "pedido checkpoint 1\nlog a\n", "pedido checkpoint 1\nlog a\nreseller b\nposition -1\n"):
                with open(path, "w") as file:
                    file.write(text)
                with self.assertRaises(Invalid):
                    Checkpoint(path, "default").load()


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""worker - a provisioning worker in Python that speaks the protocol itself (proto/README.md, section 7).

    class Mine(Worker):
        def provision(self, task, progress):
            progress(50, "half of it")
            return {"login": "https://panel.example"}

    Mine("tcp://127.0.0.1:7411", "w1", ["hosting"], jobs=4).run()

Handlers run in threads of their own, at most `jobs` at a time; one thread speaks with the engine. Run as a program it
makes a directory for each instance.
"""

import argparse
import os
import queue
import shutil
import signal
import socket
import sys
import threading
import time
import traceback

import msgpack
import zmq

REPEAT_S = 1.0                # an unanswered report, with the same id; a Hello
SILENT_S = 10.0               # until the engine has said how long a lease lasts
GOODBYE_S = 2.0
UNAVAILABLE = ("busy", "storage_full", "shutting_down")  # nothing was decided: the same again, later
NOT_OURS = ("stale_lease", "task_not_found")


class Failed(Exception):
    """What a handler raises when the task cannot be done: for good, or, retryable, not this time."""

    def __init__(self, message, retryable=False, code="failed", output=None):
        super().__init__(message)
        self.retryable, self.code, self.output = retryable, code, output


class Stopped(Exception):
    """Raised in a handler: the task is to be given back, or is another's by now."""


def fit(text, most=200):
    """A text as the engine takes it: one line of at most so many bytes."""
    line = "".join(c if c.isprintable() else " " for c in str(text)).strip() or "-"
    return line.encode(errors="replace")[:most].decode(errors="ignore")


class Report:
    """A message that is sent again until it is answered, or, for progress, overtaken."""

    def __init__(self, kind, id, job, data):
        self.kind, self.id, self.job, self.data = kind, id, job, data
        self.again, self.closes, self.answered = 0.0, kind != "ReportProgress", threading.Event()


class Job:
    """An assignment, and what its handler is given as `progress`."""

    def __init__(self, worker, task):
        self.worker, self.task = worker, task
        self.lease = {key: task[key] for key in ("reseller", "task", "lease")}
        self.lost, self.stop = False, threading.Event()

    def is_about(self, other):
        return all(self.lease[key] == other.lease[key] for key in ("reseller", "task"))

    def __call__(self, percent=None, message=None):
        """Tells how far it is. Raises Stopped where there is no use in going on."""
        self._tell(percent, message)
        self.wait(0)

    def _tell(self, percent, message):
        data = {} if percent is None else {"progress": int(percent)}
        if message:
            data["message"] = fit(message)
        return self.worker.tell(self, "ReportProgress", data)

    def wait(self, seconds):
        """Like sleep, but wakes up and raises Stopped when the task is to be given back."""
        if self.stop.wait(seconds):
            raise Stopped("the lease is lost" if self.lost else "told to stop")

    def confirm(self, message):
        """Returns once the engine has said that the lease is still ours: to be asked before something is destroyed."""
        report = self._tell(None, message)
        while not report.answered.wait(0.05):
            if self.lost:
                break
        if self.lost:
            raise Stopped("the lease is lost")


class Worker:
    """Subclass it, or pass provision(task, progress) and deprovision(task, progress). They return the subscription's
    parameters, or None; they raise Failed; any other exception is reported as retryable."""

    def __init__(self, endpoint, name, groups, jobs=1, provision=None, deprovision=None, grace=30.0):
        self.endpoint, self.name, self.groups, self.limit, self.grace = endpoint, name, list(groups), jobs, grace
        self.provision, self.deprovision = provision or self.provision, deprovision or self.deprovision
        self.jobs, self.reports, self.socket = [], {}, None
        self.leaving = self.leave_by = None
        self.heartbeat, self.lease = 1.0, SILENT_S
        self.nonce, self.count, self.lock = os.urandom(6).hex(), 0, threading.Lock()
        self.inbox, (self.wake_out, self.wake_in) = queue.SimpleQueue(), os.pipe()
        self.poller = zmq.Poller()
        self.poller.register(self.wake_out, zmq.POLLIN)

    def provision(self, task, progress):
        raise Failed("this worker does not provision", code="not_supported")

    def deprovision(self, task, progress):
        raise Failed("this worker does not deprovision", code="not_supported")

    # ---- what other threads and signal handlers may call ----

    def leave(self, *_):
        """Takes no more, finishes what runs within `grace` seconds, gives back the rest; called again, at once."""
        self._post(lambda: self._leave(0 if self.leaving else self.grace))

    def tell(self, job, kind, data):
        """Sends a report of a job until it is answered."""
        data = dict(data, worker=self.name, task=job.lease["task"], lease=job.lease["lease"])
        report = Report(kind, self._new_id(), job, data)
        self._post(lambda: self._add(report))
        return report

    def _post(self, call):
        self.inbox.put(call)
        os.write(self.wake_in, b"!")

    def _new_id(self):
        with self.lock:
            self.count += 1
            return "%s-%d" % (self.nonce, self.count)

    # ---- the thread that speaks with the engine ----

    def run(self):
        """Works until it has left."""
        self._reopen()
        while not (self.leaving and self._idle()):
            self._say_what_is_due()
            for ready, _ in self.poller.poll(100):
                if ready == self.wake_out:
                    os.read(self.wake_out, 4096)
                else:
                    self._hear(self._receive())
            while not self.inbox.empty():
                self.inbox.get()()
        self._goodbye()

    def _idle(self):
        """Nothing held; or our patience is over with an engine that does not answer: its leases run out."""
        return not self.jobs or time.monotonic() > self.leave_by + self.lease

    def _connect(self, endpoint):
        if self.socket is not None:
            self.poller.unregister(self.socket)
            self.socket.close(0)
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.connect(endpoint)
        self.poller.register(self.socket, zmq.POLLIN)
        self.heard = time.monotonic()

    def _reopen(self):
        """Begins anew from the commands endpoint: the other ports may have moved."""
        self.at_work, self.ready_at = False, 0.0
        self._connect(self.endpoint)
        self._send("Hello", {}, "hello")

    def _send(self, kind, data, id=None, reseller="default"):
        message = {"type": kind, "id": id or self._new_id(), "reseller": reseller, "data": data}
        try:
            self.socket.send(msgpack.packb(message), zmq.DONTWAIT)
        except zmq.Again:
            pass  # the queue of an engine that is away is full: all that matters is said again

    def _receive(self):
        return msgpack.unpackb(self.socket.recv_multipart()[-1], strict_map_key=False)

    def _say_what_is_due(self):
        now = time.monotonic()
        if now - self.heard > (self.lease if self.at_work else REPEAT_S):
            self._reopen()
        if self.leaving and now > self.leave_by:
            for job in self.jobs:
                job.stop.set()
        if not self.at_work:
            return
        if now >= self.ready_at:
            self.ready_at = now + self.heartbeat / 2
            ours = [job.lease for job in self.jobs if not job.lost]
            room = 0 if self.leaving else max(0, self.limit - len(self.jobs) + len(ours))
            self._send("WorkerReady", {"worker": self.name, "groups": self.groups, "credit": room, "leases": ours}, "ready")
        for report in list(self.reports.values()):
            if now >= report.again:
                self._send_report(report)

    def _send_report(self, report):
        report.again = time.monotonic() + REPEAT_S
        if self.at_work:
            self._send(report.kind, report.data, report.id, report.job.lease["reseller"])

    def _add(self, report):
        # News replace older news, so that no heap of them grows while the engine is away.
        self.reports = {id: r for id, r in self.reports.items() if r.job is not report.job or r.closes}
        self.reports[report.id] = report
        self._send_report(report)

    def _hear(self, answer):
        self.heard = time.monotonic()
        data, id = answer.get("data", {}), answer.get("id")
        if answer.get("type") == "Assignment":
            self._take(data)
        elif answer.get("type") == "Stop":
            self._stop([data], lost=False)
        elif id == "hello" and answer.get("ok") and not self.at_work:
            self._connect(data["endpoints"]["workers"])
            self.at_work = True
            for report in self.reports.values():
                report.again = 0.0
        elif id == "ready" and not answer["ok"] and answer["error"]["code"] not in UNAVAILABLE:
            raise SystemExit(answer["error"]["message"])
        elif id == "ready" and answer["ok"]:
            self.heartbeat, self.lease = data["heartbeat_ms"] / 1000, data["lease_ms"] / 1000
            self._stop(data.get("lost", []), lost=True)
            self._stop(data.get("stop", []), lost=False)
            if data.get("drain") and not self.leaving:
                self._leave(float("inf"))
        elif id in self.reports:
            self._answered(self.reports[id], answer)

    def _leave(self, grace):
        self.leaving, self.leave_by, self.ready_at = True, time.monotonic() + grace, 0.0

    def _stop(self, leases, lost):
        for job in [j for j in self.jobs if j.lease in leases]:
            job.lost = job.lost or lost
            job.stop.set()

    def _take(self, task):
        """Never two handlers on one task: while the one whose lease was lost is still at it, the new lease is left to run
        out, and the task comes again."""
        job = Job(self, task)
        if not any(job.is_about(other) for other in self.jobs):
            self.jobs.append(job)
            threading.Thread(target=self._work, args=(job,), daemon=True).start()

    def _work(self, job):
        """The thread of a handler."""
        try:
            handler = {"provision": self.provision, "deprovision": self.deprovision}[job.task["operation"]]
            parameters = handler(job.task, job) or {}
            kind, data = "ReportSuccess", {"parameters": {str(k): fit(v) for k, v in parameters.items()}}
        except Stopped as stopped:
            kind, data = "ReportRelease", {"reason": fit(stopped)}
        except Failed as failed:
            kind, data = "ReportFailure", {"retryable": failed.retryable, "code": failed.code, "message": fit(failed)}
            if failed.output:
                data["output"] = failed.output[-1900:].encode()[-1900:].decode(errors="ignore")
        except Exception as error:
            traceback.print_exc()
            kind, data = "ReportFailure", {"retryable": True, "code": "exception", "message": fit(repr(error))}
        self._post(lambda: self._ended(job, kind, data))

    def _ended(self, job, kind, data):
        """Under a lost lease a result is told all the same: the engine records it, and removes what was made for an order
        that has been cancelled meanwhile."""
        if job.lost and kind == "ReportRelease":
            self._forget(job)
        else:
            self.tell(job, kind, data)

    def _answered(self, report, answer):
        code = None if answer.get("ok") else answer["error"]["code"]
        if code in UNAVAILABLE:
            report.again = time.monotonic() + answer["error"].get("retry_after_ms", 500) / 1000
            return
        del self.reports[report.id]
        if code in NOT_OURS:
            report.job.lost = True
            report.job.stop.set()
        report.answered.set()
        if not report.closes:
            return
        if code is not None and code not in NOT_OURS and report.kind != "ReportFailure":
            # Nothing that we could mend: a person has to see it.
            self.tell(report.job, "ReportFailure", {"code": "result_refused", "message": fit(answer["error"]["message"])})
        else:
            self._forget(report.job)

    def _forget(self, job):
        if job in self.jobs:
            self.jobs.remove(job)
        self.ready_at = 0.0  # there is room again: the engine hears so at once

    def _goodbye(self):
        if self.at_work:
            self._send("WorkerGoodbye", {"worker": self.name}, "goodbye")
            end = time.monotonic() + GOODBYE_S
            while time.monotonic() < end:
                if self.socket.poll(100) and self._receive().get("id") == "goodbye":
                    break
        self.poller.unregister(self.socket)
        self.socket.close(0)


class Directories(Worker):
    """The demo: an instance is a directory of that name, so that making it twice makes it once."""

    place, pause = ".", 0.0

    def provision(self, task, progress):
        progress(10, "making %s for %s" % (task["plan_name"], task["customer"]))
        progress.wait(self.pause)
        made = os.path.join(self.place, task["instance"])
        os.makedirs(self.place, exist_ok=True)
        os.makedirs(made, exist_ok=True)
        return {"login": "file://" + os.path.abspath(made)}

    def deprovision(self, task, progress):
        shutil.rmtree(os.path.join(self.place, task["instance"]), ignore_errors=True)


def arguments(description):
    """The options of any worker made with this module."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--endpoint", default=os.environ.get("PEDIDO_ENDPOINT", "tcp://127.0.0.1:7411"),
                        help="the engine's commands port")
    parser.add_argument("--name", default="%s-%d" % (socket.gethostname().split(".")[0], os.getpid()))
    parser.add_argument("--group", action="append", required=True, help="work for this worker group; may be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="tasks at a time")
    parser.add_argument("--grace", type=float, default=30.0, help="seconds to finish in after SIGTERM")
    return parser


def serve(worker):
    """Runs a worker until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, worker.leave)
    signal.signal(signal.SIGINT, worker.leave)
    worker.run()


def main():
    parser = arguments("Makes a directory for each instance.")
    parser.add_argument("--place", default="instances", help="where")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that making one takes")
    options = parser.parse_args()
    worker = Directories(options.endpoint, options.name, options.group, options.jobs, grace=options.grace)
    worker.place, worker.pause = options.place, options.pause
    serve(worker)


if __name__ == "__main__":
    sys.exit(main())

"""osb_dying - osb_worker.py, but it kills itself at the step that DIES names: a point and what it is doing. With
DIES_BY=SIGSTOP it only stops there, once, until it is continued.

    before     about to send the request          polling    between two polls
    sent       sent, nothing heard                reporting  done, about to report
    answered   the answer read, nothing told      reported   the engine has answered, nothing made of it

What it is doing is `provision`, `deprovision`, or `mitigation`: the DELETE after a failed PUT.
"""

import http.client
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "worker", "examples"))
import osb_worker

STEP = [os.environ["DIES"]]
SIGNAL = signal.Signals[os.environ.get("DIES_BY", "SIGKILL")]


def at(point, doing):
    if STEP == ["%s %s" % (point, doing)]:
        STEP.clear()
        os.kill(os.getpid(), SIGNAL)
        time.sleep(0.2)  # a stop reaches the threads one after the other: this one must not get any further meanwhile


class Connection(http.client.HTTPConnection):
    doing = None

    def getresponse(self):
        at("sent", Connection.doing)
        return super().getresponse()


class DyingWorker(osb_worker.OsbWorker):
    def _begin(self, operation, task, plan):
        doing = operation if operation == task["operation"] else "mitigation"
        at("before", doing)
        Connection.doing = doing
        answer = super()._begin(operation, task, plan)
        Connection.doing = None
        at("answered", doing)
        return answer

    def _pause(self, operation, answer, progress):
        if answer.data.get("state"):
            at("polling", operation)
        super()._pause(operation, answer, progress)

    def tell(self, job, kind, data):
        if kind == "ReportSuccess":
            at("reporting", job.task["operation"])
        return super().tell(job, kind, data)

    def _answered(self, report, answer):
        if report.kind == "ReportSuccess":
            at("reported", report.job.task["operation"])
        super()._answered(report, answer)


if __name__ == "__main__":
    http.client.HTTPConnection = Connection
    sys.exit(osb_worker.main(DyingWorker))

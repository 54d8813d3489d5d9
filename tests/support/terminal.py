"""terminal - a shell in a real terminal (tmux), and what stands on its screen."""

import os
import re
import subprocess
import time

import daemon
from story import check


class Terminal:
    """A shell in a terminal of so many columns; what stands on its screen."""

    def __init__(self, engine, columns, lines=60, **environment):
        self.line = ["tmux", "-S", os.path.join(engine.place, "tmux-%d-%d" % (columns, len(environment))), "-f", "/dev/null"]
        self.server = daemon.spawn(self.line + ["-D"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=engine.environment(TERM="xterm-256color"))
        own = engine.environment(TERM="screen-256color", **environment)
        for _ in range(100):
            started = self.tmux("new-session", "-d", "-x", str(columns), "-y", str(lines), "env", "-i",
                                *["%s=%s" % pair for pair in own.items()], "bash", "--norc", "--noprofile")
            if started is not None:
                break
            time.sleep(0.05)
        self.sees("bash")
        self.types("PS1='$ '; clear")
        self.clear()

    def tmux(self, *words):
        done = subprocess.run(self.line + list(words), capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
        return done.stdout.decode() if done.returncode == 0 else None

    def screen(self, colours=False):
        return self.tmux("capture-pane", "-p", *["-e"] * colours) or ""

    def types(self, text, *keys):
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", *(keys or ("Enter",)))

    def sees(self, *needles, timeout=10.0):
        """Waits until all of them stand on the screen, in this order."""
        end = time.monotonic() + timeout
        while True:
            screen = self.screen()
            if re.search(".*".join(re.escape(needle) for needle in needles), screen, re.S):
                return screen
            if time.monotonic() > end:
                check("the screen shows %r" % (needles,), False, screen)
            time.sleep(0.03)

    def prompts(self):
        """Waits until the shell asks for the next command: what is typed before, whoever is about to end takes with him."""
        for _ in range(500):
            if self.screen().rstrip().endswith("\n$"):
                return
            time.sleep(0.02)
        check("the shell is there", False, self.screen())

    def clear(self):
        self.types("clear")
        for _ in range(200):
            if len(self.screen().split()) <= 1:
                return
            time.sleep(0.02)

    def close(self):
        self.tmux("kill-server")
        daemon.end(self.server)

"""A server of another library as a process, and what a run of `tidewire` against it left.

The server tells what it sees as one JSON object per line: `listening`, and for each connection `open` and `close`.
"""

import itertools
import json
import os
import queue
import subprocess
import threading
from urllib.parse import urlencode

from common import equal, must, short

HOLD = object()  # standard input that stays open


class Peer:
    """The server process, and its events sorted by case."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events = {}
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.url = None
        listening = queue.Queue()
        threading.Thread(target=self._read, args=(listening,), daemon=True).start()
        self.url = listening.get(timeout=20)["url"]

    def _read(self, listening):
        for line in self.process.stdout:
            event = json.loads(line)
            (listening if event["event"] == "listening" else self.of(event["case"])).put(event)

    def of(self, case):
        with self.lock:
            return self.events.setdefault(case, queue.Queue())

    def address(self, behaviour, **asked):
        """A URL of this server at which it behaves so, and the case under which it will tell of it."""
        case = str(next(self.numbers))
        return f"{self.url}/{behaviour}?{urlencode({'case': case, **asked})}", case

    def next(self, kind, case):
        """What the server said when it saw a connection of this case open, or close."""
        try:
            event = self.of(case).get(timeout=10)
        except queue.Empty:
            raise AssertionError(f"the server saw no {kind}") from None
        equal(event["event"], kind, "what the server saw next")
        return event

    def run(self, binary, behaviour, *options, stdin=subprocess.DEVNULL, form=("connect", "{url}"), **asked):
        """Runs the binary with this server's address put into `form`."""
        url, case = self.address(behaviour, **asked)
        command = [binary, *(part.format(url=url) for part in form), *options]
        return Outcome(case, *execute(command, stdin), peer=self)

    def stop(self):
        self.process.stdin.close()
        equal(self.process.wait(10), 0, "exit code of the server")


class Outcome:
    """What one run of `tidewire` left: exit code, output, and what the server saw."""

    def __init__(self, case, code, stdout, stderr, peer=None):
        self.peer, self.case, self.code, self.stdout, self.stderr = peer, case, code, stdout, stderr
        self.events = {}

    def told(self, kind):
        """What the server said when it saw the connection open, or close."""
        while kind not in self.events:
            try:
                event = self.peer.of(self.case).get(timeout=10)
            except queue.Empty:
                raise AssertionError(f"the server saw no {kind}; exit {self.code}, stderr {self.stderr[-200:]!r}") from None
            self.events[event["event"]] = event
        return self.events[kind]

    def opened(self):
        return self.told("open")

    def closed(self):
        return self.told("close")

    def clean(self, stdout):
        must(self.code == 0, f"exit code {self.code}, stderr {self.stderr[-200:]!r}")
        self.printed(stdout)

    def failed(self, code, *words):
        """`code` as the table in `tidewire help connect` has it."""
        must(self.code == code, f"exit code {self.code}, expected {code}, stderr {self.stderr[-200:]!r}")
        for word in words:
            must(word in self.stderr, f"{word!r} is not in stderr {self.stderr[-200:]!r}")

    def printed(self, stdout):
        if self.stdout != stdout:
            at = len(os.path.commonprefix([self.stdout, stdout]))
            raise AssertionError(f"stdout differs at byte {at} of {len(stdout)} (got {len(self.stdout)}): {short(self.stdout[at : at + 40])}, stderr {self.stderr[-200:]!r}")


def execute(command, stdin=subprocess.DEVNULL):
    held, given = None, None
    if stdin is HOLD:
        stdin, held = os.pipe()
    elif isinstance(stdin, bytes):
        given, stdin = stdin, subprocess.PIPE
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        stdout, stderr = process.communicate(given, timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise AssertionError(f"did not end within 20 s; stdout {short(stdout)}, stderr {stderr[-200:]!r}") from None
    finally:
        if held is not None:
            os.close(held)
            os.close(stdin)
    return process.returncode, stdout, stderr.decode(errors="replace")

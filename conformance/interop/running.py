"""Programs that go on until they are ended: `tidewire tap`, `-l` and `bridge`, and what other tools' commands print."""

import os
import queue
import re
import signal
import subprocess
import threading
from pathlib import Path

from common import equal, must


class Running:
    """A process of its own, whose lines on both outputs can be waited for."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.printed, self.said = self._lines(self.process.stdout), self._lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    @staticmethod
    def _lines(stream):
        lines = queue.Queue()

        def read():
            for line in stream:
                lines.put(line.decode(errors="replace").rstrip("\r\n"))
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        return lines

    @staticmethod
    def wait(lines, pattern):
        """The next line that matches; says what came instead."""
        seen = []
        while True:
            try:
                line = lines.get(timeout=15)
            except queue.Empty:
                line = None
            must(line is not None, f"no line like {pattern!r}, but {seen[-8:]}")
            if found := re.search(pattern, line):
                return found
            seen.append(line)

    def prints(self, pattern):
        return self.wait(self.printed, pattern)

    def says(self, pattern):
        return self.wait(self.said, pattern)

    def kind(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def ends(self, code):
        equal(self.process.wait(15), code, "exit code")

    def interrupted(self, code):
        self.process.send_signal(signal.SIGINT)
        self.ends(code)


def on_a_terminal(command):
    """What a shell's command prints on a terminal of its own, until it ends."""
    inner, outer = os.openpty()
    packages = Path(os.environ["TIDEWIRE_INTEROP_NODE"]) / "node_modules" / ".bin"
    env = {**os.environ, "PATH": f"{packages}:{os.environ['PATH']}"}
    process = subprocess.Popen(["sh", "-c", command], stdin=outer, stdout=outer, stderr=outer, env=env, start_new_session=True)
    os.close(outer)
    late = threading.Timer(15, process.kill)
    late.start()
    printed = b""
    try:
        while data := os.read(inner, 4096):
            printed += data
    except OSError:  # Linux's way to say that nobody has the terminal any more
        pass
    finally:
        late.cancel()
        os.close(inner)
    return process.wait(10), printed.decode(errors="replace")

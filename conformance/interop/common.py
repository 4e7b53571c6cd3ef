"""What the Python cases share: one line per case for run.py, and `tidewire echo` servers to talk to."""

import asyncio
import atexit
import os
import random
import re
import select
import signal
import subprocess
import tempfile
import time

LISTENING = re.compile(r"^listening on (ws://127\.0\.0\.1:(\d+)/)$")


def say(verdict, name, seen):
    """One case for run.py: verdict, name and what was seen, separated by tabs."""
    seen = " ".join(str(seen).split())
    print(f"{verdict}\t{name}\t{seen[:300]}", flush=True)


def must(condition, otherwise):
    if not condition:
        raise AssertionError(otherwise)


def short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(value)} long)"


def equal(got, wanted, what):
    must(got == wanted, f"{what}: got {short(got)}, expected {short(wanted)}")


def far_repeats():
    """Text whose only repeats lie 400 … 30,000 characters back, so that an encoder that
    ignores its window limit reaches past it and the peer's inflater refuses the message."""
    dice = random.Random(6455)

    def fresh(n):
        return "".join(dice.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=n))

    text = ""
    for distance in (400, 900, 1_900, 3_900, 7_900, 15_900, 30_000):
        block = fresh(distance)
        text += block + block[:300]
    return text


class Cases:
    """Runs cases one by one; `finish` tells run.py that none was lost on the way."""

    def __init__(self):
        self.count = 0

    def note(self, verdict, name, seen):
        self.count += 1
        say(verdict, name, seen)

    async def run(self, name, case, limit=20):
        """`case` is an async function that returns what it saw, or raises."""
        try:
            seen = await asyncio.wait_for(case(), limit)
        except TimeoutError:
            self.note("FAIL", name, f"no answer within {limit} s")
        except Exception as problem:
            self.note("FAIL", name, f"{type(problem).__name__}: {problem}")
        else:
            self.note("ok", name, seen)

    def run_plain(self, name, case):
        """The same for a blocking function."""
        try:
            seen = case()
        except Exception as problem:
            self.note("FAIL", name, f"{type(problem).__name__}: {problem}")
        else:
            self.note("ok", name, seen)

    def finish(self):
        print(f"done\t{self.count}", flush=True)


class Echo:
    """`tidewire echo` on a free port, ended by its pid."""

    def __init__(self, binary, *options, address="127.0.0.1:0"):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [binary, "echo", *([address] if address else []), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )
        atexit.register(self._kill)  # a failed case may leave it running
        line = self._first_line(10)
        match = LISTENING.match(line)
        if not match:
            self.process.kill()
            raise RuntimeError(f"tidewire echo printed {line!r} instead of `listening on ws://127.0.0.1:PORT/`: {self.stderr()}")
        self.url, self.port = match.group(1), int(match.group(2))

    def _kill(self):
        if self.process.poll() is None:
            self.process.kill()

    def _first_line(self, limit):
        read, until, fd = b"", time.monotonic() + limit, self.process.stdout.fileno()
        while b"\n" not in read:
            ready, _, _ = select.select([fd], [], [], max(0, until - time.monotonic()))
            chunk = os.read(fd, 4096) if ready else b""
            if not chunk:
                break
            read += chunk
        return read.decode(errors="replace").rstrip("\n")

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def stop(self):
        """Ends the server with SIGINT; says what was wrong with its life, or None."""
        early = self.process.poll()
        if early is None:
            self.interrupt()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return "did not end within 10 s of SIGINT"
        self.process.stdout.close()
        if early is not None:
            return f"ended on its own with {early}: {self.stderr()[-200:]}"
        if "panicked" in self.stderr():
            return f"panicked: {self.stderr()[-200:]}"
        return None


def stop_all(servers):
    """The last case of a client suite: every server lived until it was told to end."""
    problems = [f"{server.url} {problem}" for server in servers if (problem := server.stop())]
    must(not problems, "; ".join(problems))
    return f"{len(servers)} servers lived through all cases and ended on SIGINT"

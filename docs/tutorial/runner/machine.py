"""The reader's machine: a folder, terminals, a browser."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from runner.reading import Wrong, differs, pattern, whole_lines

TUTORIAL = Path(__file__).resolve().parent.parent
ROOT = TUTORIAL.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
PORTS = ("4000", "8000")  # those of the text
PATIENCE, BUILDING = 30, 600  # seconds


class Machine:
    """A folder, free ports in place of those of the text, terminals, and a browser."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tidewire-tutorial-"))
        self.cwd = self.folder
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        self.terminals, self.browser = {}, None
        self.env = dict(os.environ, CARGO_TARGET_DIR=str(TARGET / "tutorial"), CARGO_TERM_COLOR="never")
        self.env.update(XDG_DATA_HOME=str(self.folder / "share"), PYTHONUNBUFFERED="1", NO_COLOR="1")
        self.env.update(PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
        self.env.update(NO_PROXY="localhost,127.0.0.1", no_proxy="localhost,127.0.0.1")
        self.env.update(TIDEWIRE_LISTEN=f"127.0.0.1:{self.ports['4000']}")
        self.offer_tidewire()

    def offer_tidewire(self):
        """The binary on the PATH, as `cargo install` leaves it there."""
        named = os.environ.get("TIDEWIRE_BIN")
        places = [Path(named)] if named else [TARGET / "debug/tidewire", TARGET / "release/tidewire"]
        built = [place for place in places if place.exists()]
        if not built:
            raise Wrong("no tidewire binary: run `cargo build`, or set TIDEWIRE_BIN")
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "tidewire").symlink_to(max(built, key=lambda place: place.stat().st_mtime).resolve())
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"

    def here(self, text):
        """The text with the ports and folders of this run."""
        for shown, used in self.ports.items():
            text = re.sub(rf"\b{shown}\b", str(used), text)
        text = text.replace("~/.local/share", self.env["XDG_DATA_HOME"])
        return text.replace('"../tidewire/', f'"{ROOT}/')

    def there(self, text):
        """What came, with the ports of the text."""
        for shown, used in self.ports.items():
            text = re.sub(rf"\b{used}\b", shown, text)
        return text

    def write(self, name, text):
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(text))
        # The versions that the workspace has been built with: nothing new is fetched.
        if name == "Cargo.toml" and not (self.cwd / "Cargo.lock").exists():
            shutil.copy(ROOT / "Cargo.lock", self.cwd)
            known = ["cargo", "tree", "--offline", "--quiet"]
            if subprocess.run(known, cwd=self.cwd, env=self.env, capture_output=True).returncode == 0:
                self.env["CARGO_NET_OFFLINE"] = "true"

    def terminal(self, name):
        if name not in self.terminals:
            self.terminals[name] = Terminal(self)
        return self.terminals[name]

    def page(self, name, action, code=""):
        if self.browser is None:
            self.browser = Browser(self.env)
        return self.browser.ask(name, action, self.here(code))

    def clear(self):
        """Ends what the chapter left running; gives what went wrong in it unseen."""
        panics = []
        for name, terminal in self.terminals.items():
            terminal.end()
            if "panicked at" in terminal.text():
                panics.append(f"a program panicked in the terminal {name!r}:\n{terminal.text()[-2000:]}")
        self.terminals = {}
        if self.browser is not None:
            self.browser.ask("", "close")
        return panics

    def leave(self):
        self.clear()
        if self.browser is not None:
            self.browser.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_ports(count):
    """Ports that nobody has, below those that the system gives to clients."""
    found = []
    for port in range(20000 + os.getpid() % 8000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                found.append(port)
            except OSError:
                continue
        if len(found) == count:
            return found
    raise Wrong("no free ports")


class Terminal:
    """Commands one after the other, and what they print."""

    def __init__(self, machine):
        self.machine, self.process, self.reader, self.said, self.seen = machine, None, None, b"", 0

    def run(self, command):
        if self.process is not None and not self.ended(PATIENCE):
            raise Wrong(f"the command before `{command}` did not end")
        into = re.fullmatch(r"cd (\S+)", command)
        self.command, self.said, self.seen, self.process = command, b"", 0, None
        if into:
            self.machine.cwd = (self.machine.cwd / into[1]).resolve()
            return
        self.process = subprocess.Popen(
            ["bash", "-c", self.machine.here(command)], cwd=self.machine.cwd, env=self.machine.env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        self.reader = threading.Thread(target=self.read, args=(self.process,), daemon=True)
        self.reader.start()

    def read(self, process):
        while chunk := os.read(process.stdout.fileno(), 65536):
            self.said += chunk

    def text(self):
        return whole_lines(self.machine.there(self.said.decode(errors="replace")))

    def ended(self, seconds):
        try:
            self.process.wait(seconds)
            self.reader.join(2)
        except subprocess.TimeoutExpired:
            return False
        return True

    def patience(self):
        return BUILDING if "cargo" in self.command else PATIENCE

    def sees(self, expected):
        """Waits until what is expected has come, after what was seen before."""
        deadline = time.monotonic() + self.patience()
        while True:
            over = self.process is None or self.process.poll() is not None
            if over and self.reader is not None:
                self.reader.join(2)
            match = re.compile(pattern(expected)).match(self.text(), self.seen)
            if match:
                self.seen = match.end()
                return
            if over or time.monotonic() > deadline:
                raise differs(f"after `{self.command}`", expected, self.text()[self.seen :])
            time.sleep(0.03)

    def prints(self, expected):
        """Waits for the end of the command; all that it printed is as expected."""
        if self.process is not None and not self.ended(self.patience()):
            raise Wrong(f"`{self.command}` does not end; it printed:\n{self.text()}")
        if not re.fullmatch(pattern(expected), self.text()):
            raise differs(f"after `{self.command}`", expected, self.text())

    def type(self, line):
        self.process.stdin.write(self.machine.here(line).encode() + b"\n")
        self.process.stdin.flush()

    def signal(self, number):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def press(self, number):
        self.signal(number)
        if not self.ended(PATIENCE):
            raise Wrong(f"`{self.command}` does not end when it is told to")
        self.seen = len(self.text())

    def end(self):
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.ended(PATIENCE)


class Browser:
    """browser.mjs, one question at a time."""

    def __init__(self, env):
        command = ["node", str(TUTORIAL / "browser.mjs")]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True, start_new_session=True)

    def ask(self, page, action, code=""):
        try:
            self.process.stdin.write(json.dumps({"page": page, "action": action, "code": code}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line == "":
            raise Wrong("there is no browser: see above")
        answer = json.loads(line)
        if "error" in answer:
            raise Wrong(f"in the browser: {answer['error']}")
        return answer.get("text", "")

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

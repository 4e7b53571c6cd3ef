#!/usr/bin/env python3
"""Does what the tutorial says, and compares what is seen with what the tutorial shows.

    python3 docs/tutorial/run.py          every chapter
    python3 docs/tutorial/run.py 3 4      these; of those before them only the files are written

What a fenced block means stands in its info string, which readers of the rendered page do not see:

    ```rust title="src/main.rs"     a file, in any language but console and text
    ```console                      commands after `$ `, and all that they print; they end by themselves
    ```console title="server"       the same in a terminal of that name, where the last command may go on;
                                    `^C` and `^\\` are typed, and so is what stands after `> `
    ```js title="console"           goes into the console of the page
    ```text title="console"         what the console has printed since
    ```text title="page"            what the page shows
    ```text                         a picture

`…` stands for what varies: in a line for a part of it, alone for any number of lines. A second page is named
after its title: `title="page ann"`. Comments in HTML are for what the test alone needs:

    <!-- browser: await page.goto("http://localhost:8000/") -->     what a person does there (`browser ann:`)
    <!-- shown: REASON -->                                          the next block is not run
    <!-- full pages: begin -->  <!-- full pages: end -->            what a hub built without Node does not have

Needs cargo, curl, python3, Node, Chromium and `npm ci` in web/. TIDEWIRE_BIN names the binary `tidewire`; without
it, it is what was built last. TIDEWIRE_WEB=plain leaves out what needs the full pages.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
PORTS = ("4000", "8000")  # those of the text
PATIENCE, BUILDING = 20, 600  # seconds


class Wrong(Exception):
    """The tutorial says one thing, and another is so."""


# ---- reading a chapter -------------------------------------------------------------------------------------


class Step:
    def __init__(self, kind, line, text, name="", reason=""):
        self.kind, self.line, self.text, self.name, self.reason = kind, line, text, name, reason


FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?$')
COMMENT = re.compile(r"^<!-- (.*?) -->$", re.S)


def parse(path):
    """The steps of a chapter, in their order."""
    lines, steps, at, reason = path.read_text().split("\n"), [], 0, ""
    while at < len(lines):
        first = at + 1
        if lines[at].startswith("<!-- "):
            while not lines[at].endswith("-->"):
                at += 1
            said = COMMENT.match("\n".join(lines[first - 1 : at + 1]))[1]
            word, _, rest = said.partition(": ")
            if word == "shown":
                reason = rest
            elif word.split(" ")[0] == "browser":
                steps.append(Step("browser", first, rest, word[len("browser ") :]))
            elif word == "full pages":
                steps.append(Step(f"full pages {rest}", first, ""))
            else:
                raise Wrong(f"{path.name}:{first}: a comment that means nothing: {said[:60]}")
        elif lines[at].startswith("```"):
            info = FENCE.match(lines[at])
            if info is None:
                raise Wrong(f"{path.name}:{first}: a fence that means nothing: {lines[at]}")
            at += 1
            while lines[at] != "```":
                at += 1
            text = "\n".join(lines[first:at]) + "\n"
            steps.append(step_of(path, first, info[1], info[2] or "", text, reason))
            reason = ""
        at += 1
    return steps


def step_of(path, line, language, title, text, reason):
    if reason:
        return Step("shown", line, text, reason=reason)
    if language == "console":
        return Step("console", line, text, title)
    if language == "text" and title == "":
        return Step("picture", line, text)
    place, _, name = title.partition(" ")
    if language == "text" and place in ("page", "console"):
        return Step(f"see {place}", line, text, name)
    if language == "js" and place == "console":
        return Step("script", line, text, name)
    if title == "" or language == "text":
        raise Wrong(f"{path.name}:{line}: this block is neither run nor said to be only shown")
    return Step("file", line, text, title)


# ---- what is expected, and what came -----------------------------------------------------------------------


def pattern(expected):
    """A regular expression for whole lines with `…` in them."""
    out = ""
    for line in expected.splitlines():
        if line.strip() == "…":
            out += r"(?:[^\n]*\n)*?"
        else:
            out += r"[^\n]*?".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
    return out


def whole_lines(text):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def differs(what, expected, came):
    indent = lambda text: "".join(f"    | {line}\n" for line in text.splitlines()) or "    | (nothing)\n"
    return Wrong(f"{what}\n  the tutorial shows\n{indent(expected)}  what came\n{indent(came[-4000:])}")


# ---- the reader's machine ----------------------------------------------------------------------------------


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
        command = ["node", str(HERE / "browser.mjs")]
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


# ---- doing it ----------------------------------------------------------------------------------------------


def console(machine, step):
    """A block of a terminal: what is typed, each with what is expected to come of it."""
    terminal = machine.terminal(step.name)
    parts = re.split(r"^(\$ .*(?:(?<=\\)\n.*)*|\^[C\\]|> .*)\n", step.text, flags=re.M)
    if step.name and parts[0]:
        terminal.sees(parts[0])
    for typed, expected in zip(parts[1::2], parts[2::2]):
        if typed.startswith("$ "):
            terminal.run(typed[2:])
        elif typed.startswith("> "):
            terminal.type(typed[2:])
        else:
            terminal.press(signal.SIGINT if typed == "^C" else signal.SIGQUIT)
        if step.name:
            if expected:
                terminal.sees(expected)
        else:
            terminal.prints(expected)


def see(machine, step, seen):
    """Waits until the page, or its console, shows what is expected."""
    deadline = time.monotonic() + PATIENCE
    while True:
        came = whole_lines(machine.there(machine.page(step.name, step.kind)))
        if step.kind == "see page":
            came = "".join(f"{line.strip()}\n" for line in came.splitlines() if line.strip())
            match = re.fullmatch(pattern(step.text), came)
        else:
            came = came[seen.get(step.name, 0) :]
            match = re.match(pattern(step.text), came)
        if match:
            if step.kind == "see console":
                seen[step.name] = seen.get(step.name, 0) + match.end()
            return
        if time.monotonic() > deadline:
            raise differs(step.kind, step.text, came)
        time.sleep(0.05)


def pages_are_full(machine):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{machine.ports['4000']}/tidewire.js", timeout=10).close()
        return True
    except urllib.error.HTTPError:
        return False


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = self.pictures = 0
        self.shown = []


def do(machine, step, seen):
    if step.kind == "file":
        machine.write(step.name, step.text)
    elif step.kind == "console":
        console(machine, step)
    elif step.kind in ("browser", "script"):
        machine.page(step.name, step.kind, step.text)
    else:
        see(machine, step, seen)


def chapter(machine, path, wanted, count):
    """Runs one chapter; without `wanted`, only leaves what later ones need. True if nothing was wrong."""
    seen, skipping, right = {}, False, True
    for step in parse(path):
        where = f"{path.name}:{step.line}"
        if step.kind == "picture":
            count.pictures += wanted
        elif step.kind == "shown":
            if wanted:
                count.shown.append(f"{where}: {step.reason}")
        elif step.kind.startswith("full pages"):
            if wanted and right and step.kind.endswith("begin") and not pages_are_full(machine):
                skipping = os.environ.get("TIDEWIRE_WEB") == "plain"
                if not skipping:
                    right = complain(count, where, "needs the full pages: build the hub with Node present")
            elif step.kind.endswith("end"):
                skipping = False
        elif wanted and right and skipping:
            count.skipped += 1
        elif wanted and right:
            try:
                do(machine, step, seen)
                count.passed += 1
            except Wrong as wrong:
                right = complain(count, where, wrong)
        elif step.kind == "file" or re.match(r"\$ (cargo new|mkdir|cd) ", step.text):
            do(machine, step, seen)
    for panic in machine.clear():
        right = complain(count, path.name, panic)
    return right


def complain(count, where, wrong):
    count.failed += 1
    print(f"{where}: {wrong}", file=sys.stderr)
    return False


def main(numbers):
    chapters = sorted(HERE.glob("[0-9]*.md"))
    wanted = {int(number) for number in numbers} or {int(path.name[:2]) for path in chapters}
    count, machine = Count(), Machine()
    try:
        for path in chapters:
            if int(path.name[:2]) <= max(wanted):
                before, start = count.passed, time.monotonic()
                here = int(path.name[:2]) in wanted
                right = chapter(machine, path, here, count)
                if here:
                    steps = f"{count.passed - before} steps"
                    print(f"{path.stem:18} {steps:>9} {time.monotonic() - start:6.1f} s  {'ok' if right else 'FAILED'}", flush=True)
    finally:
        machine.leave()
    for reason in count.shown:
        print(f"shown, not run: {reason}")
    print(f"{len(count.shown)} shown, not run; {count.pictures} pictures; {count.skipped} left out (plain pages)")
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except Wrong as wrong:
        sys.exit(f"tutorial: {wrong}")

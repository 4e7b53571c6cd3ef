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
import os
import re
import signal
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from runner.machine import PATIENCE, Machine  # noqa: E402
from runner.reading import Wrong, differs, parse, pattern, whole_lines  # noqa: E402


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


def the_runner_itself(count):
    """It must see what is wrong, or all of this proves nothing."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.discover(str(HERE / "runner"), top_level_dir=str(HERE)).run(result)
    for test, trace in result.failures + result.errors:
        complain(count, test.id(), trace)
    count.passed += result.testsRun - len(result.failures) - len(result.errors)
    print(f"{'the runner itself':18} {result.testsRun:>3} tests", flush=True)


def main(numbers):
    chapters = sorted(HERE.glob("[0-9]*.md"))
    wanted = {int(number) for number in numbers} or {int(path.name[:2]) for path in chapters}
    count = Count()
    the_runner_itself(count)
    machine = Machine()
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

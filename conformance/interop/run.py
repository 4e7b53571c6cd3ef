#!/usr/bin/env python3
"""Runs Tidewire against WebSocket peers of other makes, both directions where a peer has both.

    python3 conformance/interop/run.py --tidewire target/release/tidewire --work target/interop

Each suite is a program of its own that prints one tab-separated line per case and `done N` at its end.
Needed on the machine: Python 3.11, node 20 and npm, curl, chromium. What is missing fails its suite.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT = 180  # seconds for one suite
VERDICTS = ("ok", "FAIL", "not run")


class Missing(Exception):
    """Something a suite needs is not there; says what to do."""


class Tools:
    """What the suites run with; each is made or looked for once, when first asked for."""

    def __init__(self, arguments):
        self.work = Path(arguments.work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.tidewire = str(Path(arguments.tidewire).resolve())
        self.asked_chromium = arguments.chromium
        self.known = {}

    def get(self, name):
        if name not in self.known:
            try:
                self.known[name] = getattr(self, f"_{name}")()
            except Missing as missing:
                self.known[name] = missing
        found = self.known[name]
        if isinstance(found, Missing):
            raise found
        return found

    @staticmethod
    def _which(*names, install):
        for name in names:
            if path := shutil.which(name):
                return path
        raise Missing(f"there is no {' or '.join(names)} on the PATH; {install}")

    def _node(self):
        return self._which("node", install="install Node.js 20 or newer")

    def _chromium(self):
        if self.asked_chromium:
            return self._which(self.asked_chromium, install="give --chromium another path")
        return self._which("chromium", "chromium-browser", "google-chrome", install="on Debian: apt-get install chromium")

    def _make(self, folder, inputs, commands):
        """Makes `folder` unless it was made from the same `inputs` before."""
        wanted = "".join((HERE / name).read_text() for name in inputs) + sys.version
        stamp = folder / "made-from"
        if stamp.exists() and stamp.read_text() == wanted:
            print(f"using {folder}")
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in inputs:
            shutil.copy(HERE / name, folder / name)
        for command in commands:
            print("running", " ".join(command), flush=True)
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
            if done.returncode:
                problem = " ".join((done.stdout + done.stderr).split())[-300:]
                raise Missing(f"`{' '.join(command)}` ended with {done.returncode}: {problem}")
        stamp.write_text(wanted)

    def _python(self):
        folder = self.work / "venv"
        python = str(folder / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "-r", "requirements.txt"]
        self._make(folder, ["requirements.txt"], [[sys.executable, "-m", "venv", str(folder)], install])
        return python

    def _packages(self):
        folder = self.work / "node"
        npm = self._which("npm", install="install npm")
        self._make(folder, ["package.json", "package-lock.json"], [[npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]])
        return str(folder)


def python_client(tools):
    return [tools.get("python"), "py_client.py", tools.tidewire]


def node_client(tools):
    tools.get("packages")
    return [tools.get("node"), "node_client.mjs", tools.tidewire]


def curl_client(tools):
    return [tools.get("python"), "curl.py", tools.tidewire]


def chromium_client(tools):
    tools.get("packages")
    return [tools.get("node"), "chromium.mjs", tools.tidewire, tools.get("chromium"), str(tools.work)]


def python_server(tools):
    return [sys.executable, "connect.py", tools.tidewire, tools.get("python"), "py_server.py"]


def node_server(tools):
    tools.get("packages")
    return [sys.executable, "connect.py", tools.tidewire, tools.get("node"), "node_server.mjs"]


def with_both(program):
    def command(tools):
        tools.get("packages")
        return [tools.get("python"), program, tools.tidewire, tools.get("node")]

    return command


SUITES = {
    "python client": python_client,
    "node client": node_client,
    "curl client": curl_client,
    "chromium client": chromium_client,
    "python server": python_server,
    "node server": node_server,
    "command line": with_both("commands.py"),
    "between two": with_both("between.py"),
}


def show(suite, verdict, name, seen):
    print(f"{verdict:8}{suite:17}{name}: {seen}", flush=True)


def environment(tools):
    """Loopback only: no proxy, and no compiled files beside the sources."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "TIDEWIRE_INTEROP_NODE": str(tools.work / "node")}


def end_group(process):
    """Ends a suite and the servers it started, which share its process group."""
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def run_suite(suite, tools):
    """Counts by verdict. A suite that loses cases on its way has failed, whatever the others said."""
    counts = dict.fromkeys(VERDICTS, 0)

    def note(verdict, name, seen):
        counts[verdict] += 1
        show(suite, verdict, name, seen)

    try:
        command = SUITES[suite](tools)
    except Missing as missing:
        note("FAIL", "whole suite", missing)
        return counts
    told = None
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=HERE, env=environment(tools), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        late = threading.Timer(LIMIT, end_group, [process])
        late.start()
        try:
            for line in process.stdout:
                verdict, *rest = line.rstrip("\n").split("\t")
                if verdict in VERDICTS and len(rest) == 2:
                    note(verdict, *rest)
                elif verdict == "done":
                    told = int(rest[0])
                else:
                    print(line, end="", flush=True)
            code = process.wait()
        finally:
            late.cancel()
            end_group(process)
        total = sum(counts.values())
        if told != total or code != 0:
            errors.seek(0)
            about = " ".join(errors.read().decode(errors="replace").split())[-600:]
            note("FAIL", "whole suite", f"ended with {code} after {total} cases, told {told}, at most {LIMIT} s: {about}")
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tidewire", required=True, metavar="PATH", help="the binary to test")
    parser.add_argument("--work", required=True, metavar="DIR", help="where packages and pictures go; kept between runs")
    parser.add_argument("--chromium", metavar="PATH", help="the browser, if it is not `chromium` on the PATH")
    parser.add_argument("--only", action="append", choices=SUITES, metavar="SUITE", help=f"one of: {', '.join(SUITES)}")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` ends what runs
    tools = Tools(arguments)
    if not os.access(tools.tidewire, os.X_OK):
        print(f"FAIL    there is no program {tools.tidewire}; build it with `cargo build --release`\n0 passed, 1 failed")
        return 1
    rows = []
    for suite in arguments.only or SUITES:
        start = time.monotonic()
        rows.append((suite, run_suite(suite, tools), time.monotonic() - start))
    print(f"\n{'peer':17}{'ok':>6}{'FAIL':>6}{'not run':>9}{'seconds':>9}")
    for suite, counts, seconds in rows:
        print(f"{suite:17}{counts['ok']:6}{counts['FAIL']:6}{counts['not run']:9}{seconds:9.1f}")
    passed, failed, left = (sum(counts[verdict] for _, counts, _ in rows) for verdict in VERDICTS)
    if left:
        print(f"{left} not run, said above why")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

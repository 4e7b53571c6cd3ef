#!/usr/bin/env python3
"""Measures `tidewire echo` beside the peers of this folder, in one run, per second of server CPU.

See README.md for how to read the result. Linux, Python 3.9 or later, nothing but its standard library.
"""

import argparse
import json
import os
import platform
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
SERVER_CORE, CLIENT_CORE = 0, 1

OURS = "tidewire"
# In the order of the tables; the ratios are taken to all but ours.
SERVERS = [OURS, "raw", "tokio-tungstenite", "tokio-tungstenite-next", "fastwebsockets"]


@dataclass(frozen=True)
class Shape:
    """One load: how many connections, how large a message, how many of them in flight on each."""

    connections: int
    size: int
    depth: int

    def __str__(self):
        size = f"{self.size} B"
        for unit, bytes_per_unit in (("MiB", 1 << 20), ("KiB", 1 << 10)):
            if self.size % bytes_per_unit == 0:
                size = f"{self.size // bytes_per_unit} {unit}"
                break
        return f"{self.connections}×{size}×{self.depth}"


SHAPES = [Shape(100, 32, 1), Shape(100, 32, 16), Shape(100, 16 << 10, 1), Shape(10, 1 << 20, 1)]


class Failure(Exception):
    """The comparison cannot go on; the text says what to do."""


def parse_shape(text):
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)", text)
    if not match or 0 in (shape := Shape(*map(int, match.groups()))).__dict__.values():
        raise argparse.ArgumentTypeError(f"{text}: want CONNECTIONSxBYTESxDEPTH, like 100x32x16")
    return shape


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all servers and shapes (3)")
    parser.add_argument("--seconds", type=int, default=3, help="measured seconds of each run (3)")
    parser.add_argument("--warmup", type=int, default=1, help="seconds before each is measured (1)")
    parser.add_argument("--servers", help=f"some of them, with commas: {','.join(SERVERS)}")
    parser.add_argument("--shapes", type=parse_shape, nargs="+", default=SHAPES,
                        metavar="CxBxD", help="connections x bytes x depth, like 100x32x16")
    parser.add_argument("--quick", action="store_true",
                        help="one round of one second: shows that it works, measures nothing")
    parser.add_argument("--no-build", action="store_true", help="take the binaries as they lie there")
    options = parser.parse_args()
    if options.quick:
        options.rounds = options.seconds = options.warmup = 1
    if min(options.rounds, options.seconds) < 1 or options.warmup < 0:
        parser.error("--rounds and --seconds must be at least 1, --warmup at least 0")
    names = options.servers.split(",") if options.servers else SERVERS
    if unknown := [name for name in names if name not in SERVERS]:
        parser.error(f"no server {', '.join(unknown)}; there are {', '.join(SERVERS)}")
    options.servers = [name for name in SERVERS if name in names]
    return options


# --- building -----------------------------------------------------------------------------------

def target_dir():
    return Path(os.environ.get("CARGO_TARGET_DIR") or BENCH / "target").absolute()


def build():
    """Everybody gets the same flags: the profiles are equal, and all are built for this processor."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target_dir()),
                   "RUSTFLAGS": "-C target-cpu=native"}
    for folder, command in (
        (BENCH, ["cargo", "build", "--locked", "--release"]),
        (ROOT, ["cargo", "build", "--locked", "--profile", "dist", "-p", "tidewire-cli"]),
    ):
        say(f"{' '.join(command)}  (in {folder.name})")
        if subprocess.run(command, cwd=folder, env=environment).returncode != 0:
            raise Failure(f"the build in {folder} failed; its messages are above")


def binaries():
    tidewire, peers = target_dir() / "dist" / "tidewire", target_dir() / "release" / "peers"
    for path in (tidewire, peers):
        if not path.is_file():
            raise Failure(f"{path} is missing; run without --no-build")
    return tidewire, peers


# --- running ------------------------------------------------------------------------------------

class Server:
    """One echo server on its own core, for one measurement; ended by its pid."""

    def __init__(self, name, tidewire, peers):
        address = "127.0.0.1:0"
        command = ([tidewire, "echo", address, "--threads", "1", "--quiet"] if name == OURS
                   else [peers, name, address])
        self.name = name
        self.process = subprocess.Popen(pinned(SERVER_CORE, command), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        try:
            self.url = self._url(deadline=time.monotonic() + 10)
        except BaseException:
            end(self.process)
            raise
        return self

    def __exit__(self, *_):
        end(self.process)

    def _url(self, deadline):
        said = b""
        while not said.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [],
                                           max(0, deadline - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not piece:
                raise Failure(f"{self.name} did not say where it listens; it said {said!r}")
            said += piece
        match = re.match(rb"listening on ((?:ws|tcp)://127\.0\.0\.1:\d+/)\n", said)
        if not match:
            raise Failure(f"{self.name} said {said!r} instead of where it listens")
        return match.group(1).decode()


def pinned(core, command):
    # taskset becomes the command it starts, so the pid is the server's own.
    return ["taskset", "-c", str(core), *map(str, command)]


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()


def measure(server, shape, options, tidewire):
    """One run of the load generator; its JSON object, checked."""
    raw = server.url.startswith("tcp:")
    command = [tidewire, "bench", server.url.rstrip("/") if raw else server.url,
               "--connections", shape.connections, "--size", shape.size, "--depth", shape.depth,
               "--duration", options.seconds, "--warmup", options.warmup,
               "--pid", server.process.pid, "--busy-poll", "--json", *(["--raw"] if raw else [])]
    what = f"{server.name} {shape}"
    client = subprocess.Popen(pinned(CLIENT_CORE, command), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE)
    try:
        output, _ = client.communicate(timeout=options.seconds + options.warmup + 30)
    except subprocess.TimeoutExpired:
        raise Failure(f"{what}: the load generator did not end in time") from None
    finally:
        end(client)
    # 13: the client was at its limit, which messages per CPU second of the server do not mind.
    if client.returncode not in (0, 13):
        raise Failure(f"{what}: the load generator ended with {client.returncode}; see above")
    try:
        sample = json.loads(output)
    except ValueError:
        raise Failure(f"{what}: the load generator printed no JSON: {output[:200]!r}") from None
    if sample["errors"]:
        raise Failure(f"{what}: {sample['errors']} errors; a run with errors measures nothing")
    if not sample["messages_per_server_cpu_second"]:
        raise Failure(f"{what}: no message or no CPU time of the server was counted")
    return sample


def compare(options, tidewire, peers):
    samples = []
    total = options.rounds * len(options.shapes) * len(options.servers)
    for number in range(options.rounds):
        for shape in options.shapes:
            # Each round begins with another server, so that none always runs on a cool or a hot core.
            first = number % len(options.servers)
            for name in options.servers[first:] + options.servers[:first]:
                with Server(name, tidewire, peers) as server:
                    sample = measure(server, shape, options, tidewire)
                samples.append({"round": number + 1, "server": name, "shape": str(shape), **sample})
                say(f"[{len(samples)}/{total}] round {number + 1}  {shape}  {name}: "
                    f"{sample['messages_per_server_cpu_second'] / 1000:.4g} thousand per CPU second")
    return samples


# --- telling ------------------------------------------------------------------------------------

def medians(samples):
    """(server, shape) → median, spread in percent of it, and how much of its core the server used."""
    grouped = {}
    for sample in samples:
        grouped.setdefault((sample["server"], sample["shape"]), []).append(sample)
    result = {}
    for key, group in grouped.items():
        rates = [sample["messages_per_server_cpu_second"] for sample in group]
        median = statistics.median(rates)
        busy = statistics.median(s["server_cpu_seconds"] / s["seconds"] for s in group)
        result[key] = {"messages_per_server_cpu_second": median,
                       "spread_percent": 100 * (max(rates) - min(rates)) / median,
                       "busy_percent": 100 * busy}
    return result


def table(corner, shapes, rows):
    yield f"| {corner} | " + " | ".join(shapes) + " |"
    yield "|---|" + "---|" * len(shapes)
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(cells) + " |"


def rate(value):
    thousands = value / 1000
    return f"{thousands:.0f}" if thousands >= 100 else f"{thousands:.3g}"


def markdown(options, result, about):
    shapes = [str(shape) for shape in options.shapes]
    cell = {key: value["messages_per_server_cpu_second"] for key, value in result.items()}
    yield "### Echo: thousand messages per server-CPU-second (connections × bytes × depth)"
    yield ""
    yield from table("", shapes, (
        (name, [f"{rate(cell[name, s])} ±{result[name, s]['spread_percent'] / 2:.0f} %" for s in shapes])
        for name in options.servers))
    peers = [name for name in options.servers if name != OURS]
    if OURS in options.servers and peers:
        yield ""
        yield "### Tidewire as a multiple of each (above 1: tidewire does more; ≈: within 5 %, no difference)"
        yield ""

        def ratio(name, shape):
            value = cell[OURS, shape] / cell[name, shape]
            return f"≈ {value:.2f}" if abs(value - 1) < 0.05 else f"{value:.2f}"

        yield from table("tidewire ÷", shapes, ((n, [ratio(n, s) for s in shapes]) for n in peers))
    yield ""
    yield "### Share of its core that the server used"
    yield ""
    yield from table("", shapes, (
        (name, [f"{result[name, s]['busy_percent']:.0f} %" for s in shapes])
        for name in options.servers))
    yield ""
    yield (f"Medians of {options.rounds} interleaved rounds of {options.seconds} s; ± is half of highest "
           f"less lowest. {about['processor']}, {about['kernel']}, {about['rustc']}, commit "
           f"{about['commit']}; load average before {about['load_before']:.2f}.")
    if about["load_before"] > 0.5:
        yield "**The machine was not idle at the start: repeat on a quiet one before quoting.**"
    if options.quick:
        yield "**A smoke run (`--quick`): these figures mean nothing.**"


def about_this_run():
    def asked(*command):
        try:
            return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
        except OSError:
            return ""

    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    dirty = "+changes" if asked("git", "status", "--porcelain") else ""
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "load_before": os.getloadavg()[0],
            "processor": f"{os.cpu_count()} × {model.group(1) if model else platform.machine()}",
            "kernel": f"{platform.system()} {platform.release()}",
            "rustc": asked("rustc", "--version") or "rustc unknown",
            "commit": (asked("git", "rev-parse", "--short", "HEAD") or "unknown") + dirty}


def write_json(options, about, result, samples):
    folder = BENCH / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"compare-{time.strftime('%Y%m%d-%H%M%S')}{'-quick' if options.quick else ''}.json"
    path.write_text(json.dumps({
        **about, "rounds": options.rounds, "seconds": options.seconds, "warmup": options.warmup,
        "quick": options.quick,
        "medians": [{"server": n, "shape": s, **v} for (n, s), v in result.items()],
        "samples": samples}, indent=1) + "\n")
    return path


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    options = arguments()
    # An end asked for from outside runs the `finally`s too, and leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not {SERVER_CORE, CLIENT_CORE} <= os.sched_getaffinity(0):
            raise Failure("two processors are needed: one for the server, one for the load")
        if not shutil.which("taskset"):
            raise Failure("taskset is missing; it comes with util-linux")
        about = about_this_run()  # before the build, which is a load of its own
        if not options.no_build:
            build()
        tidewire, peers = binaries()
        samples = compare(options, tidewire, peers)
    except Failure as failure:
        say(f"compare: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    result = medians(samples)
    path = write_json(options, about, result, samples)
    print("\n".join(markdown(options, result, about)))
    say(f"\nall samples: {os.path.relpath(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

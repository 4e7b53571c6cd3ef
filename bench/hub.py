#!/usr/bin/env python3
"""Measures `tidewire serve`: fan-out, latency, durable publishes, idle memory, and a mass return.

See README.md for how to read the result. Linux, Python 3.9 or later, nothing but its standard library.
"""

import argparse
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import (BENCH, CLIENT_CORE, SERVER_CORE, Failure, about_this_run, build, end, pinned, say,
                     target_dir)

FILES = 20_000  # 10,000 connections in each process, and room

CONFIG = """
shards = 1

[namespaces.live]
storage = "memory"
history_size = 10000
subscribe = "anyone"
publish = "anyone"
rate = 100000000
burst = 100000000

[namespaces.chat]
storage = "durable"
history_size = 1000000
history_age = "1d"
subscribe = "anyone"
publish = "anyone"
rate = 100000000
burst = 100000000

[limits]
# The load shares the machine with the hub: a subscriber that is late is not cut off, the publisher waits.
outbox = "16 MiB"
"""

# Name, scenario, arguments.
RUNS = [
    ("fan-out 1 → 1,000", "fanout", {"sessions": 1000}),
    ("fan-out 1 → 10,000", "fanout", {"sessions": 10_000}),
    ("latency 1 → 1,000, 20 a second", "fanout", {"sessions": 1000, "rate": 20}),
    ("latency 1 → 10,000, 2 a second", "fanout", {"sessions": 10_000, "rate": 2}),
    ("durable, 1 connection × 64", "durable", {"sessions": 1, "depth": 64}),
    ("durable, 100 connections × 1", "durable", {"sessions": 100, "depth": 1}),
    ("idle, 10,000 sessions", "idle", {"sessions": 10_000}),
    ("10,000 come back, 5 publications a second", "back", {"sessions": 10_000, "rate": 5}),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tidewire", type=Path, help="this binary; without it, one is built (profile dist)")
    parser.add_argument("--seconds", type=int, default=5, help="measured seconds of each run (5)")
    parser.add_argument("--only", default="", help="only runs whose name contains this")
    parser.add_argument("--scale", type=int, default=1, metavar="N",
                        help="a Nth of the sessions: shows that it works, measures nothing")
    parser.add_argument("--data", type=Path, help="where the hub keeps its data: the disk that is measured")
    parser.add_argument("--no-build", action="store_true", help="take the binaries as they lie there")
    options = parser.parse_args()
    if options.seconds < 1 or options.scale < 1:
        parser.error("--seconds and --scale must be at least 1")
    return options


class Hub:
    """One hub on its own core, for one measurement; ended by its pid."""

    def __init__(self, tidewire, folder):
        config = Path(folder) / "hub.toml"
        config.write_text(CONFIG)
        command = [tidewire, "serve", "--listen", "127.0.0.1:0", "--config", config,
                   "--data", Path(folder) / "data"]
        # Memory is counted in pages: huge ones would hide what a session costs.
        environment = {**os.environ, "MIMALLOC_ALLOW_THP": "0"}
        self.errors = open(Path(folder) / "stderr", "w+b")
        self.process = subprocess.Popen(pinned(SERVER_CORE, command), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors, env=environment)

    def __enter__(self):
        try:
            self.address = self._address(time.monotonic() + 10)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end(self.process)
        self.errors.close()

    def _address(self, deadline):
        said = b""
        mark = b"listening on http://"
        while mark not in said or b"\n" not in said[said.index(mark):]:
            left = max(0, deadline - time.monotonic())
            readable, _, _ = select.select([self.process.stdout], [], [], left)
            piece = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not piece:
                self.errors.seek(0)
                complaint = self.errors.read().decode(errors="replace").strip()
                raise Failure(f"the hub did not say where it listens; it said {said!r} {complaint}")
            said += piece
        return said[said.index(mark) + len(mark):].split(b"/")[0].decode()


def measure(run, options, tidewire, load):
    name, scenario, asked = run
    asked = {**asked, "sessions": max(1, asked["sessions"] // options.scale)}
    with tempfile.TemporaryDirectory(dir=options.data) as folder, Hub(tidewire, folder) as hub:
        command = [load, scenario, "--hub", hub.address, "--pid", hub.process.pid,
                   "--seconds", options.seconds]
        for key, value in asked.items():
            command += [f"--{key}", value]
        client = subprocess.Popen(pinned(CLIENT_CORE, command), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE)
        try:
            output, _ = client.communicate(timeout=options.seconds + 120)
        except subprocess.TimeoutExpired:
            raise Failure(f"{name}: the load did not end in time") from None
        finally:
            end(client)
        if client.returncode != 0:
            raise Failure(f"{name}: the load ended with {client.returncode}; see above")
        return json.loads(output)


def thousands(number):
    return f"{number:,.0f}"


def row(sample):
    """What of a sample is worth a line."""
    told = []
    if "deliveries_per_second" in sample and not sample["latency_p99_ms"]:
        told.append(f"{thousands(sample['deliveries_per_second'])} deliveries/s, "
                    f"{thousands(sample['deliveries_per_server_cpu_second'])} per server-CPU-second")
    if "acknowledged_per_second" in sample:
        told.append(f"{thousands(sample['acknowledged_per_second'])} acknowledged/s")
    if sample.get("latency_p99_ms"):
        told.append(f"p50 {sample['latency_p50_ms']:.2f} ms, p99 {sample['latency_p99_ms']:.2f} ms")
    if "bytes_per_session" in sample:
        told.append(f"{thousands(sample['bytes_per_session'])} resident bytes a session")
    if "recovered_records" in sample:
        told.append(f"all back after {sample['seconds']:.2f} s (half of them {sample['seconds_p50']:.2f} s), "
                    f"{thousands(sample['recovered_records'])} records recovered, "
                    f"{sample['server_cpu_seconds']:.2f} s of server CPU")
    return "; ".join(told)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not {SERVER_CORE, CLIENT_CORE} <= os.sched_getaffinity(0):
            raise Failure("two processors are needed: one for the hub, one for the load")
        if not shutil.which("taskset"):
            raise Failure("taskset is missing; it comes with util-linux")
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < FILES // options.scale:
            raise Failure(f"{FILES} open files are needed, and the limit is {hard} (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))  # what is started inherits it
        about = about_this_run()
        if not options.no_build and not options.tidewire:
            build()
        tidewire = options.tidewire or target_dir() / "dist" / "tidewire"
        load = target_dir() / "release" / "hub_load"
        for path in (tidewire, load):
            if not path.is_file():
                raise Failure(f"{path} is missing; run without --no-build")
        samples = []
        for run in RUNS:
            if options.only in run[0]:
                began = time.monotonic()
                sample = measure(run, options, tidewire, load)
                samples.append({"run": run[0], **sample})
                say(f"{run[0]}: {row(sample)}  [{time.monotonic() - began:.0f} s]")
    except Failure as failure:
        say(f"hub: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    folder = BENCH / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"hub-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps({**about, "seconds": options.seconds, "scale": options.scale,
                                "samples": samples}, indent=1) + "\n")
    print("| hub, one core | |\n|---|---|")
    for sample in samples:
        print(f"| {sample['run']} | {row(sample)} |")
    print(f"\n{about['processor']}, {about['kernel']}, {about['rustc']}, commit {about['commit']}; "
          f"load average before {about['load_before']:.2f}.")
    if about["load_before"] > 0.5:
        print("**The machine was not idle at the start: repeat on a quiet one before quoting.**")
    if options.scale > 1:
        print("**A smoke run (`--scale`): these figures mean nothing.**")
    say(f"\nall samples: {os.path.relpath(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Cases: the command line against Python `websockets` and Node `ws` as servers, each case against both.

What `connect.py` has, messages and handshakes of `tidewire connect`, is not had again.
"""

import base64
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import Cases, equal, must, short
from peer import HOLD, Peer
from running import Running

MIB = 1 << 20
binary, node = sys.argv[1:]
BYTES = random.Random(6455).randbytes(8 * MIB)
folder = Path(tempfile.mkdtemp(prefix="tidewire-commands-"))


# --- Payloads in a pipe ---


def binary_in_a_pipe(peer):
    given = bytes(range(256)) + BYTES[:300_000]
    outcome = peer.run(binary, "echo", "-b", "-w", "2", stdin=given)
    outcome.clean(given)
    return f"{len(given)} bytes as {outcome.closed()['messages']} binary messages and back, byte for byte"


def raw_text_in_a_pipe(peer):
    lines = "\x1b[31mred\x1b]0;title\x07\ttab\u2028 ✓\nλ\n".encode()
    peer.run(binary, "echo", "-w", "10", stdin=lines, n=2).clean(lines)
    records = b"two\nlines\0\0last\0"
    peer.run(binary, "echo", "--null", "-w", "10", stdin=records, n=3).clean(records)
    return "control characters as they are; with --null messages of two lines and of none"


def eight_mib(*options):
    def case(peer):
        text = BYTES.hex().encode()[: 8 * MIB - 1]
        outcome = peer.run(binary, "echo", "-w", "10", *options, stdin=text + b"\n", n=1)
        outcome.clean(text + b"\n")
        file = folder / "8MiB"
        if not file.exists():
            file.write_bytes(BYTES)
        raw = peer.run(binary, "echo", "-b", "-w", "15", *options, "-x", f"@{file}", n=1)
        raw.clean(BYTES)
        closed = outcome.closed()
        smaller = closed["wire_out"] < 0.75 * len(text)
        equal(smaller, not options, f"compressed on the wire ({closed['wire_out']} bytes)")
        return f"text as {closed['wire_in']} bytes in, {closed['wire_out']} out; a file as one binary message"

    return case


def ndjson(peer):
    outcome = peer.run(binary, "binary", "--json", stdin=HOLD)
    events = [json.loads(line) for line in outcome.stdout.splitlines()]
    (message,) = [event for event in events if event.get("op") == "binary"]
    equal(message["dir"], "in", "direction")
    equal(base64.b64decode(message["data"]), bytes(range(256)), "data")
    return f"{len(events)} lines of JSON, the binary message in base64"


# --- Who one is, and what one asks for ---


def identity(peer):
    seen = []
    for options, name, wanted in (
        (("-u", "Aladdin:open sesame"), "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (("--bearer", "a.b.c"), "authorization", "Bearer a.b.c"),
        (("--cookie", "a=1; b=2", "--cookie", "c=3"), "cookie", "a=1; b=2; c=3"),
        (("-o", "auto"), "origin", peer.url.replace("ws:", "http:")),
        (("--host", "other.example:81"), "host", "other.example:81"),
        (("-A", "tide/1"), "user-agent", "tide/1"),
    ):
        outcome = peer.run(binary, "echo", *options, "-x", "hi", "-w", "10", n=1)
        outcome.clean(b"hi\n")
        equal(outcome.opened()["headers"].get(name), wanted, name)
        seen.append(f"{name}: {wanted}")
    return "; ".join(seen)


def headers_twice(peer):
    outcome = peer.run(binary, "echo", "-H", "X-A: 1", "-H", "X-A: 2", "-x", "hi", "-w", "10", n=1)
    outcome.clean(b"hi\n")
    equal([line for line in outcome.opened()["lines"] if line[0].lower() == "x-a"], [["X-A", "1"], ["X-A", "2"]], "header lines")
    return "X-A: 1 and X-A: 2 came as two lines, in their order"


def refusal(status, body, hint):
    def case(peer):
        outcome = peer.run(binary, "refuse", "-x", "hi", status=status, body=body)
        outcome.failed(6, f"answered {status} ", "content-length: ", f"\n  {body.splitlines()[0]}", f"hint: {hint}")
        outcome.printed(b"")
        return f"exit code 6, headers, body and hint: {short(outcome.stderr)}"

    return case


# --- Control frames ---


def pings_of_the_server(peer):
    outcome = peer.run(binary, "ping", "-P", stdin=HOLD)
    outcome.clean(b"pong 0\npong 2\npong 125\n")
    for line in ('* ping ""\n', "* ping 00 ff\n", f'* ping "{"p" * 125}"\n'):
        must(line in outcome.stderr, f"{line!r} is not in {outcome.stderr!r}")
    return "three pings shown and answered"


def own_pings(peer):
    outcome = peer.run(binary, "echo", "--ping", "0.05", "--ping-timeout", "15", "-P", "-w", "1.5", "-x", "hi")
    outcome.clean(b"hi\n")
    must('* pong "tidewire 1" ' in outcome.stderr, f"no pong: {outcome.stderr!r}")
    return "pongs came, with their time"


def close_of_the_server(peer):
    asked = {"code": 4001, "reason": "token expired"}
    outcome = peer.run(binary, "close", stdin=HOLD, **asked)
    outcome.failed(10, 'Disconnected (code: 4001, reason: "token expired")')
    peer.run(binary, "close", "--expect-close", "4001", stdin=HOLD, **asked).clean(b"")
    peer.run(binary, "close", "--expect-close", "4002", stdin=HOLD, **asked).failed(1, "--expect-close 4002")
    return "the line says 4001 and why, exit code 10; --expect-close 4001 makes it 0, another 1"


def frames_shown(peer):
    outcome = peer.run(binary, "fragments", "-vv", stdin=HOLD, deflate="off")
    outcome.clean("fr🦀ag\n".encode())
    for line in ("← text len=3 ", "← ping fin len=7 ", "→ pong fin mask len=7 ", "← continuation len=2 ", "← close "):
        must(f"\n{line}" in outcome.stderr, f"{line!r} is not in {outcome.stderr[-600:]!r}")
    return "-vv shows each fragment and the ping between"


# --- A bridge to a server, and judges of servers ---


def bridge_to_a_server(peer):
    url, case = peer.address("echo")
    with Running([binary, "bridge", "tcp-l:127.0.0.1:0", url, "--lines"]) as bridge:
        port = int(bridge.says(r"listening on .*127\.0\.0\.1:(\d+)").group(1))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as stream:
            stream.sendall("one\nλ two\n".encode())
            with stream.makefile("rb") as lines:
                equal([lines.readline(), lines.readline()], [b"one\n", "λ two\n".encode()], "lines")
        peer.next("open", case)
        equal(peer.next("close", case)["messages"], 2, "messages")
    return "two lines over TCP are two text messages, and back"


def report(command, url):
    done = subprocess.run([binary, command, url, "--json", "--timeout", "6"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    must(done.stdout, f"no report: {done.stderr[-300:]!r}")
    return done.returncode, json.loads(done.stdout)


def doctor(peer):
    code, found = report("doctor", peer.address("echo", choose="")[0])
    steps = {step["step"]: (step["verdict"], step["said"]) for step in found["steps"]}
    equal((code, found["failed"]), (0, 0), f"exit code, failed of {steps}")
    for name in ("tcp", "upgrade", "extensions", "subprotocol", "ping", "close", "http"):
        equal(steps[name][0], "ok", f"{name}: {steps[name][1]}")
    equal(steps["origin"][0], "warn", f"origin: {steps['origin'][1]}")
    must("permessage-deflate" in steps["extensions"][1], f"extensions: {steps['extensions'][1]}")
    return f"nothing failed; origin: {steps['origin'][1]}"


def conform(lax):
    """`lax`: where this server, in its pinned version, is known to take what it must not."""

    def case(peer):
        code, found = report("conform", peer.address("echo")[0])
        failed = {case["case"] for case in found["cases"] if case["verdict"] == "fail"}
        must(failed == lax, f"failed besides: {sorted(failed - lax)}; not found: {sorted(lax - failed)}")
        equal((code, found["fail"]), (1, len(lax)), "exit code, failed")
        equal(found["skipped"], 0, "skipped")
        for section in ("framing", "utf8", "close", "deflate", "limits"):
            must(any(case["section"] == section and case["verdict"] == "pass" for case in found["cases"]), f"{section}: none passed")
        return f"{found['pass']} passed, {found['non_strict']} not strict, failed: {sorted(failed)}"

    return case


CONFORM_LAX = {
    "python": {"handshake/host-missing"},
    "node": {"handshake/host-missing", "handshake/http-1.0", "deflate/offer-window-leading-zero"},
}


def plan():
    for name, peer in peers.items():
        for title, case in (
            ("binary in a pipe", binary_in_a_pipe),
            ("control characters and NUL in a pipe", raw_text_in_a_pipe),
            ("8 MiB, compressed", eight_mib()),
            ("8 MiB, plain", eight_mib("--no-deflate")),
            ("NDJSON", ndjson),
            ("login, cookies, Origin, Host", identity),
            ("a header twice", headers_twice),
            ("refused with 401", refusal(401, "who are you?", "say who you are")),
            ("refused with 403", refusal(403, "not you", "")),
            ("refused with 404", refusal(404, "nothing here", "no WebSocket at this path")),
            ("pings of the server", pings_of_the_server),
            ("pings to the server", own_pings),
            ("close code and reason", close_of_the_server),
            ("fragments shown", frames_shown),
            ("bridge from TCP", bridge_to_a_server),
            ("doctor", doctor),
            ("conform", conform(CONFORM_LAX[name])),
        ):
            yield f"{title}, {name} server", lambda case=case, peer=peer: case(peer)


peers = {"python": Peer([sys.executable, "py_server.py"]), "node": Peer([node, "node_server.mjs"])}
cases = Cases()
try:
    with ThreadPoolExecutor(3) as pool:
        running = [(name, pool.submit(case)) for name, case in plan()]
        for name, result in running:
            cases.run_plain(name, result.result)
    for name, peer in peers.items():
        cases.run_plain(f"{name} server", lambda peer=peer: peer.stop() or "lived through all cases")
finally:
    shutil.rmtree(folder, ignore_errors=True)
cases.finish()

"""Cases: the whole command line between Python `websockets` and Node `ws`, as servers and as clients.

What `connect.py` has, messages and handshakes of `tidewire connect`, is not had again.
"""

import base64
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from websockets.sync.client import connect

from common import Cases, Echo, equal, must, short
from peer import HOLD, Peer, execute
from running import Running

MIB = 1 << 20
binary, node = sys.argv[1:]
BYTES = random.Random(6455).randbytes(8 * MIB)
folder = Path(tempfile.mkdtemp(prefix="tidewire-commands-"))


# --- Payloads in a pipe ---


def binary_in_a_pipe(peer):
    given = bytes(range(256)) + BYTES[:300_000]
    outcome = peer.run(binary, "echo", "-b", "-w", "1", stdin=given)
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
        opened = peer.run(binary, "echo", *options, "-x", "hi", "-w", "10", n=1).opened()
        equal(opened["headers"].get(name), wanted, name)
        seen.append(f"{name}: {wanted}")
    return "; ".join(seen)


def headers_twice(peer):
    opened = peer.run(binary, "echo", "-H", "X-A: 1", "-H", "X-A: 2", "-x", "hi", "-w", "10", n=1).opened()
    equal([line for line in opened["lines"] if line[0].lower() == "x-a"], [["X-A", "1"], ["X-A", "2"]], "header lines")
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
    outcome = peer.run(binary, "echo", "--ping", "0.05", "-P", "--count", "1", "-w", "10", "-x", "late", n=0)
    outcome.clean(b"late\n")
    outcome = peer.run(binary, "echo", "--ping", "0.05", "-P", "-w", "0.5")
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


# --- Between a client and a server of two makes ---


def node_talk(url, **plan):
    """What the Node client saw; it closes when `until` messages, or `bytes`, have come."""
    code, stdout, stderr = execute([node, "node_talk.mjs", url], json.dumps(plan).encode())
    must(code == 0 and stdout, f"the Node client ended with {code}: {stderr[-200:]}")
    return json.loads(stdout)


def through(door, url):
    """The same path and query, but at another door."""
    return url.replace(url.split("/")[2], door, 1)


def tap_between_python_and_node():
    record = folder / "tap.ndjson"
    url, case = peers["node"].address("echo", choose="v2")
    with Running([binary, "tap", "127.0.0.1:0", peers["node"].url, "--record", str(record), "-H", "X-Tap: yes"]) as tap:
        door = tap.says(r"^Listening on \S*?(127\.0\.0\.1:\d+)").group(1)
        long = "again and again " * 500
        with connect(through(door, url), subprotocols=["v1", "v2"], max_size=16 * MIB) as ws:
            equal(ws.subprotocol, "v2", "subprotocol")
            for message in (long, b"\x00\xff", "", BYTES[:MIB]):
                ws.send(message)
                must(ws.recv(20) == message, f"the echo of {short(message)} differs")
            ws.send(["in ", "three ", "frames"])
            equal(ws.recv(20), "in three frames", "echo")
            must(ws.ping(b"are you there").wait(20), "no pong")
            ws.close(4321, "enough")
        opened, closed = (peers["node"].next(kind, case) for kind in ("open", "close"))
        equal(opened["headers"].get("x-tap"), "yes", "X-Tap")
        must("permessage-deflate" in (opened["agreed"] or ""), f"agreed {opened['agreed']}")
        equal((closed["code"], closed["reason"]), (4321, "enough"), "close")
        for line in (rf"→ text {len(long)} B .*B deflated", r"→ binary 2 B +00 ff", r"→ ping 13 B +are you there", r"→ close 4321 \"enough\"", "#1 ended 4321 "):
            tap.prints(line)
        tap.interrupted(130)
    entries = [json.loads(line) for line in record.read_text().splitlines()]
    must(any(entry.get("text") == "in three frames" for entry in entries), f"not recorded: {short(entries)}")
    return "text, binary, 1 MiB, fragments, ping, subprotocol, deflate and close passed, shown and recorded"


def tap_that_cuts_between_node_and_python():
    url, case = peers["python"].address("echo")
    with Running([binary, "tap", "127.0.0.1:0", peers["python"].url, "--fragment", "7"]) as tap:
        door = tap.says(r"^Listening on \S*?(127\.0\.0\.1:\d+)").group(1)
        sent = [{"text": "Grüße 🦀 " * 200}, {"base64": base64.b64encode(BYTES[:5000]).decode()}, {"text": "12345", "fragments": 3}]
        seen = node_talk(through(door, url), send=sent, until=3, ping="still", close=[4000, "bye"])
        equal(seen["messages"], [sent[0]["text"], sent[1]["base64"], "12345"], "messages")
        equal((seen["pong"], seen["code"]), ("still", 4000), "pong, close")
        peers["python"].next("open", case)
        equal(peers["python"].next("close", case)["reason"], "bye", "reason")
        tap.interrupted(130)
    return "frames of at most 7 bytes put together again by both, compressed"


def listen_for_both():
    with Running([binary, "-l", "127.0.0.1:0", "-s", "v2"]) as server:
        port = server.says(r"^Listening on ws://127\.0\.0\.1:(\d+)/").group(1)
        url = f"ws://127.0.0.1:{port}/room"
        with connect(url, subprotocols=["v1", "v2"], max_size=16 * MIB) as ws:
            server.says(r"#1 connected .*/room")
            equal(ws.subprotocol, "v2", "subprotocol")
            ws.send("from Python ✓")
            server.prints("^from Python ✓$")
            server.kind("to all\n")
            equal(ws.recv(20), "to all", "message")
            ws.send("x" * (8 * MIB))
            server.prints(f"^x{{{8 * MIB}}}$")
            must(ws.ping().wait(20), "no pong")
            with ThreadPoolExecutor(1) as aside:
                talk = aside.submit(node_talk, url, send=[{"text": "from Node"}], until=1, subprotocols=["v2"])
                server.prints("^from Node$")
                server.kind("welcome\n")
                seen = talk.result(20)
            equal((seen["messages"], seen["subprotocol"]), (["welcome"], "v2"), "what Node saw")
            server.says(r"#2 disconnected \(code: 1000")
            equal(ws.recv(20), "welcome", "message")
            ws.close(4001, "bye")
        server.says(r'#1 disconnected \(code: 4001, reason: "bye"\)')
        server.interrupted(0)
    return "a Python and a Node client, 8 MiB, a ping; each line to both"


class TcpEcho:
    """A TCP server that gives back what it gets."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            stream, _ = self.socket.accept()
            threading.Thread(target=self._echo, args=(stream,), daemon=True).start()

    @staticmethod
    def _echo(stream):
        with stream:
            while data := stream.recv(65536):
                stream.sendall(data)


def bridge_to_tcp():
    echo = TcpEcho()
    with Running([binary, "bridge", "ws-l:127.0.0.1:0", f"tcp:127.0.0.1:{echo.port}"]) as bridge:
        url = bridge.says(r"^(?:\* )?listening on (ws://127\.0\.0\.1:\d+/?)").group(1)
        parts = [BYTES[:300_000], b"", bytes(range(256))]
        sent = [{"base64": base64.b64encode(part).decode()} for part in parts]
        whole = b"".join(parts)
        seen = node_talk(url, send=sent, bytes=len(whole))
        got = b"".join(base64.b64decode(message) for message in seen["messages"])
        must(got == whole and all(seen["binary"]), f"{len(got)} of {len(whole)} bytes, all binary {all(seen['binary'])}")
        with connect(url) as ws:
            ws.send(BYTES[:MIB])
            got = b""
            while len(got) < MIB:
                got += ws.recv(20)
            must(got == BYTES[:MIB], "what came back to Python differs")
    return f"{len(whole)} bytes of Node's and 1 MiB of Python's to TCP and back"


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


# --- The connection as another tool's command ---


def translated(tool, url, *options):
    code, stdout, stderr = execute([binary, url, "--as", tool, *options])
    equal(code, 0, f"exit code ({stderr})")
    return stdout.decode()


MESSAGE = "it's \"1\" \\ ✓\nλ"


def as_python():
    server = Echo(binary)
    with Running([sys.executable, "-uc", translated("python", server.url, "-x", "hello", "-x", MESSAGE)]) as program:
        for line in ("^hello$", '^it\'s "1"', "^λ$"):
            program.prints(line)
        equal(server.stop(), None, "the server")
        program.ends(0)
    return "ran as it was printed: both messages echoed, ended with the server's 1001"


def as_python_with_headers():
    url, case = peers["node"].address("echo", n=1, choose="v2")
    options = ("-s", "v1,v2", "-H", "X-Test: it's \"1\" $(id)", "-o", "https://o.example", "-u", "me:pass", "-x", MESSAGE)
    with Running([sys.executable, "-uc", translated("python", url, *options)]) as program:
        program.prints("^λ$")
        program.ends(0)
    opened = peers["node"].next("open", case)
    got = [opened["headers"].get(name) for name in ("x-test", "origin", "authorization")]
    equal(got, ["it's \"1\" $(id)", "https://o.example", "Basic bWU6cGFzcw=="], "headers")
    equal(opened["subprotocol"], "v2", "subprotocol")
    return f"the Node server saw {got} and chose v2"


def run_javascript(text):
    return Running([node, "--experimental-websocket", "--eval", text])


def as_js():
    server = Echo(binary)
    with run_javascript(translated("js", server.url, "-x", "hello", "-x", MESSAGE)) as program:
        for line in ("^hello$", '^it\'s "1"', "^λ$"):
            program.prints(line)
        equal(server.stop(), None, "the server")
        program.prints("^1001 ")
        program.ends(0)
    return "ran as it was printed, with Node's own WebSocket: echoed, 1001 at the end"


def as_js_with_subprotocols():
    url, case = peers["python"].address("echo", n=1, choose="v2")
    with run_javascript(translated("js", url, "-s", "v1", "-s", "v2", "-x", "hi")) as program:
        program.prints("^hi$")
        program.prints("^1000 ")
        program.ends(0)
    equal(peers["python"].next("open", case)["subprotocol"], "v2", "subprotocol")
    return "the Python server chose v2"


def as_curl():
    server = Echo(binary, "--subprotocol", "v2")
    command = translated("curl", server.url, "-s", "v2", "-H", "X-Test: it's $(id)", "-o", "https://o.example")
    with Running(["sh", "-c", f"exec {command}"]) as program:
        program.prints("^HTTP/1.1 101 ")
        program.prints("(?i)^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\\+xOo=$")
    server.stop()
    return "the answer is 101, with the Accept of the RFC's key"


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


def as_wscat():
    url, case = peers["python"].address("echo", n=1, choose="v2")
    options = ("-s", "v2", "-H", "X-Test: it's \"1\" $(id)", "-o", "https://o.example", "-x", "it's $(id)")
    code, printed = on_a_terminal(translated("wscat", url, *options))
    must(code == 0 and "it's $(id)" in printed, f"ended with {code}, printed {printed!r}")
    opened = peers["python"].next("open", case)
    got = [opened["headers"].get(name) for name in ("x-test", "origin")] + [opened["subprotocol"]]
    equal(got, ["it's \"1\" $(id)", "https://o.example", "v2"], "headers, subprotocol")
    return f"the Python server saw {got}, and wscat its echo"


def as_websocat():
    server = Echo(binary)
    try:
        command = translated("websocat", server.url, "-x", "it's $(id)")
        with Running(["sh", "-c", command]) as program:
            program.prints(r"^it's \$\(id\)$")
    finally:
        server.stop()
    return "ran as it was printed"


# --- Judges of servers ---


def report(command, url):
    done = subprocess.run([binary, command, url, "--json"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
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
    """`lax`: where this server is known to take what it must not; everywhere else nothing may fail."""

    def case(peer):
        code, found = report("conform", peer.address("echo")[0])
        failed = {case["case"] for case in found["cases"] if case["verdict"] == "fail"}
        must(failed <= lax, f"failed besides: {sorted(failed - lax)}")
        equal(code, 1 if failed else 0, "exit code")
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
    yield "tap, Python client and Node server", tap_between_python_and_node
    yield "tap --fragment, Node client and Python server", tap_that_cuts_between_node_and_python
    yield "listen, Python and Node clients", listen_for_both
    yield "bridge to TCP, Node and Python clients", bridge_to_tcp
    yield "--as python, run", as_python
    yield "--as python, headers", as_python_with_headers
    yield "--as js, run", as_js
    yield "--as js, subprotocols", as_js_with_subprotocols
    yield "--as curl, run", as_curl
    yield "--as wscat, run", as_wscat
    if shutil.which("websocat"):
        yield "--as websocat, run", as_websocat


peers = {"python": Peer([sys.executable, "py_server.py"]), "node": Peer([node, "node_server.mjs"])}
cases = Cases()
if not shutil.which("websocat"):
    cases.note("not run", "--as websocat, run", "there is no websocat on the PATH")
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

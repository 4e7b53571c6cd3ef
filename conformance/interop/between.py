"""Cases: between a client and a server of two makes (`tap`, `-l`, `bridge`), and `--as`, run as it is printed."""

import base64
import json
import random
import shutil
import socket
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from websockets.sync.client import connect

from common import Cases, Echo, equal, must, short
from peer import Peer, execute
from running import Running, on_a_terminal

MIB = 1 << 20
binary, node = sys.argv[1:]
BYTES = random.Random(6455).randbytes(MIB)
folder = Path(tempfile.mkdtemp(prefix="tidewire-between-"))


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
        for line in (
            rf"→ text {len(long)} B .*B deflated",
            r"→ binary 2 B +00 ff",
            r"→ ping 13 B +are you there",
            r"→ close 4321 \"enough\"",
            "#1 ended 4321 ",
        ):
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
    _, has, _ = execute([node, "-p", "typeof WebSocket"])  # Node 20 has it behind a flag, 22 by itself
    options = [] if has.strip() == b"function" else ["--experimental-websocket"]
    return Running([node, *options, "--eval", text])


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


def plan():
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

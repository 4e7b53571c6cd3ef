"""Cases: `tidewire connect` against a server of another library (py_server.py or node_server.mjs)."""

import os
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

from common import Cases, equal, far_repeats, must, short
from peer import HOLD, Outcome, Peer, execute

MIB = 1 << 20
binary, *server_command = sys.argv[1:]


def tidewire(behaviour, *options, **how):
    return peer.run(binary, behaviour, *options, **how)


def once(text, *options, **asked):
    """Sends `text` as one message to a server that closes with 1000 after its echo."""
    outcome = tidewire("echo", *options, "-x", text, "-w", "10", n=1, **asked)
    outcome.clean(text.encode() + b"\n")
    return outcome


def text(message):
    def case():
        outcome = once(message)
        equal(outcome.opened()["headers"].get("origin"), None, "Origin")
        closed = outcome.closed()
        equal((closed["code"], closed["messages"]), (1000, 1), "close answered, messages")
        return f"stdout exact, exit code 0, server saw {closed['code']}"

    return case


def forms():
    for form in (("connect", "{url}"), ("{url}",), ("-c", "{url}")):
        tidewire("echo", "-x", "hi", "-w", "10", form=form, n=1).clean(b"hi\n")
    return "`connect URL`, `URL` and `-c URL`"


def several():
    tidewire("echo", "-x", "one", "-x", "", "-x", "3 ✓", "-w", "10", n=3).clean("one\n\n3 ✓\n".encode())
    return "-x three times, the second empty: in order"


def pipe_to_end():
    lines = b"".join(b"line %d\n" % n for n in range(1000))
    outcome = tidewire("echo", "-w", "1", stdin=lines)
    outcome.clean(lines)
    closed = outcome.closed()
    equal((closed["code"], closed["messages"]), (1000, 1000), "close sent, messages")
    return f"1000 lines, end of input: stdout exact, exit code 0, server saw {closed['code']}"


def pipe_without_newline():
    outcome = tidewire("echo", "-w", "10", stdin="first\nlast λ".encode(), n=2)
    outcome.clean("first\nlast λ\n".encode())
    return "the last line needs no newline"


def pipe_till_close():
    lines = b"".join(b"line %d\n" % n for n in range(1000))
    outcome = tidewire("echo", "-w", "10", stdin=lines, n=1000)
    outcome.clean(lines)
    return f"1000 lines, then the server closes: stdout exact, server saw {outcome.closed()['code']}"


def push():
    outcome = tidewire("push", stdin=HOLD)
    outcome.clean(b"".join(b"push %d\n" % n for n in range(1000)))
    return "1000 messages pushed, then 1000: stdout exact, ended though stdin stays open"


def large(deflate):
    def case():
        line = os.urandom(MIB // 2).hex().encode() + b"\n"
        outcome = tidewire("echo", "-w", "10", stdin=line, n=1, deflate=deflate)
        outcome.clean(line)
        agreed, closed = outcome.opened()["agreed"], outcome.closed()
        if deflate == "off":
            must(min(closed["wire_in"], closed["wire_out"]) > MIB, f"wire {closed}")
        return f"{len(line) - 1} bytes both ways, agreed {agreed}, wire {closed['wire_in']}/{closed['wire_out']}"

    return case


def fragments():
    tidewire("fragments", stdin=HOLD).clean("fr🦀ag\n".encode())
    return "3 frames, a character cut twice, a ping answered between: one message"


def data():
    tidewire("binary", stdin=HOLD).clean(bytes(range(256)))
    return "256 byte values, as they are"


def ping():
    tidewire("ping", stdin=HOLD).clean(b"pong 0\npong 2\npong 125\n")
    return "pongs with 0, 2 and 125 bytes came back as sent"


def deflate(how):
    def case():
        lines = [f"{turn}{far_repeats()}" for turn in range(3)] + ["tidewire " * 20_000]
        given = "".join(f"{line}\n" for line in lines).encode()
        outcome = tidewire("echo", "-w", "10", stdin=given, n=len(lines), deflate=how)
        outcome.clean(given)
        opened, closed = outcome.opened(), outcome.closed()
        wire = f"{len(given)} characters as {closed['wire_in']} bytes in, {closed['wire_out']} out"
        if how == "off":
            equal(opened["agreed"], None, "agreed")
            must(min(closed["wire_in"], closed["wire_out"]) > len(given), wire)
        else:
            offered = opened["headers"].get("sec-websocket-extensions", "")
            must(offered.startswith("permessage-deflate"), f"offered {offered!r}")
            must(opened["agreed"], f"nothing agreed of {offered!r}")
            if how.isdigit():
                must(re.search(rf"server_max_window_bits\W+{how}\b", opened["agreed"]), f"agreed {opened['agreed']}")
            must(max(closed["wire_in"], closed["wire_out"]) < len(given) * 0.75, wire)
        return f"agreed {opened['agreed']}; {wire}"

    return case


def subprotocol(chosen):
    def case():
        outcome = once("hi", "-s", "chat", "-s", "superchat", choose=chosen)
        opened = outcome.opened()
        offered = [part.strip() for part in opened["headers"]["sec-websocket-protocol"].split(",")]
        equal(offered, ["chat", "superchat"], "offered")
        equal(opened["subprotocol"], chosen or None, "chosen")
        return f"offered {offered}, chosen {opened['subprotocol']}"

    return case


def headers():
    opened = once("hi", "-H", "X-Test: a: b", "-H", "Authorization: Bearer t", "-o", "http://example.com").opened()
    seen = [opened["headers"].get(name) for name in ("x-test", "authorization", "origin")]
    equal(seen, ["a: b", "Bearer t", "http://example.com"], "headers")
    return f"X-Test, Authorization, Origin: {seen}"


def closed_by_server(code, reason, clean):
    def case():
        asked = {"code": code, "reason": reason} if code else {}
        outcome = tidewire("close", stdin=HOLD, **asked)
        if clean:
            outcome.clean(b"")
        else:
            outcome.failed(10, str(code), reason)
        answered = outcome.closed()["code"]
        equal(answered, code or 1005, "code answered")
        return f"exit code {outcome.code}, answered {answered}, stderr {short(outcome.stderr)}"

    return case


def invalid():
    outcome = tidewire("invalid", stdin=HOLD)
    outcome.failed(8)
    equal(outcome.closed()["code"], 1007, "close code")
    return f"the server got 1007, exit code {outcome.code}"


def abort():
    outcome = tidewire("abort", stdin=HOLD)
    outcome.failed(9)
    outcome.printed(b"before\n")
    return f"connection reset: what came before is on stdout, exit code {outcome.code}"


def refused():
    outcome = tidewire("refuse", stdin=HOLD)
    outcome.failed(6, "403")
    return f"exit code {outcome.code}, stderr {short(outcome.stderr)}"


def nobody():
    with socket.socket() as bound:  # bound and not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        outcome = Outcome(None, *execute([binary, "connect", f"ws://127.0.0.1:{bound.getsockname()[1]}/", "-x", "hi"]))
    outcome.failed(4)
    return f"exit code {outcome.code}, stderr {short(outcome.stderr)}"


def sequential():
    for turn in range(30):
        equal(once(f"turn {turn}").closed()["code"], 1000, "close code")
    return "30 connections one after the other"


def plan():
    yield "text, ASCII", text("hello")
    yield "text, multi-byte", text("Grüße λ 漢字 🦀")
    yield "text, empty", text("")
    yield "three ways to call it", forms
    yield "several messages", several
    yield "pipe, end of input", pipe_to_end
    yield "pipe, last line unended", pipe_without_newline
    yield "pipe, server closes", pipe_till_close
    yield "push", push
    yield "1 MiB, plain", large("off")
    yield "1 MiB, deflate", large("takeover")
    yield "fragmented", fragments
    yield "binary received", data
    yield "ping", ping
    for how in ("off", "takeover", "no-takeover", *map(str, range(9, 16))):
        yield f"deflate, server wants {how}{' bits' if how.isdigit() else ''}", deflate(how)
    yield "subprotocol, second chosen", subprotocol("superchat")
    yield "subprotocol, none chosen", subprotocol("")
    yield "headers and Origin", headers
    for code, reason, clean in (
        (1000, "", True),
        (1000, "done", True),
        (1001, "away", True),
        (None, "", True),
        (3000, "library", False),
        (4999, "ünïcode ✓", False),
        (1011, "broken", False),
    ):
        yield f"closed by the server, {code or 'no code'}{', ' + reason if reason else ''}", closed_by_server(code, reason, clean)
    yield "invalid UTF-8 received", invalid
    yield "connection reset", abort
    yield "handshake refused", refused
    yield "nobody listens", nobody
    yield "sequential connections", sequential


peer = Peer(server_command)
cases = Cases()
with ThreadPoolExecutor(3) as pool:
    running = [(name, pool.submit(case)) for name, case in plan()]
    for name, result in running:
        cases.run_plain(name, result.result)
cases.run_plain("server", lambda: peer.stop() or "lived through all cases")
cases.finish()

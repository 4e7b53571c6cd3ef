"""Cases: the Python `websockets` client against `tidewire echo`."""

import asyncio
import os
import sys
import time

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from common import Cases, Echo, equal, far_repeats, must, stop_all
from py_common import Counted, window_check

MIB = 1 << 20
LIMIT = 65_536
cases = Cases()
binary = sys.argv[1]
echo = Echo(binary)
plain = Echo(binary, "--no-deflate")
small = Echo(binary, "--max-message", str(LIMIT))
chooser = Echo(binary, "--subprotocol", "superchat")
prefixed = Echo(binary, "--prefix", "you said: ")


class Client(Counted, ClientConnection):
    pass


def dial(server=echo, path="", **options):
    # A server that answers Close but keeps the TCP connection must fail the case, so the
    # client waits for the end of the connection longer than a case may take.
    return connect(server.url + path, max_size=4 * MIB, close_timeout=60, proxy=None, create_connection=Client, **options)


def agreed(ws):
    return ws.response.headers.get("Sec-WebSocket-Extensions")


def parameters(header):
    """`permessage-deflate; a; b=10` as {"a": None, "b": "10"}."""
    name, *rest = [part.strip() for part in header.split(";")]
    equal(name, "permessage-deflate", "extension agreed")
    return {key: value.strip('"') if found else None for key, found, value in (part.partition("=") for part in rest)}


async def echoed(ws, message, **options):
    await ws.send(message, **options)
    got = await ws.recv()
    equal(got, message, "echo")


def one_message(message, path=""):
    async def case():
        async with dial(path=path) as ws:
            await echoed(ws, message)
        return f"{type(message).__name__} of {len(message)} came back"

    return case


async def large_text():
    words = "Großes λ 漢字 🦀 "
    message = words * (MIB // len(words.encode()))
    message += "x" * (MIB - len(message.encode()))
    async with dial(compression=None) as ws:
        await echoed(ws, message)
        must(ws.wire_in > MIB and ws.wire_out > MIB, f"wire {ws.wire_out}/{ws.wire_in}")
    return f"{len(message.encode())} bytes of UTF-8 both ways"


async def large_binary():
    message = os.urandom(MIB)
    async with dial() as ws:
        await echoed(ws, message)
    return f"{MIB} random bytes both ways, {agreed(ws)}"


async def fragmented():
    async with dial() as ws:
        await ws.send(["frag", "ment", "", "ed ✓"])
        equal(await ws.recv(), "fragmented ✓", "text")
        crab = "🦀".encode()
        await ws.send([crab[:1], crab[1:3], crab[3:]], text=True)
        equal(await ws.recv(), "🦀", "character cut by frames")
        await ws.send([bytes([n % 256]) * 10 for n in range(1000)])
        equal(await ws.recv(), b"".join(bytes([n % 256]) * 10 for n in range(1000)), "binary")
    return "4 text frames, a character cut twice, 1000 binary frames"


async def ping_inside_fragments():
    async with dial(compression=None) as ws:
        async def parts():
            yield "be"
            await asyncio.wait_for(await ws.ping(b"between"), 5)
            yield "fore"

        await ws.send(parts())
        equal(await ws.recv(), "before", "text")
    return "pong came before the message ended"


async def deflate():
    message = "tidewire " * 20_000
    async with dial() as ws:
        must(agreed(ws), "no extension was agreed")
        before_in, before_out = ws.wire_in, ws.wire_out
        await echoed(ws, message)
        used_in, used_out = ws.wire_in - before_in, ws.wire_out - before_out
    must(used_out < 5_000 and used_in < 5_000, f"{used_out} out, {used_in} in for {len(message)}")
    return f"{agreed(ws)}; {len(message)} characters as {used_out} bytes out, {used_in} in"


async def no_deflate(server, **options):
    message = "tidewire " * 2_000
    async with dial(server, **options) as ws:
        equal(agreed(ws), None, "extension header")
        before = ws.wire_in
        await echoed(ws, message)
        must(ws.wire_in - before > len(message), "fewer bytes than characters")
    return f"no extension header, {ws.wire_in - before} bytes for {len(message)}"


def deflate_with(rounds=10, want_answer=True, **settings):
    async def case():
        message = far_repeats()
        async with dial(compression=None, extensions=[ClientPerMessageDeflateFactory(**settings)]) as ws:
            must(agreed(ws), "no extension was agreed")
            answer = parameters(agreed(ws))
            bits = settings.get("server_max_window_bits")
            if bits:
                must("server_max_window_bits" in answer, f"server_max_window_bits={bits} was ignored: {agreed(ws)}")
                must(int(answer["server_max_window_bits"]) <= bits, f"window above the {bits} offered: {agreed(ws)}")
            if settings.get("server_no_context_takeover"):
                must("server_no_context_takeover" in answer, f"server_no_context_takeover was ignored: {agreed(ws)}")
            if settings.get("client_max_window_bits", True) is None:
                must("client_max_window_bits" not in answer, f"answered what was not offered: {agreed(ws)}")
            for turn in range(rounds):
                await echoed(ws, f"{turn}{message}")
                await echoed(ws, f"short {turn}")
        return f"{agreed(ws)}; {rounds} × {len(message)} characters, {ws.wire_out} out, {ws.wire_in} in"

    return case


async def subprotocol(server, offered, wanted):
    async with dial(server, subprotocols=offered) as ws:
        equal(ws.subprotocol, wanted, "subprotocol")
        await echoed(ws, "hello")
    return f"offered {offered}, chosen {wanted}"


def close_with(code, reason):
    async def case():
        ws = await dial()
        await echoed(ws, "hello")
        await ws.close(code, reason)
        equal(ws.close_code, code, "code answered")
        return f"sent {code} {reason!r}, answered {ws.close_code} {ws.close_reason!r}, TCP ended by the server"

    return case


async def closed_by_server(wanted, server, send):
    """The server must end this connection with the code, sent as a real Close frame."""
    ws = await dial(server)
    try:
        await send(ws)
        while True:
            await ws.recv()
    except ConnectionClosed as end:
        must(end.rcvd is not None, f"no Close frame came: {end}")
        equal(end.rcvd.code, wanted, "close code")
        return f"{end.rcvd.code} {end.rcvd.reason!r}"


async def too_large():
    async def exact(ws):
        await echoed(ws, "x" * LIMIT)
        await ws.send("x" * (LIMIT + 1))

    async def in_fragments(ws):
        await ws.send(["x" * 60_000, "x" * 60_000])

    async def inflated(ws):
        await ws.send("x" * (20 * MIB))

    seen = [await closed_by_server(1009, small, send) for send in (exact, in_fragments, inflated)]
    return f"{LIMIT} bytes pass, one more: {seen[0]}; in two fragments: {seen[1]}; 20 MiB deflated: {seen[2]}"


async def ping():
    async with dial() as ws:
        trip = await (await ws.ping(b"\x00\xffany bytes"))
        empty = await (await ws.ping(b""))
        full = await (await ws.ping(b"p" * 125))
        await echoed(ws, "after")
    return f"pongs after {trip * 1e3:.2f}, {empty * 1e3:.2f}, {full * 1e3:.2f} ms (0, 10 and 125 bytes)"


async def pipelined():
    async with dial() as ws:
        async def send():
            for n in range(1000):
                await ws.send(f"message {n}" if n % 2 else b"message %d" % n)

        sending = asyncio.create_task(send())
        for n in range(1000):
            equal(await ws.recv(), f"message {n}" if n % 2 else b"message %d" % n, "order")
        await sending
    return "1000 messages, text and binary mixed, came back in order"


async def sequential():
    start = time.monotonic()
    for n in range(200):
        async with dial() as ws:
            await echoed(ws, str(n))
        equal(ws.close_code, 1000, "close code")
    return f"200 connections one after the other in {time.monotonic() - start:.1f} s"


async def parallel():
    async def one(n):
        async with dial() as ws:
            await echoed(ws, f"client {n}")

    await asyncio.gather(*(one(n) for n in range(100)))
    return "100 connections at once"


async def prefix():
    async with dial(prefixed) as ws:
        await ws.send("hi")
        equal(await ws.recv(), "you said: hi", "text")
        await echoed(ws, b"hi")
    return "before text, not before binary"


async def drain():
    server = Echo(binary)
    clients = [await dial(server) for _ in range(5)]
    for ws in clients:
        await echoed(ws, "hello")
    server.interrupt()
    codes = []
    for ws in clients:
        try:
            await ws.recv()
        except ConnectionClosed as end:
            codes.append(end.rcvd.code if end.rcvd else None)
    equal(codes, [1001] * 5, "codes")
    status = await asyncio.to_thread(server.process.wait, 10)
    server.process.stdout.close()
    return f"5 clients got 1001, the server ended with {status}"


async def main():
    await cases.run("text, ASCII", one_message("hello"))
    await cases.run("text, multi-byte, any path", one_message("Grüße λ 漢字 🦀 \u0000\ufeff", "some/path?with=query"))
    await cases.run("text, empty", one_message(""))
    await cases.run("binary, all byte values", one_message(bytes(range(256))))
    await cases.run("binary, empty", one_message(b""))
    await cases.run("text, 1 MiB", large_text)
    await cases.run("binary, 1 MiB", large_binary)
    await cases.run("fragmented", fragmented)
    await cases.run("ping between fragments", ping_inside_fragments)
    await cases.run("deflate agreed", deflate)
    await cases.run("deflate not offered", lambda: no_deflate(echo, compression=None))
    await cases.run("deflate offered to --no-deflate", lambda: no_deflate(plain))
    await cases.run("deflate, takeover asked both ways", deflate_with())
    await cases.run("deflate, no window parameter", deflate_with(client_max_window_bits=None))
    await cases.run("deflate, server_no_context_takeover", deflate_with(server_no_context_takeover=True))
    await cases.run("deflate, client_no_context_takeover", deflate_with(client_no_context_takeover=True))
    cases.run_plain("deflate, the window check itself", window_check)
    for bits in range(9, 16):
        both = deflate_with(3, server_max_window_bits=bits, client_max_window_bits=bits)
        await cases.run(f"deflate, window {bits} bits both ways", both)
    await cases.run("subprotocol, first offered", lambda: subprotocol(echo, ["chat", "superchat"], "chat"))
    await cases.run("subprotocol, --subprotocol", lambda: subprotocol(chooser, ["chat", "superchat"], "superchat"))
    await cases.run("subprotocol, none in common", lambda: subprotocol(chooser, ["chat"], None))
    for code, reason in ((1000, ""), (1000, "done"), (1001, "away"), (3000, "library"), (4999, "ünïcode ✓" + "." * 100)):
        await cases.run(f"close {code}{', ' + reason[:9] if reason else ''}", close_with(code, reason))
    await cases.run("invalid UTF-8", lambda: closed_by_server(1007, echo, lambda ws: ws.send(b"ok \xff", text=True)))
    cut = [b"\xce", b"\xba\xed", b"\xa0\x80"]  # a surrogate, cut by frames
    await cases.run("invalid UTF-8 across fragments", lambda: closed_by_server(1007, echo, lambda ws: ws.send(cut, text=True)))
    await cases.run("--max-message", too_large)
    await cases.run("ping", ping)
    await cases.run("pipelined", pipelined)
    await cases.run("sequential connections", sequential, 40)
    await cases.run("parallel connections", parallel)
    await cases.run("--prefix", prefix)
    await cases.run("SIGINT", drain)
    cases.run_plain("servers", lambda: stop_all([echo, plain, small, chooser, prefixed]))
    cases.finish()


asyncio.run(main())

"""A Python `websockets` server for `tidewire connect`: the path says how it behaves (see connect.py)."""

import asyncio
import json
import sys
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from py_common import Counted, window_check

MIB = 1 << 20


def tell(**event):
    print(json.dumps(event), flush=True)


class Server(Counted, ServerConnection):
    pass


def query(request):
    parts = urlsplit(request.path)
    return parts.path.strip("/"), {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}


def extensions(deflate):
    if deflate == "off":
        return []
    if deflate == "no-takeover":
        return [ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)]
    if deflate == "takeover":
        return [ServerPerMessageDeflateFactory()]
    bits = int(deflate)
    return [ServerPerMessageDeflateFactory(server_max_window_bits=bits, client_max_window_bits=bits)]


def prepare(ws, request):
    behaviour, asked = query(request)
    if behaviour == "refuse":
        status = HTTPStatus(int(asked.get("status", 403)))
        response = ws.respond(status, asked.get("body", "not today\n"))
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="peers"'
        return response
    ws.protocol.available_extensions = extensions(asked.get("deflate", "takeover"))
    return None


def choose(ws, offered):
    _, asked = query(ws.request)
    return asked["choose"] if asked.get("choose") in offered else None


async def send_close(ws, code, reason):
    async with ws.send_context():
        ws.protocol.send_close(code, reason)


async def behave(ws, behaviour, asked, seen):
    if behaviour == "echo":
        left = int(asked.get("n", 0))
        async for message in ws:
            await ws.send(message)
            seen["messages"] += 1
            if seen["messages"] == left:
                break
    elif behaviour == "close":
        code = asked.get("code")
        await send_close(ws, int(code) if code else None, asked.get("reason", ""))
    elif behaviour == "push":
        for n in range(1000):
            await ws.send(f"push {n}")
    elif behaviour == "fragments":
        async def parts():
            yield b"fr\xf0"
            await (await ws.ping(b"between"))
            yield b"\x9f\xa6"
            yield b"\x80ag"

        await ws.send(parts(), text=True)
    elif behaviour == "binary":
        await ws.send(bytes(range(256)))
    elif behaviour == "ping":
        for payload in (b"", b"\x00\xff", b"p" * 125):
            await (await ws.ping(payload))
            await ws.send(f"pong {len(payload)}")
    elif behaviour == "invalid":
        await ws.send(b"bad \xff", text=True)
        async for _ in ws:
            pass
    elif behaviour == "abort":
        await ws.send("before")
        await asyncio.sleep(0.1)
        ws.transport.abort()


async def handle(ws):
    behaviour, asked = query(ws.request)
    case, seen = asked.get("case"), {"messages": 0}
    lines = list(ws.request.headers.raw_items())
    heads = {name.lower(): value for name, value in lines}
    answered = ws.response.headers.get("Sec-WebSocket-Extensions")
    tell(event="open", case=case, headers=heads, lines=lines, agreed=answered, subprotocol=ws.subprotocol)
    try:
        await behave(ws, behaviour, asked, seen)
        await ws.close()
    except ConnectionClosed:
        pass
    await ws.wait_closed()
    received = ws.protocol.close_rcvd
    code, reason = (received.code, received.reason) if received else (None, None)
    tell(event="close", case=case, code=code, reason=reason, wire_in=ws.wire_in, wire_out=ws.wire_out, **seen)


async def main():
    window_check()
    options = dict(max_size=16 * MIB, close_timeout=5, process_request=prepare, select_subprotocol=choose)
    async with serve(handle, "127.0.0.1", 0, create_connection=Server, **options) as server:
        tell(event="listening", url="ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the parent closes it


asyncio.run(main())

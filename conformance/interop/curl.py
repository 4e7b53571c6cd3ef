"""Cases: curl against `tidewire echo`: the installed command, and a libcurl new enough for ws:// through `pycurl`.

WebSocket came to curl as an experiment with 7.86 and for everybody with 8.11; sending with `-T` over ws:// with 8.16.
A command without ws:// does the handshake over http://, and its frames are counted as `not run`.
"""

import base64
import hashlib
import os
import re
import select
import shutil
import subprocess
import sys
import time

import pycurl

from common import Cases, Echo, equal, must, short, stop_all

MIB = 1 << 20
KEY, ACCEPT = "wDqumtseNBJdhkihL6PW7w==", "0FFP+2nmNIf/h+4BP36k9uzrYGk="
command = shutil.which("curl")
cases = Cases()
echo = Echo(sys.argv[1])


def curl(*arguments, **options):
    return subprocess.run([command, "-sS", "--http1.1", "--noproxy", "*", *arguments], capture_output=True, timeout=20, check=False, **options)


def over_http(*extra):
    """The handshake over http://; curl stays on the upgraded connection until its time is up."""
    url = echo.url.replace("ws://", "http://") + "any/path"
    asked = ["Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}", *extra]
    done = curl("-i", "-N", "-m", "1", *(part for header in asked for part in ("-H", header)), url)
    status, *lines = done.stdout.decode(errors="replace").split("\r\n\r\n")[0].split("\r\n")
    return status, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def handshake():
    status, heads = over_http("Cookie: a=b")
    must(status.startswith("HTTP/1.1 101"), f"status {status!r}")
    equal(heads.get("sec-websocket-accept"), ACCEPT, "Sec-WebSocket-Accept")
    equal(heads.get("upgrade", "").lower(), "websocket", "Upgrade")
    must("upgrade" in heads.get("connection", "").lower(), f"Connection: {heads.get('connection')}")
    must("sec-websocket-extensions" not in heads, "an extension was answered that was not offered")
    return f"{status}, Accept {heads['sec-websocket-accept']}"


def subprotocol():
    status, heads = over_http("Sec-WebSocket-Protocol: chat, superchat")
    must(status.startswith("HTTP/1.1 101"), f"status {status!r}")
    equal(heads.get("sec-websocket-protocol"), "chat", "Sec-WebSocket-Protocol")
    return "offered chat, superchat; chosen chat"


def wrong_version():
    url = echo.url.replace("ws://", "http://")
    headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", f"Sec-WebSocket-Key: {KEY}"]
    done = curl("-i", "-m", "5", *(part for header in headers for part in ("-H", header)), url)
    head = done.stdout.decode(errors="replace").split("\r\n\r\n")[0]
    must(head.startswith("HTTP/1.1 426"), short(head))
    must(re.search(r"^sec-websocket-version: *13\r?$", head, re.I | re.M), short(head))
    return "426 with Sec-WebSocket-Version: 13"


def page():
    done = curl("-i", "-m", "5", echo.url.replace("ws://", "http://"))
    head, _, body = done.stdout.decode(errors="replace").partition("\r\n\r\n")
    must(head.startswith("HTTP/1.1 200"), short(head))
    must(re.search(r"^content-type: *text/html", head, re.I | re.M), short(head))
    must("<html" in body.lower() or "<!doctype html" in body.lower(), short(body))
    return f"plain GET / gives {len(body)} characters of HTML"


def command_frames(version):
    """`-T.` takes the message from standard input while the answer comes; curl sends binary frames."""
    process = subprocess.Popen([command, "-sSN", "--http1.1", "--noproxy", "*", "-T.", echo.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        process.stdin.write(b"hello from curl")
        process.stdin.flush()
        got, until = b"", time.monotonic() + 10
        while len(got) < 15 and time.monotonic() < until:
            if select.select([process.stdout], [], [], 0.1)[0]:
                got += os.read(process.stdout.fileno(), 4096)
            if process.poll() is not None:
                break
        equal(got, b"hello from curl", f"echo through curl {version}")
    finally:
        process.kill()
        _, problem = process.communicate()
    return f"curl {version} sent and got 15 bytes {problem.decode(errors='replace')}"


class Connection:
    """libcurl's own WebSocket: CONNECT_ONLY=2, then curl_ws_send and curl_ws_recv."""

    def __init__(self, path="", headers=()):
        self.heads = {}
        self.curl = pycurl.Curl()
        self.curl.setopt(pycurl.URL, echo.url + path)
        self.curl.setopt(pycurl.CONNECT_ONLY, 2)
        self.curl.setopt(pycurl.TIMEOUT, 20)
        self.curl.setopt(pycurl.PROXY, "")
        self.curl.setopt(pycurl.HTTPHEADER, list(headers))
        self.curl.setopt(pycurl.HEADERFUNCTION, self._head)
        self.curl.perform()
        self.socket = self.curl.getinfo(pycurl.ACTIVESOCKET)

    def _head(self, line):
        name, _, value = line.decode("latin1").partition(":")
        self.heads[name.lower()] = value.strip()

    def _patiently(self, action, reading):
        for _ in range(200):
            try:
                return action()
            except BlockingIOError:
                select.select([self.socket] if reading else [], [] if reading else [self.socket], [], 0.1)
        raise TimeoutError("libcurl would block for 20 s")

    def send(self, data, flags):
        if not data:
            self._patiently(lambda: self.curl.ws_send(data, flags), False)
        while data:
            # One frame: what libcurl did not take yet is sent on with the same flags.
            data = data[self._patiently(lambda: self.curl.ws_send(data, flags), False) :]

    def frame(self):
        data, meta = self._patiently(lambda: self.curl.ws_recv(65536), True)
        flags, chunks = meta.flags, [data]
        while meta.bytesleft:
            data, meta = self._patiently(lambda: self.curl.ws_recv(65536), True)
            chunks.append(data)
        return b"".join(chunks), flags

    def message(self, wanted):
        data, more = b"", pycurl.WS_CONT
        while more & pycurl.WS_CONT:
            part, more = self.frame()
            must(more & wanted, f"frame with flags {more}, expected {wanted}: {short(part)}")
            data += part
        return data

    def echoed(self, data, flags):
        self.send(data, flags)
        got = self.message(flags)
        must(got == data, f"echo: got {short(got)}, expected {short(data)}")

    def close(self, code, reason):
        self.curl.ws_close(code, reason)
        data, flags = self.frame()
        must(flags & pycurl.WS_CLOSE, f"flags {flags} instead of Close")
        self.curl.close()
        return int.from_bytes(data[:2], "big"), data[2:].decode()


def one(data, flags):
    def case():
        connection = Connection()
        connection.echoed(data, flags)
        equal(connection.close(1000, "")[0], 1000, "close answered")
        return f"{len(data)} bytes came back in the same kind of frame"

    return case


def library_fragments():
    connection = Connection()
    connection.send(b"frag", pycurl.WS_TEXT | pycurl.WS_CONT)
    connection.send(b"mented \xe2", pycurl.WS_TEXT | pycurl.WS_CONT)
    connection.send(b"\x9c\x93", pycurl.WS_TEXT)
    equal(connection.message(pycurl.WS_TEXT), "fragmented ✓".encode(), "text")
    connection.close(1000, "")
    return "3 frames, a character cut once"


def library_ping():
    connection = Connection()
    start = time.perf_counter()
    connection.send(b"\x00\xff", pycurl.WS_PING)
    data, flags = connection.frame()
    trip = (time.perf_counter() - start) * 1e3
    must(flags & pycurl.WS_PONG, f"flags {flags} instead of Pong")
    equal(data, b"\x00\xff", "pong")
    connection.close(1000, "")
    return f"pong with the same payload after {trip:.2f} ms"


def library_close(code, reason):
    def case():
        answer = Connection().close(code, reason)
        equal(answer[0], code, "close answered")
        return f"sent {code} {reason!r}, answered {answer[0]} {answer[1]!r}"

    return case


def library_subprotocol():
    connection = Connection("any/path", ["Sec-WebSocket-Protocol: chat, superchat", "Origin: null"])
    equal(connection.heads.get("sec-websocket-protocol"), "chat", "Sec-WebSocket-Protocol")
    connection.echoed(b"hello", pycurl.WS_TEXT)
    connection.close(1000, "")
    return "offered chat, superchat with Origin null; chosen chat"


def library_transfer():
    """An upload and a download in one transfer, as `curl -T. ws://…` does it."""
    given, got = [b"hello from curl"], bytearray()
    transfer = pycurl.Curl()

    def receive(data):
        got.extend(data)
        return -1 if len(got) >= 15 else len(data)  # the echo is whole: end the transfer

    for option, value in (
        (pycurl.URL, echo.url),
        (pycurl.PROXY, ""),
        (pycurl.TIMEOUT, 10),
        (pycurl.UPLOAD, 1),
        (pycurl.READFUNCTION, lambda size: given.pop() if given else pycurl.READFUNC_PAUSE),
        (pycurl.WRITEFUNCTION, receive),
    ):
        transfer.setopt(option, value)
    try:
        transfer.perform()
    except pycurl.error as end:
        must(end.args[0] == pycurl.E_WRITE_ERROR, f"transfer ended with {end}")
    equal(bytes(got), b"hello from curl", "echo")
    return "15 bytes sent and received"


def library_order():
    connection = Connection()
    for n in range(1000):
        connection.send(b"message %d" % n, pycurl.WS_TEXT)
    for n in range(1000):
        equal(connection.message(pycurl.WS_TEXT), b"message %d" % n, "order")
    connection.close(1000, "")
    return "1000 messages came back in order"


def library_sequential():
    for n in range(100):
        connection = Connection()
        connection.echoed(b"%d" % n, pycurl.WS_TEXT)
        equal(connection.close(1000, "")[0], 1000, "close answered")
    return "100 connections one after the other"


def main():
    equal(base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode(), ACCEPT, "vector")
    if command is None:
        cases.note("FAIL", "curl command", "there is no `curl` on the PATH; install it (Debian: apt-get install curl)")
    else:
        about = curl("--version").stdout.decode()
        version = about.split()[1]
        protocols = re.search(r"^Protocols:(.*)$", about, re.M).group(1).split()
        cases.run_plain("command, handshake over http://", handshake)
        cases.run_plain("command, subprotocol", subprotocol)
        cases.run_plain("command, version 8", wrong_version)
        cases.run_plain("command, tester page", page)
        if "ws" not in protocols:
            cases.note("not run", "command, frames over ws://", f"curl {version} here is built without ws://; libcurl below does it instead")
        elif tuple(map(int, re.findall(r"\d+", version)[:2])) < (8, 16):
            cases.note("not run", "command, frames over ws://", f"curl {version} cannot send over ws:// with -T; libcurl below does it instead")
        else:
            cases.run_plain("command, frames over ws://", lambda: command_frames(version))
    library = pycurl.version_info()
    cases.run_plain("libcurl", lambda: must("ws" in library[8], "built without ws://") or f"{library[1]}, with ws://")
    cases.run_plain("libcurl, text", one("Grüße λ 漢字 🦀".encode(), pycurl.WS_TEXT))
    cases.run_plain("libcurl, text, empty", one(b"", pycurl.WS_TEXT))
    cases.run_plain("libcurl, binary", one(bytes(range(256)), pycurl.WS_BINARY))
    cases.run_plain("libcurl, text, 1 MiB", one(b"x" * MIB, pycurl.WS_TEXT))
    cases.run_plain("libcurl, binary, 1 MiB", one(os.urandom(MIB), pycurl.WS_BINARY))
    cases.run_plain("libcurl, fragmented", library_fragments)
    cases.run_plain("libcurl, ping", library_ping)
    for code, reason in ((1000, "done"), (1001, "away"), (3000, "library"), (4999, "ünïcode ✓")):
        cases.run_plain(f"libcurl, close {code}", library_close(code, reason))
    cases.run_plain("libcurl, subprotocol, any Origin", library_subprotocol)
    cases.run_plain("libcurl, transfer as of `curl -T.`", library_transfer)
    cases.run_plain("libcurl, pipelined", library_order)
    cases.run_plain("libcurl, sequential connections", library_sequential)
    cases.run_plain("server", lambda: stop_all([echo]))
    cases.finish()


main()

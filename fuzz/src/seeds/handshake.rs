//! Seeds of the opening handshake: the known vectors, and one input for each thing that is refused.

use super::Seeds;

/// The lines of a good request, after the first.
const ASK: &str = "Host: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// The lines of a good answer, after the first.
const ANSWER: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// Any origin, deflate by default, the first subprotocol offered.
const OPEN: u8 = 1 | 2 << 2 | 1 << 4;

pub(super) fn requests() -> Seeds {
    let get = |lines: &str| format!("GET /chat HTTP/1.1\r\n{lines}\r\n");
    let instead = |from: &str, to: &str| get(&ASK.replace(from, to));
    let more = |line: &str| get(&format!("{ASK}{line}\r\n"));
    let vector = "Host: example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Key: wDqumtseNBJdhkihL6PW7w==\r\nSec-WebSocket-Version: 13\r\n\
        Cookie: a=b\r\nOrigin: null\r\n";
    let list: Vec<(&str, u8, String)> = vec![
        (
            "rfc6455-1.2",
            2,
            more("Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat"),
        ),
        (
            "vector-subprotocols",
            OPEN,
            instead(
                "dGhlIHNhbXBsZSBub25jZQ==\r\n",
                "x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Protocol: chat, superchat\r\n",
            ),
        ),
        ("vector-cookie-keep-alive", OPEN, get(vector)),
        ("minimal", 0, get(ASK)),
        (
            "frames-behind",
            OPEN,
            format!("{}\u{1}\u{2}frames", get(ASK)),
        ),
        ("small-limits", 0x80, get(ASK)),
        (
            "small-limits-passed",
            0x80,
            more(&format!("Cookie: {}", "x".repeat(300))),
        ),
        ("too-many-lines", 0x80, more("A: 1\r\nB: 2\r\nC: 3\r\nD: 4")),
        (
            "key-unused-bits",
            OPEN,
            instead("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC=="),
        ),
        (
            "key-short",
            OPEN,
            instead("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
        ),
        (
            "key-twice",
            OPEN,
            more("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        ),
        ("key-missing", OPEN, instead("Sec-WebSocket-Key", "X-Key")),
        ("version-8", OPEN, instead(": 13", ": 8")),
        (
            "version-missing",
            OPEN,
            instead("Sec-WebSocket-Version: 13\r\n", ""),
        ),
        ("version-twice", OPEN, more("Sec-WebSocket-Version: 13")),
        ("host-missing", OPEN, instead("Host", "X-Host")),
        ("host-twice", OPEN, more("Host: server.example.com")),
        ("host-malformed", OPEN, instead("server.example.com", "a b")),
        (
            "host-ipv6",
            OPEN,
            instead("server.example.com", "[::1]:4000"),
        ),
        (
            "upgrade-missing",
            OPEN,
            instead("Upgrade: websocket\r\n", ""),
        ),
        ("upgrade-h2c", OPEN, instead("websocket\r\n", "h2c\r\n")),
        (
            "connection-close",
            OPEN,
            instead("Connection: Upgrade", "Connection: close"),
        ),
        (
            "connection-two-lines",
            OPEN,
            instead(
                "Connection: Upgrade",
                "Connection: a\r\nconnection: upGRADE",
            ),
        ),
        ("post", OPEN, get(ASK).replace("GET", "POST")),
        ("head", OPEN, get(ASK).replace("GET", "HEAD")),
        ("http-1.0", OPEN, get(ASK).replace("HTTP/1.1", "HTTP/1.0")),
        ("http-2.0", OPEN, get(ASK).replace("HTTP/1.1", "HTTP/2.0")),
        (
            "absolute-target",
            OPEN,
            get(ASK).replace("/chat", "http://server.example.com/chat"),
        ),
        (
            "fragment-in-target",
            OPEN,
            get(ASK).replace("/chat", "/chat#a"),
        ),
        ("two-spaces", OPEN, get(ASK).replace("GET ", "GET  ")),
        ("space-before-colon", OPEN, instead("Upgrade:", "Upgrade :")),
        ("folded", OPEN, more("X: a\r\n b")),
        ("bare-lf", OPEN, get(ASK).replace("13\r\n", "13\n")),
        ("bare-cr", OPEN, get(ASK).replace("13\r\n", "13\r")),
        ("control-byte", OPEN, more("X: \u{1}")),
        ("empty-name", OPEN, more(": x")),
        ("no-colon", OPEN, more("nothing")),
        ("not-ascii", OPEN, more("X: é")),
        ("body", OPEN, more("Content-Length: 5")),
        ("body-of-nothing", OPEN, more("Content-Length: 0")),
        ("body-chunked", OPEN, more("Transfer-Encoding: chunked")),
        ("origin-refused", 0, more("Origin: https://evil.example")),
        (
            "origin-same-host",
            0,
            more("Origin: http://server.example.com"),
        ),
        ("origin-listed", 1 << 2, more("Origin: https://example.com")),
        ("origin-twice", OPEN, more("Origin: null\r\nOrigin: null")),
        (
            "subprotocol-twice",
            OPEN,
            more("Sec-WebSocket-Protocol: chat, chat"),
        ),
        (
            "subprotocol-malformed",
            OPEN,
            more("Sec-WebSocket-Protocol: a b"),
        ),
        (
            "subprotocol-two-lines",
            OPEN,
            more("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b"),
        ),
        (
            "deflate-plain",
            OPEN,
            more("Sec-WebSocket-Extensions: permessage-deflate"),
        ),
        (
            "deflate-chromium",
            OPEN,
            more("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
        ),
        (
            "deflate-second-offer",
            OPEN,
            more(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=\"8\"",
            ),
        ),
        (
            "deflate-window-not-offered",
            2 << 4 | OPEN & 0x0F,
            more("Sec-WebSocket-Extensions: permessage-deflate"),
        ),
        (
            "deflate-server-window",
            3 << 4 | OPEN & 0x0F,
            more(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8; client_no_context_takeover",
            ),
        ),
        (
            "extensions-malformed",
            OPEN,
            more("Sec-WebSocket-Extensions: permessage-deflate;"),
        ),
        (
            "extension-unknown",
            OPEN,
            more("Sec-WebSocket-Extensions: foo; bar=1"),
        ),
        ("tls", OPEN, "\u{16}\u{3}\u{1}\u{2}".to_owned()),
        (
            "stops-early",
            OPEN,
            "GET /chat HTTP/1.1\r\nHost: a\r\nUpg".to_owned(),
        ),
    ];
    with_heads(list)
}

pub(super) fn responses() -> Seeds {
    let answer = |lines: &str| format!("HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n");
    let instead = |from: &str, to: &str| answer(&ANSWER.replace(from, to));
    let more = |line: &str| answer(&format!("{ANSWER}{line}\r\n"));
    let deflate = |params: &str| {
        more(&format!(
            "Sec-WebSocket-Extensions: permessage-deflate{params}"
        ))
    };
    // Offers: bits 0–1 subprotocols, 2–3 deflate (1 default, 2 windows, 3 with takeover).
    let list: Vec<(&str, u8, String)> = vec![
        ("rfc6455-1.3", 2, more("Sec-WebSocket-Protocol: chat")),
        ("minimal", 0, answer(ANSWER)),
        ("frames-behind", 0, format!("{}\u{1}\u{1}a", answer(ANSWER))),
        (
            "without-reason",
            0,
            answer(ANSWER).replace("Switching Protocols", ""),
        ),
        (
            "status-without-space",
            0,
            answer(ANSWER).replace(" Switching Protocols", ""),
        ),
        (
            "interim-first",
            0,
            format!("HTTP/1.1 103 Early\r\nA: b\r\n\r\n{}", answer(ANSWER)),
        ),
        (
            "interim-continue",
            0,
            format!("HTTP/1.1 100 Continue\r\n\r\n{}", answer(ANSWER)),
        ),
        ("status-200", 0, answer(ANSWER).replace("101", "200")),
        ("status-426", 0, answer(ANSWER).replace("101", "426")),
        ("status-000", 0, answer(ANSWER).replace("101", "000")),
        (
            "http-1.0",
            0,
            answer(ANSWER).replace("HTTP/1.1", "HTTP/1.0"),
        ),
        ("http-2", 0, answer(ANSWER).replace("HTTP/1.1", "HTTP/2")),
        ("upgrade-missing", 0, instead("Upgrade: websocket\r\n", "")),
        ("upgrade-wrong", 0, instead("websocket", "h2c")),
        ("upgrade-two", 0, instead("websocket", "websocket, h2c")),
        ("upgrade-upper-case", 0, instead("websocket", "WEBSOCKET")),
        (
            "connection-close",
            0,
            instead("Connection: Upgrade", "Connection: close"),
        ),
        (
            "connection-list",
            0,
            instead("Connection: Upgrade", "Connection: keep-alive, upgrade"),
        ),
        (
            "accept-missing",
            0,
            instead("Sec-WebSocket-Accept", "X-Accept"),
        ),
        ("accept-wrong", 0, instead("s3pP", "S3pP")),
        (
            "accept-twice",
            0,
            more("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ),
        ("accept-with-spaces", 0, instead("s3pP", " \t s3pP")),
        (
            "subprotocol-not-offered",
            1,
            more("Sec-WebSocket-Protocol: superchat"),
        ),
        (
            "subprotocol-unasked",
            0,
            more("Sec-WebSocket-Protocol: chat"),
        ),
        (
            "subprotocol-list",
            2,
            more("Sec-WebSocket-Protocol: chat, superchat"),
        ),
        (
            "subprotocol-twice",
            2,
            more("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat"),
        ),
        ("subprotocol-case", 2, more("Sec-WebSocket-Protocol: Chat")),
        (
            "extension-unknown",
            4,
            more("Sec-WebSocket-Extensions: foo"),
        ),
        ("extension-empty", 4, more("Sec-WebSocket-Extensions: ")),
        ("deflate-unasked", 0, deflate("")),
        (
            "deflate-default",
            4,
            deflate("; server_no_context_takeover; client_no_context_takeover"),
        ),
        ("deflate-server-keeps", 4, deflate("")),
        ("deflate-takeover", 12, deflate("")),
        (
            "deflate-windows",
            8,
            deflate(
                "; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8",
            ),
        ),
        (
            "deflate-window-too-large",
            8,
            deflate("; server_no_context_takeover; server_max_window_bits=11"),
        ),
        (
            "deflate-window-unlimited",
            8,
            deflate("; server_no_context_takeover"),
        ),
        (
            "deflate-window-16",
            12,
            deflate("; server_max_window_bits=16"),
        ),
        (
            "deflate-window-08",
            12,
            deflate("; server_max_window_bits=08"),
        ),
        (
            "deflate-window-quoted",
            12,
            deflate("; server_max_window_bits=\"12\""),
        ),
        (
            "deflate-window-no-value",
            12,
            deflate("; client_max_window_bits"),
        ),
        ("deflate-unknown-parameter", 12, deflate("; x=1")),
        (
            "deflate-repeated-parameter",
            12,
            deflate("; client_no_context_takeover; client_no_context_takeover"),
        ),
        ("deflate-twice", 12, deflate(", permessage-deflate")),
        ("small-limits", 0x80, answer(ANSWER)),
        (
            "small-limits-passed",
            0x80,
            more(&format!("Set-Cookie: {}", "x".repeat(200))),
        ),
        ("space-before-colon", 0, instead("Upgrade:", "Upgrade :")),
        ("folded", 0, more("X: a\r\n\tb")),
        ("bare-lf", 0, answer(ANSWER).replace("\r\n", "\n")),
        ("not-http", 0, "SSH-2.0-OpenSSH_9.6\r\n".to_owned()),
        ("stops-early", 0, "HTTP/1.1 101 Switch".to_owned()),
    ];
    with_heads(list)
}

fn with_heads(list: Vec<(&str, u8, String)>) -> Seeds {
    let input = |(name, choices, text): (&str, u8, String)| {
        let cut = name.len() as u8 % 3 * 40; // whole, pieces of 40 bytes, and random ones
        (name.to_owned(), [&[choices, cut], text.as_bytes()].concat())
    };
    list.into_iter().map(input).collect()
}

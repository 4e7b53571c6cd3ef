//! Requests and answers of the opening handshake, with lines left out, doubled and bent.

use crate::rng::Rng;

/// Values of lines that both sides send.
const UPGRADE: [&str; 6] = [
    "websocket",
    "WebSocket",
    "websocket, foo",
    "h2c",
    "websocket/13",
    " websocket\t",
];
const CONNECTION: [&str; 6] = [
    "Upgrade",
    "keep-alive, Upgrade",
    "upgrade",
    "close",
    ",Upgrade,,",
    "keep alive, Upgrade",
];
const EXTENSIONS: [&str; 14] = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=\"10\"",
    "permessage-deflate; server_max_window_bits=16, permessage-deflate",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
    "permessage-deflate; client_max_window_bits=08",
    "permessage-deflate; client_no_context_takeover=1",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "Permessage-Deflate;server_no_context_takeover",
    "x-webkit-deflate-frame, permessage-deflate",
    "foo; bar=\"a\\b\"",
    "permessage-deflate;",
];
const PROTOCOLS: [&str; 6] = [
    "chat",
    "superchat",
    "chat, superchat",
    "chat, chat",
    "a b",
    ",",
];

struct Lines<'a> {
    rng: &'a mut Rng,
    out: Vec<u8>,
}

impl Lines<'_> {
    fn line(&mut self, name: &str, value: &str) {
        let mut name = name.to_owned();
        if self.rng.one_in(40) {
            name = if self.rng.one_in(2) {
                name.to_uppercase()
            } else {
                name.to_lowercase()
            };
        }
        let colon = if self.rng.one_in(80) {
            self.rng.pick(&[" :", ":", ":\t", ""])
        } else {
            ": "
        };
        let end = if self.rng.one_in(80) {
            self.rng.pick(&["\n", "\r", "\r\n "])
        } else {
            "\r\n"
        };
        self.out
            .extend_from_slice(format!("{name}{colon}{value}{end}").as_bytes());
    }

    /// A line that is mostly there, mostly once, and mostly what it should be.
    fn mostly(&mut self, name: &str, right: &str, others: &[&str]) {
        let times = if self.rng.one_in(30) {
            self.rng.below(3)
        } else {
            1
        };
        for _ in 0..times {
            let value = if self.rng.one_in(6) {
                self.rng.pick(others)
            } else {
                right
            };
            self.line(name, value);
        }
    }

    /// A line that is there now and then.
    fn perhaps(&mut self, one_in: usize, name: &str, values: &[&str]) {
        if self.rng.one_in(one_in) {
            let value = self.rng.pick(values);
            self.line(name, value);
        }
    }

    fn end(mut self) -> Vec<u8> {
        let end = if self.rng.one_in(20) {
            self.rng.pick(&["", "\r", "\n", "\0\r\n"])
        } else {
            "\r\n"
        };
        self.out.extend_from_slice(end.as_bytes());
        let tail = self
            .rng
            .pick(&[&b""[..], b"\x81\x85\x01\x02\x03\x04abcde", b"\x81\x01a"]);
        self.out.extend_from_slice(tail);
        self.out
    }
}

/// An input of `handshake_server`.
#[must_use]
pub fn request(rng: &mut Rng) -> Vec<u8> {
    let mut policy = rng.byte();
    if !rng.one_in(8) {
        policy &= 0x7F;
    }
    let out = vec![policy, rng.byte()];
    let mut lines = Lines { rng, out };
    let first = if lines.rng.one_in(12) {
        lines.rng.pick(&[
            "POST / HTTP/1.1",
            "GET / HTTP/1.0",
            "GET  / HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET http://example.com/ HTTP/1.1",
            "GET / HTTP/2.0",
            "HEAD /?x=1 HTTP/1.1",
            "",
        ])
    } else {
        lines
            .rng
            .pick(&["GET / HTTP/1.1", "GET /chat?room=%20a HTTP/1.1"])
    };
    lines.out.extend_from_slice(first.as_bytes());
    lines.out.extend_from_slice(b"\r\n");
    lines.mostly(
        "Host",
        "example.com",
        &[
            "localhost:4000",
            "[::1]:80",
            "a,b",
            "",
            "user@host",
            "x:99999",
        ],
    );
    lines.mostly("Upgrade", "websocket", &UPGRADE);
    lines.mostly("Connection", "Upgrade", &CONNECTION);
    lines.mostly(
        "Sec-WebSocket-Key",
        "x3JJHMbDL1EzLkh9GBhXDw==",
        &[
            "AQIDBAUGBwgJCgsMDQ4PEC==",
            "short==",
            "x3JJHMbDL1EzLkh9GBhXDw=",
            "",
            "wDqumtseNBJdhkihL6PW7w==",
        ],
    );
    lines.mostly("Sec-WebSocket-Version", "13", &["8", "13, 8", "", "013"]);
    lines.perhaps(
        2,
        "Origin",
        &[
            "https://example.com",
            "http://example.com",
            "null",
            "https://evil.example",
            "file://",
        ],
    );
    lines.perhaps(2, "Sec-WebSocket-Protocol", &PROTOCOLS);
    lines.perhaps(2, "Sec-WebSocket-Extensions", &EXTENSIONS);
    lines.perhaps(8, "Sec-WebSocket-Extensions", &EXTENSIONS);
    lines.perhaps(20, "Content-Length", &["0", "5", "-1"]);
    lines.perhaps(30, "Transfer-Encoding", &["chunked"]);
    lines.perhaps(4, "Cookie", &["a=b; c=d", "\u{e9}"]);
    lines.end()
}

/// An input of `handshake_client`.
#[must_use]
pub fn response(rng: &mut Rng) -> Vec<u8> {
    let mut choices = rng.byte();
    if !rng.one_in(8) {
        choices &= 0x7F;
    }
    let out = vec![choices, rng.byte()];
    let mut lines = Lines { rng, out };
    while lines.rng.one_in(10) {
        lines
            .out
            .extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    }
    let first = if lines.rng.one_in(10) {
        lines.rng.pick(&[
            "HTTP/1.1 200 OK",
            "HTTP/1.0 101 Switching Protocols",
            "HTTP/1.1 101",
            "HTTP/1.1 426 Upgrade Required",
            "HTTP/1.1 1010 x",
            "HTTP/1.1  101 x",
            "ICY 200 OK",
        ])
    } else {
        lines
            .rng
            .pick(&["HTTP/1.1 101 Switching Protocols", "HTTP/1.1 101 "])
    };
    lines.out.extend_from_slice(first.as_bytes());
    lines.out.extend_from_slice(b"\r\n");
    lines.mostly("Upgrade", "websocket", &UPGRADE);
    lines.mostly("Connection", "Upgrade", &CONNECTION);
    lines.mostly(
        "Sec-WebSocket-Accept",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        &[
            "HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
            "",
            "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ],
    );
    lines.perhaps(3, "Sec-WebSocket-Protocol", &PROTOCOLS);
    lines.perhaps(2, "Sec-WebSocket-Extensions", &EXTENSIONS);
    lines.perhaps(10, "Sec-WebSocket-Extensions", &EXTENSIONS);
    lines.perhaps(4, "Set-Cookie", &["a=b", "\u{e9}"]);
    lines.end()
}

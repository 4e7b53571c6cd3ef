//! Every way the bytes of a request are not HTTP/1.1, with the status that answers it.
#![allow(clippy::unwrap_used)]

use super::error::{HeadError, RequestError};
use super::http1_tests::request;
use super::server::Refusal;

#[test]
fn broken_request_heads_are_told_apart() {
    use HeadError::*;
    let head = RequestError::Head;
    for (name, bytes, expected, status) in [
        (
            "empty first line",
            &b"\r\nGET / HTTP/1.1\r\n"[..],
            RequestError::RequestLine,
            400,
        ),
        ("two words", b"GET /\r\n", RequestError::RequestLine, 400),
        (
            "four words",
            b"GET / x HTTP/1.1\r\n",
            RequestError::RequestLine,
            400,
        ),
        (
            "two spaces",
            b"GET  / HTTP/1.1\r\n",
            RequestError::RequestLine,
            400,
        ),
        (
            "space at the end",
            b"GET / HTTP/1.1 \r\n",
            RequestError::RequestLine,
            400,
        ),
        (
            "space at the start",
            b" GET / HTTP/1.1\r\n",
            RequestError::RequestLine,
            400,
        ),
        (
            "tabs",
            b"GET\t/\tHTTP/1.1\r\n",
            RequestError::RequestLine,
            400,
        ),
        (
            "lower-case version",
            b"GET / http/1.1\r\n",
            RequestError::RequestLine,
            400,
        ),
        (
            "long version",
            b"GET / HTTP/1.10\r\n",
            RequestError::RequestLine,
            400,
        ),
        ("HTTP/1.0", b"GET / HTTP/1.0\r\n", RequestError::Http10, 505),
        (
            "HTTP/0.9",
            b"GET / HTTP/0.9\r\n",
            RequestError::HttpVersion,
            505,
        ),
        (
            "HTTP/1.2",
            b"GET / HTTP/1.2\r\n",
            RequestError::HttpVersion,
            505,
        ),
        (
            "HTTP/2 preface",
            b"PRI * HTTP/2.0\r\n",
            RequestError::HttpVersion,
            505,
        ),
        ("method", b"G@T / HTTP/1.1\r\n", RequestError::Method, 400),
        ("no method", b" / HTTP/1.1\r\n", RequestError::Method, 400),
        (
            "method not ASCII",
            b"G\xc3\x89T / HTTP/1.1\r\n",
            RequestError::Method,
            400,
        ),
        ("no target", b"GET  HTTP/1.1\r\n", RequestError::Target, 400),
        (
            "relative target",
            b"GET chat HTTP/1.1\r\n",
            RequestError::Target,
            400,
        ),
        ("asterisk", b"GET * HTTP/1.1\r\n", RequestError::Target, 400),
        (
            "absolute target",
            b"GET http://h/ HTTP/1.1\r\n",
            RequestError::Target,
            400,
        ),
        (
            "fragment",
            b"GET /#a HTTP/1.1\r\n",
            RequestError::Target,
            400,
        ),
        (
            "target not ASCII",
            b"GET /caf\xc3\xa9 HTTP/1.1\r\n",
            RequestError::Target,
            400,
        ),
        (
            "tab in target",
            b"GET /a\tb HTTP/1.1\r\n",
            RequestError::Target,
            400,
        ),
        (
            "NUL in target",
            b"GET /\0 HTTP/1.1\r\n",
            head(ControlByte(0)),
            400,
        ),
        (
            "DEL in target",
            b"GET /\x7f HTTP/1.1\r\n",
            head(ControlByte(0x7f)),
            400,
        ),
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00",
            head(ControlByte(0x16)),
            400,
        ),
        (
            "LF after request line",
            b"GET / HTTP/1.1\nHost: h\r\n\r\n",
            head(BareLf),
            400,
        ),
        (
            "CR in request line",
            b"GET /\r HTTP/1.1\r\n",
            head(BareCr),
            400,
        ),
        (
            "LF after header",
            b"GET / HTTP/1.1\r\nHost: h\n\r\n",
            head(BareLf),
            400,
        ),
        (
            "LF LF at the end",
            b"GET / HTTP/1.1\r\nHost: h\r\n\n",
            head(BareLf),
            400,
        ),
        (
            "CR CR LF",
            b"GET / HTTP/1.1\r\nHost: h\r\r\n",
            head(BareCr),
            400,
        ),
        (
            "CR in a value",
            b"GET / HTTP/1.1\r\nA: b\rHost: h\r\n",
            head(BareCr),
            400,
        ),
        (
            "NUL in a value",
            b"GET / HTTP/1.1\r\nA: b\0\r\n",
            head(ControlByte(0)),
            400,
        ),
        (
            "folded",
            b"GET / HTTP/1.1\r\nA: b\r\n c\r\n",
            head(Folded),
            400,
        ),
        (
            "folded by tab",
            b"GET / HTTP/1.1\r\nA: b\r\n\tc: d\r\n",
            head(Folded),
            400,
        ),
        (
            "space before first",
            b"GET / HTTP/1.1\r\n Host: h\r\n",
            head(Folded),
            400,
        ),
        (
            "space before colon",
            b"GET / HTTP/1.1\r\nHost : h\r\n",
            head(SpaceBeforeColon),
            400,
        ),
        (
            "tab before colon",
            b"GET / HTTP/1.1\r\nHost\t: h\r\n",
            head(SpaceBeforeColon),
            400,
        ),
        (
            "no name",
            b"GET / HTTP/1.1\r\n: h\r\n",
            head(EmptyName),
            400,
        ),
        (
            "no colon",
            b"GET / HTTP/1.1\r\nHost\r\n",
            head(NotAHeader),
            400,
        ),
        (
            "space in name",
            b"GET / HTTP/1.1\r\nHo st: h\r\n",
            head(BadName),
            400,
        ),
        (
            "name not ASCII",
            b"GET / HTTP/1.1\r\nH\xf6st: h\r\n",
            head(BadName),
            400,
        ),
        (
            "parentheses",
            b"GET / HTTP/1.1\r\n(a): h\r\n",
            head(BadName),
            400,
        ),
    ] {
        assert_eq!(request(bytes).unwrap_err(), expected, "{name}");
        assert_eq!(Refusal::from(expected).status().as_u16(), status, "{name}");
    }
}

//! What the head readers take, refuse and leave, and what the writers emit.
#![allow(clippy::unwrap_used)]

use http::header::{CONTENT_LENGTH, HOST, SEC_WEBSOCKET_KEY};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};

use super::error::{HeadError, RequestError, ResponseError};
use super::http1::{HeadLimits, RequestReader, ResponseReader, write_request, write_response};
use super::server::Refusal;

pub(super) fn request(bytes: &[u8]) -> Result<Option<Request<()>>, RequestError> {
    RequestReader::new(HeadLimits::default()).receive(&mut &bytes[..])
}

fn response(bytes: &[u8]) -> Result<Option<Response<()>>, ResponseError> {
    ResponseReader::new(HeadLimits::default()).receive(&mut &bytes[..])
}

fn limits(max_bytes: usize, max_headers: usize) -> HeadLimits {
    HeadLimits {
        max_bytes,
        max_headers,
    }
}

#[test]
fn a_request_head_is_read_whole() {
    let head = b"POST /chat/a%20b?x=1&y=?/ HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-Tab:\t a\tb \t\r\n\
                 Cookie: a=1\r\ncookie:b=2\r\nX-Latin: caf\xe9\r\n\r\n";
    let request = request(head).unwrap().unwrap();
    assert_eq!(*request.method(), Method::POST);
    assert_eq!(request.version(), Version::HTTP_11);
    assert_eq!(request.uri().path(), "/chat/a%20b");
    assert_eq!(request.uri().query(), Some("x=1&y=?/"));
    let values = |name: &str| -> Vec<&[u8]> {
        request
            .headers()
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect()
    };
    assert_eq!(values("host"), [b"h"]);
    assert_eq!(values("x-empty"), [b""]);
    assert_eq!(values("x-tab"), [b"a\tb"]);
    assert_eq!(values("cookie"), [b"a=1", b"b=2"]);
    assert_eq!(values("x-latin"), [b"caf\xe9"]);
}

#[test]
fn targets_are_kept_as_they_came() {
    for target in ["/", "//x/y", "/?", "/a?b?c", "/%", "/~a;b=c,d:e@f!$&'()*+"] {
        let head = format!("GET {target} HTTP/1.1\r\n\r\n");
        let request = request(head.as_bytes()).unwrap().unwrap();
        assert_eq!(request.uri().path_and_query().unwrap().as_str(), target);
        assert!(request.uri().authority().is_none(), "{target}");
    }
}

#[test]
fn what_follows_the_head_stays_in_the_input() {
    let bytes = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n\x81\x02hi\r\n\r\n";
    let mut input = &bytes[..];
    let mut reader = RequestReader::new(HeadLimits::default());
    assert!(reader.receive(&mut input).unwrap().is_some());
    assert_eq!(input, b"\x81\x02hi\r\n\r\n");
    assert!(reader.receive(&mut input).unwrap().is_none());
    assert_eq!(
        input, b"\x81\x02hi\r\n\r\n",
        "a reader that is done takes nothing"
    );
    assert_eq!(reader.raw(), b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(reader.into_raw(), b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

#[test]
fn bytes_and_lines_are_capped() {
    let head = b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n";
    let mut exact = RequestReader::new(limits(head.len(), 2));
    assert!(
        exact.receive(&mut &head[..]).unwrap().is_some(),
        "both limits are inclusive"
    );

    let mut small = RequestReader::new(limits(head.len() - 1, 2));
    let error = small.receive(&mut &head[..]).unwrap_err();
    assert_eq!(
        error,
        RequestError::Head(HeadError::TooLarge(head.len() - 1))
    );
    assert_eq!(Refusal::from(error.clone()).status().as_u16(), 431);
    assert_eq!(
        small.receive(&mut &b"\r\n\r\n"[..]).unwrap_err(),
        error,
        "failed for good"
    );

    let mut few = RequestReader::new(limits(1000, 1));
    let error = few.receive(&mut &head[..]).unwrap_err();
    assert_eq!(error, RequestError::Head(HeadError::TooManyHeaders(1)));
    assert_eq!(Refusal::from(error).status().as_u16(), 431);
}

#[test]
fn a_flood_without_an_end_is_refused_at_the_limit() {
    for (name, part) in [
        ("one line", &b"aaaaaaaaaaaaaaaa"[..]),
        ("header lines", b"a: b\r\n"),
    ] {
        let mut reader = RequestReader::new(limits(16 * 1024, usize::MAX));
        let mut result = reader.receive(&mut &b"GET / HTTP/1.1\r\n"[..]);
        let mut given = 0;
        while result.is_ok() {
            given += part.len();
            assert!(given <= 16 * 1024, "{name}: no refusal");
            result = reader.receive(&mut &part[..]);
        }
        assert!(reader.raw().len() <= 16 * 1024, "{name}");
        let too_large = RequestError::Head(HeadError::TooLarge(16 * 1024));
        assert_eq!(result.unwrap_err(), too_large, "{name}");
    }
}

#[test]
fn very_many_headers_never_panic() {
    let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
    for index in 0..70_000 {
        bytes.extend_from_slice(format!("h{index}:\r\n").as_bytes());
    }
    let mut reader = RequestReader::new(limits(usize::MAX, usize::MAX));
    let error = reader.receive(&mut &bytes[..]).unwrap_err();
    assert_eq!(error, RequestError::Head(HeadError::TooManyHeaders(10_000)));

    let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
    bytes.resize(200_000, b'n');
    bytes.extend_from_slice(b": v\r\n");
    let mut reader = RequestReader::new(limits(usize::MAX, usize::MAX));
    let error = reader.receive(&mut &bytes[..]).unwrap_err();
    assert_eq!(error, RequestError::Head(HeadError::BadName));

    let bytes = [b"GET /", &[b'a'; 200_000][..], b" HTTP/1.1\r\n"].concat();
    let mut reader = RequestReader::new(limits(usize::MAX, usize::MAX));
    assert_eq!(
        reader.receive(&mut &bytes[..]).unwrap_err(),
        RequestError::Target
    );
}

#[test]
fn the_end_of_the_stream_says_how_far_it_came() {
    let reader = RequestReader::new(HeadLimits::default());
    assert_eq!(
        reader.receive_eof(),
        RequestError::Head(HeadError::ClosedBefore)
    );
    let mut reader = RequestReader::new(HeadLimits::default());
    assert!(reader.receive(&mut &b"GET / HT"[..]).unwrap().is_none());
    assert_eq!(
        reader.receive_eof(),
        RequestError::Head(HeadError::ClosedWithin(8))
    );
    let mut reader = ResponseReader::new(HeadLimits::default());
    assert_eq!(
        reader.receive_eof(),
        ResponseError::Head(HeadError::ClosedBefore)
    );
    assert!(reader.receive(&mut &b"\n"[..]).is_err());
    assert_eq!(reader.receive_eof(), ResponseError::Head(HeadError::BareLf));
}

#[test]
fn status_lines() {
    for (name, bytes, expected) in [
        (
            "usual",
            &b"HTTP/1.1 101 Switching Protocols\r\n\r\n"[..],
            Ok(101),
        ),
        ("no reason", b"HTTP/1.1 101 \r\n\r\n", Ok(101)),
        (
            "reason not ASCII",
            b"HTTP/1.1 404 introuvabl\xe9\r\n\r\n",
            Ok(404),
        ),
        ("HTTP/1.0", b"HTTP/1.0 404 Not Found\r\n\r\n", Ok(404)),
        ("unknown status", b"HTTP/1.1 799 x\r\n\r\n", Ok(799)),
        (
            "no space",
            b"HTTP/1.1 101\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        (
            "two digits",
            b"HTTP/1.1 99 x\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        (
            "four digits",
            b"HTTP/1.1 1010 x\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        (
            "under 100",
            b"HTTP/1.1 099 x\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        (
            "no digits",
            b"HTTP/1.1 abc x\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        (
            "two spaces",
            b"HTTP/1.1  101 x\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        (
            "HTTP/2",
            b"HTTP/2.0 101 x\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        (
            "lower case",
            b"http/1.1 101 x\r\n\r\n",
            Err(ResponseError::StatusLine),
        ),
        ("not HTTP", b"SSH-2.0-x\r\n", Err(ResponseError::StatusLine)),
        ("empty", b"\r\n", Err(ResponseError::StatusLine)),
        (
            "LF",
            b"HTTP/1.1 101 x\n\n",
            Err(ResponseError::Head(HeadError::BareLf)),
        ),
    ] {
        let got = response(bytes).map(|response| response.unwrap().status().as_u16());
        assert_eq!(got, expected, "{name}");
    }
}

#[test]
fn interim_responses_are_passed_over_within_the_same_limits() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
                  HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00";
    let mut input = &bytes[..];
    let mut reader = ResponseReader::new(HeadLimits::default());
    let response = reader.receive(&mut input).unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert!(
        !response.headers().contains_key("link"),
        "headers of an interim are its own"
    );
    assert_eq!(input, b"\x81\x00");

    let mut reader = ResponseReader::new(limits(1024, 100));
    let error = loop {
        match reader.receive(&mut &b"HTTP/1.1 100 Continue\r\n\r\n"[..]) {
            Ok(response) => assert!(response.is_none()),
            Err(error) => break error,
        }
    };
    assert_eq!(error, ResponseError::Head(HeadError::TooLarge(1024)));
}

#[test]
fn heads_are_written_as_the_rfc_prints_them_and_read_back() {
    let mut request = Request::new(());
    *request.uri_mut() = "/chat?a=b".parse().unwrap();
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("example.com"));
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_KEY, HeaderValue::from_static("k"));
    request
        .headers_mut()
        .insert("x-a-9b", HeaderValue::from_bytes(b"\xff\t").unwrap());
    let mut bytes = b"before ".to_vec();
    write_request(&request, b"body", &mut bytes);
    let expected = b"before GET /chat?a=b HTTP/1.1\r\nHost: example.com\r\n\
                     Sec-WebSocket-Key: k\r\nX-A-9b: \xff\t\r\n\r\nbody";
    assert_eq!(
        bytes.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );

    let mut response = Response::new(());
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from_static("2"));
    let mut bytes = Vec::new();
    write_response(&response, b"no", &mut bytes);
    assert_eq!(
        bytes,
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    );
    let mut input = &bytes[..];
    let mut reader = ResponseReader::new(HeadLimits::default());
    let read = reader.receive(&mut input).unwrap().unwrap();
    assert_eq!(
        (read.status(), read.headers()),
        (response.status(), response.headers())
    );
    assert_eq!(input, b"no");

    let absolute = Request::builder()
        .uri("http://example.com")
        .body(())
        .unwrap();
    let mut bytes = Vec::new();
    write_request(&absolute, b"", &mut bytes);
    assert_eq!(bytes, b"GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn no_header_can_carry_a_line_break() {
    for value in [&b"a\r\nEvil: 1"[..], b"a\nEvil: 1", b"a\r", b"\0"] {
        assert!(HeaderValue::from_bytes(value).is_err());
    }
    assert!(http::HeaderName::from_bytes(b"a\r\nb").is_err());
    assert!("/a\r\nb".parse::<http::Uri>().is_err());
}

//! What a client makes of servers that refuse, stall, break off and talk nonsense.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use http::Response;
use std::time::Duration;
use tidewire::{Client, ConnectError, ConnectStage, ResponseError};
use tidewire_proto::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

const KIB: usize = 1024;

/// How the handshake ends against a server that `serve`s once it has read the request.
async fn outcome<F: Future<Output = DuplexStream>>(
    client: Client,
    serve: impl FnOnce(DuplexStream) -> F,
) -> ConnectError {
    let (a, b) = duplex(256 * KIB);
    let mut raw = Raw::new(b, Role::Server);
    let server = async {
        raw.read_head().await;
        let _open = serve(raw.io).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = client.handshake(a) => outcome.unwrap_err(),
        () = server => unreachable!("it never ends"),
    }
}

/// The answer that a server by hand gives, which then keeps the connection open and is silent.
async fn answer(bytes: &[u8]) -> ConnectError {
    outcome(client(), |mut io| async move {
        io.write_all(bytes).await.unwrap();
        io
    })
    .await
}

/// The same, but for the end of the connection behind it.
async fn answer_and_end(bytes: &[u8]) -> ConnectError {
    outcome(client(), |mut io| async move {
        io.write_all(bytes).await.unwrap();
        duplex(1).0
    })
    .await
}

fn refused(error: ConnectError) -> Response<Vec<u8>> {
    match error {
        ConnectError::Refused(response) => *response,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_comes_with_status_headers_and_the_whole_body() {
    let head = "HTTP/1.1 403 Forbidden\r\nX-Why: because\r\n";
    for (name, rest, body) in [
        (
            "length",
            "Content-Length: 5\r\n\r\nhello, and more",
            "hello",
        ),
        ("none", "Content-Length: 0\r\n\r\n", ""),
        (
            "chunks",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\nmore",
            "hello",
        ),
        (
            "chunks and a length, which does not count",
            "Content-Length: 1\r\nTransfer-Encoding: gzip, Chunked \r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "chunks that are none",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nhel!!<html>",
            "hel",
        ),
        ("neither", "\r\nhello", "hello"),
        (
            "a length that is none",
            "Content-Length: -1\r\n\r\nhello",
            "hello",
        ),
        (
            "a length that never comes",
            "Content-Length: 99\r\n\r\nhello",
            "hello",
        ),
        (
            "a length beyond all",
            "Content-Length: 99999999999999999999999999\r\n\r\nhello",
            "hello",
        ),
        (
            "a chunk beyond all",
            "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello",
            "hello",
        ),
    ] {
        // Silence after the answer, and its end.
        let bytes = format!("{head}{rest}");
        for error in [
            answer(bytes.as_bytes()).await,
            answer_and_end(bytes.as_bytes()).await,
        ] {
            assert!(error.to_string().contains("403 Forbidden"), "{error}");
            let response = refused(error);
            assert_eq!(response.status(), 403);
            assert_eq!(response.headers()["x-why"], "because");
            assert_eq!(String::from_utf8_lossy(response.body()), body, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_cut() {
    for coding in [
        "",
        "Content-Length: 9999999\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        let head = format!("HTTP/1.1 500 Oh\r\n{coding}\r\n");
        let endless = outcome(client(), |mut io| async move {
            io.write_all(head.as_bytes()).await.unwrap();
            // 64 KiB of chunks of 16 bytes, again and again: or simply bytes.
            let piece = "10\r\n0123456789abcdef\r\n".repeat(4096);
            while io.write_all(piece.as_bytes()).await.is_ok() {}
            io
        });
        let response = refused(endless.await);
        assert_eq!(response.body().len(), 64 * KIB, "{coding}");
    }
    // The smallest chunks cost six bytes for one: what is read is bounded, not only what is kept.
    let dust = outcome(client(), |mut io| async move {
        let head = "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n";
        io.write_all(head.as_bytes()).await.unwrap();
        while io.write_all(b"1\r\nx\r\n").await.is_ok() {}
        io
    });
    let response = refused(dust.await);
    assert!((30 * KIB..40 * KIB).contains(&response.body().len()));
}

#[tokio::test(start_paused = true)]
async fn a_dripping_body_is_given_up_after_a_second_with_what_came() {
    let start = Instant::now();
    let error = outcome(client(), |mut io| async move {
        io.write_all(b"HTTP/1.1 503 Busy\r\n\r\n").await.unwrap();
        while io.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(95)).await;
        }
        io
    });
    assert_eq!(refused(error.await).body(), b"xxxxxxxxxxx");
    assert_eq!(start.elapsed().as_secs(), 1);
    // The time of the handshake counts, if that is shorter; the refusal is not lost by it.
    let start = Instant::now();
    let hasty = client().handshake_timeout(Duration::from_millis(300));
    let error = outcome(hasty, |mut io| async move {
        io.write_all(b"HTTP/1.1 503 Busy\r\n\r\nx").await.unwrap();
        io
    });
    assert_eq!(refused(error.await).body(), b"x");
    assert!(start.elapsed() < Duration::from_millis(310));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_completes_its_answer_is_given_up() {
    for piece in ["", "H", "HTTP/1.1 101 Switching Protocols\r\n", "X: y\r\n"] {
        let start = Instant::now();
        let quick = client().handshake_timeout(Duration::from_secs(7));
        let error = outcome(quick, |mut io| async move {
            io.write_all(b"HTTP/1.1 101 S\r\n").await.unwrap();
            for byte in piece.bytes().cycle().take(2000) {
                sleep(Duration::from_secs(1)).await;
                let _ = io.write_all(&[byte]).await;
            }
            io
        })
        .await;
        let broken = matches!(error, ConnectError::Handshake(ResponseError::Head(_)));
        let late = matches!(error, ConnectError::Timeout(ConnectStage::Handshake));
        assert!(late || broken, "{error:?}");
        assert!(start.elapsed() <= Duration::from_millis(7010), "{piece:?}");
    }
    let error = answer(b"").await;
    assert!(matches!(
        error,
        ConnectError::Timeout(ConnectStage::Handshake)
    ));
    assert!(error.to_string().contains("WebSocket handshake"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_refused() {
    let endless = outcome(client(), |mut io| async move {
        io.write_all(b"HTTP/1.1 101 S\r\n").await.unwrap();
        while io.write_all(b"X-Header: value\r\n").await.is_ok() {}
        io
    });
    let error = endless.await;
    assert!(
        matches!(error, ConnectError::Handshake(ResponseError::Head(_))),
        "{error:?}"
    );
    // Interim answers count into the same.
    let interim = outcome(client(), |mut io| async move {
        while io.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {}
        io
    });
    let error = interim.await;
    assert!(
        matches!(error, ConnectError::Handshake(ResponseError::Head(_))),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_at_any_byte_is_an_end_and_nonsense_is_told_apart() {
    let whole = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    for length in 0..whole.len() - 1 {
        let error = answer_and_end(&whole[..length]).await;
        let ConnectError::Io(io) = error else {
            panic!("{length}: {error:?}");
        };
        assert_eq!(io.kind(), std::io::ErrorKind::UnexpectedEof);
    }
    for bytes in [
        &b"\x15\x03\x03\x00\x02\x02\x0a\r\n\r\n"[..], // a TLS alert
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        b"HTTP/1.1 101 S\r\n\r\n",
        b"HTTP/1.0 101 S\r\n\r\n",
    ] {
        let error = answer(bytes).await;
        let told = matches!(error, ConnectError::Handshake(_));
        assert!(told, "{}: {error:?}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn a_server_that_leaves_before_the_request_is_an_error() {
    let (a, b) = duplex(64);
    drop(b);
    let error = client().handshake(a).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io(_)), "{error:?}");
    // One that reads half of it as well.
    let (a, mut b) = duplex(64);
    let serving = tokio::spawn(async move {
        let mut part = [0; 100];
        b.read_exact(&mut part).await.unwrap();
    });
    let error = client().handshake(a).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io(_)), "{error:?}");
    serving.await.unwrap();
}

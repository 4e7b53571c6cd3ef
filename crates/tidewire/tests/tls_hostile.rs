//! Peers that speak something else, break off, or send garbage.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod tls_common;

use tidewire::tls::TlsError;
use tidewire_testkit::Random;
use tls_common::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

/// What our server says about a client that sends `bytes` and, if `ends`, nothing more; and what it
/// answers.
async fn server_hears(bytes: &[u8], ends: bool) -> (TlsError, Vec<u8>) {
    let (_, server) = both();
    let (mut raw, end) = duplex(1 << 20);
    raw.write_all(bytes).await.unwrap();
    if ends {
        raw.shutdown().await.unwrap();
    }
    let error = timeout(PATIENCE, server.accept(end)).await.unwrap();
    let mut answer = Vec::new();
    raw.read_to_end(&mut answer).await.unwrap();
    (error.unwrap_err(), answer)
}

/// What our client says about a server that answers `bytes`.
async fn client_hears(bytes: &[u8], ends: bool) -> (TlsError, Vec<u8>) {
    let (client, _) = both();
    let (mut raw, end) = duplex(1 << 20);
    raw.write_all(bytes).await.unwrap();
    if ends {
        raw.shutdown().await.unwrap();
    }
    let error = timeout(PATIENCE, client.connect("localhost", end))
        .await
        .unwrap();
    let mut sent = Vec::new();
    raw.read_to_end(&mut sent).await.unwrap();
    (error.unwrap_err(), sent)
}

/// A fatal alert record, in the clear.
fn is_alert(bytes: &[u8]) -> bool {
    matches!(bytes, [21, 3, 1..=3, 0, 2, 2, _])
}

#[tokio::test]
async fn a_plain_client_is_told_from_a_broken_one_and_gets_an_alert() {
    let request = b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n";
    let (error, answer) = server_hears(request, false).await;
    assert!(matches!(error, TlsError::NotTls(_)), "{error:?}");
    assert!(error.to_string().contains("wss://"), "{error}");
    assert!(is_alert(&answer), "{answer:02x?}");
}

#[tokio::test]
async fn a_plain_server_is_told_by_its_answer() {
    let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let (error, sent) = client_hears(answer, true).await;
    assert!(matches!(error, TlsError::NotTls(_)), "{error:?}");
    assert!(error.to_string().contains("use ws://"), "{error}");
    assert_eq!(sent[..3], [22, 3, 1], "a ClientHello");
}

#[tokio::test]
async fn a_peer_that_leaves_is_an_io_error() {
    let (error, _) = server_hears(b"", true).await;
    assert!(
        error.to_string().contains("during the TLS handshake"),
        "{error}"
    );
    let (error, _) = server_hears(&[22, 3, 1, 0, 100, 1, 0], true).await;
    assert!(matches!(error, TlsError::Io(_)), "{error:?}");
    let (error, _) = client_hears(b"", true).await;
    assert!(matches!(error, TlsError::Io(_)), "{error:?}");
}

#[tokio::test]
async fn garbage_is_an_error_and_never_a_panic() {
    let mut random = Random::new(7);
    for round in 0..300 {
        let mut bytes = vec![0; 1 + random.below(3_000)];
        bytes.fill_with(|| random.below(256) as u8);
        // Every second one looks like records at least.
        if round % 2 == 0 {
            let len = random.below(200);
            let head = [
                20 + random.below(5) as u8,
                3,
                random.below(5) as u8,
                0,
                len as u8,
            ];
            let count = bytes.len().min(head.len());
            bytes[..count].copy_from_slice(&head[..count]);
        }
        let (error, _) = server_hears(&bytes, true).await;
        assert!(!error.to_string().is_empty());
        let (error, _) = client_hears(&bytes, true).await;
        assert!(!error.to_string().is_empty());
    }
}

/// A real ClientHello.
async fn hello() -> Vec<u8> {
    let (client, _) = both();
    let (mut raw, end) = duplex(1 << 20);
    raw.shutdown().await.unwrap();
    client.connect("localhost", end).await.unwrap_err();
    let mut hello = Vec::new();
    raw.read_to_end(&mut hello).await.unwrap();
    hello
}

#[tokio::test]
async fn a_hello_with_any_byte_changed_is_never_a_panic() {
    let hello = hello().await;
    let mut random = Random::new(11);
    for at in 0..hello.len() {
        let mut bytes = hello.clone();
        bytes[at] ^= 1 + random.below(255) as u8;
        server_hears(&bytes, true).await;
    }
}

#[tokio::test]
async fn a_handshake_message_without_end_is_refused_and_not_kept() {
    // One message that claims 16 MB, in small records.
    let mut bytes = vec![22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff];
    for _ in 0..20_000 {
        bytes.extend([22, 3, 1, 0, 1, 0]);
    }
    let (error, _) = server_hears(&bytes, false).await;
    assert!(matches!(error, TlsError::Handshake(_)), "{error:?}");
    // One that is allowed to be as long as it claims, in records of one byte each.
    let mut bytes = vec![22, 3, 1, 0, 4, 1, 0, 0xf0, 0];
    for _ in 0..60_000 {
        bytes.extend([22, 3, 1, 0, 1, 0]);
    }
    let (error, _) = server_hears(&bytes, false).await;
    assert!(matches!(error, TlsError::Handshake(_)), "{error:?}");
}

/// Passes bytes on, `step` at a time, with everybody else's turn in between.
async fn drip(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    step: usize,
) {
    let mut chunk = vec![0; step];
    loop {
        match from.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                if to.write_all(&chunk[..count]).await.is_err() {
                    break;
                }
            }
        }
        tokio::task::yield_now().await;
    }
    let _ = to.shutdown().await;
}

/// Two ends of a connection that passes `step` bytes at a time.
fn dripping(step: usize) -> (DuplexStream, DuplexStream) {
    let ((a, far), (near, b)) = (duplex(1 << 20), duplex(1 << 20));
    let (from_a, to_a) = tokio::io::split(far);
    let (from_b, to_b) = tokio::io::split(near);
    tokio::spawn(drip(from_a, to_b, step));
    tokio::spawn(drip(from_b, to_a, step));
    (a, b)
}

#[tokio::test]
async fn a_handshake_that_comes_byte_by_byte_is_a_handshake() {
    for step in [1, 2, 7, 100] {
        let (client, server) = both();
        let (a, b) = dripping(step);
        let (a, b) = meet(&client, &server, a, b).await;
        let (mut a, mut b) = (a.unwrap(), b.unwrap());
        a.write_all(b"hello").await.unwrap();
        let mut got = [0; 5];
        b.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"hello");
    }
}

/// What an end reads of what the other says, with one bit of the byte at `flip` changed on its way.
/// `closed`: it has said goodbye itself before.
async fn tampered(flip: usize, closed: bool) -> (Vec<u8>, Result<usize, std::io::Error>) {
    let (client, server) = both();
    let ((a, far), (near, b)) = (duplex(1 << 20), duplex(1 << 20));
    let (mut from_a, to_a) = tokio::io::split(far);
    let (from_b, mut to_b) = tokio::io::split(near);
    tokio::spawn(drip(from_b, to_a, 4096));
    let (start, mut started) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        let (mut chunk, mut at) = (vec![0; 4096], 0);
        while let Ok(count @ 1..) = from_a.read(&mut chunk).await {
            if *started.borrow_and_update() {
                if (at..at + count).contains(&flip) {
                    chunk[flip - at] ^= 1;
                }
                at += count;
            }
            if to_b.write_all(&chunk[..count]).await.is_err() {
                break;
            }
        }
        let _ = to_b.shutdown().await;
    });
    let (a, b) = meet(&client, &server, a, b).await;
    let (mut a, mut b) = (a.unwrap(), b.unwrap());
    start.send(true).unwrap();
    if closed {
        b.shutdown().await.unwrap();
    }
    a.write_all(&[7; 40]).await.unwrap();
    a.shutdown().await.unwrap();
    let mut got = Vec::new();
    let outcome = timeout(PATIENCE, b.read_to_end(&mut got)).await.unwrap();
    (got, outcome)
}

#[tokio::test]
async fn what_was_changed_on_its_way_is_never_read() {
    // The record of 40 bytes is 62 long, the goodbye 24.
    for flip in [3, 5, 20, 61] {
        let (got, outcome) = tampered(flip, false).await;
        assert!(got.is_empty(), "byte {flip}: {got:?}");
        // A length that grew waits for bytes that never come.
        assert!(outcome.is_err() || flip == 3, "byte {flip}: {outcome:?}");
    }
    let (got, outcome) = tampered(70, false).await;
    assert_eq!(got, [7; 40], "what came before is good");
    let error = outcome.unwrap_err().into_inner().unwrap();
    assert!(error.downcast_ref::<TlsError>().is_some(), "{error}");
}

#[tokio::test]
async fn what_was_changed_behind_our_goodbye_is_an_error_and_never_a_panic() {
    let (got, outcome) = tampered(20, true).await;
    assert!(got.is_empty() && outcome.is_err(), "{outcome:?}");
    let (got, outcome) = tampered(usize::MAX, true).await;
    assert_eq!((got.len(), outcome.unwrap()), (40, 40));
}

//! WebSocket over TLS, both ends ours: every size, torn, stalled, in layers, and to the very end.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod common;
mod tls_common;

use common::{Counted, Torn, client, server};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidewire::{Config, Flush, Message, WebSocket};
use tidewire_testkit::RawFrame;
use tls_common::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

fn config() -> Config {
    Config::new()
        .ping_interval(None)
        .max_message(64 << 20)
        .max_frame(64 << 20)
}

/// A WebSocket over TLS over any two ends of a connection.
async fn websockets<A: tidewire::Io, B: tidewire::Io>(a: A, b: B) -> (WebSocket, WebSocket) {
    let (client_tls, server_tls) = both();
    let (a, b) = meet(&client_tls, &server_tls, a, b).await;
    let (client, server) = (client().config(config()), server().config(config()));
    common::open(client, server, a.unwrap(), b.unwrap()).await
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (a, b) = tokio::join!(TcpStream::connect(addr), listener.accept());
    (a.unwrap(), b.unwrap().0)
}

fn echo(mut ws: WebSocket) -> tokio::task::JoinHandle<bool> {
    tokio::spawn(async move {
        let story = ws.for_each(|event, link| drop(link.echo(event))).await;
        story.is_ok_and(|story| story.is_clean())
    })
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
}

/// Echoes messages of these sizes, one at a time, then closes.
async fn round_trips(mut client: WebSocket, server: WebSocket, sizes: &[usize]) {
    let server = echo(server);
    for &size in sizes {
        let sent = bytes(size);
        client.send(sent.clone()).await.unwrap();
        client.send("between").await.unwrap();
        let back = timeout(PATIENCE, client.recv()).await.unwrap().unwrap();
        assert!(back == Some(Message::binary(sent)), "{size} bytes");
        let back = timeout(PATIENCE, client.recv()).await.unwrap().unwrap();
        assert_eq!(back, Some(Message::text("between")), "{size} bytes");
    }
    let story = timeout(PATIENCE, client.close(1000u16, "")).await.unwrap();
    assert!(story.unwrap().is_clean());
    assert!(server.await.unwrap());
}

/// Sizes on both sides of a record, a batch of records, and the limits of the driver.
const SIZES: [usize; 12] = [
    0,
    1,
    125,
    4_096,
    4_097,
    16_370,
    16_384,
    16_385,
    65_536,
    70_000,
    1 << 20,
    20 << 20,
];

#[tokio::test]
async fn messages_of_every_size_come_back_over_tcp() {
    let (a, b) = tcp_pair().await;
    let addr = b.peer_addr().unwrap();
    let (client, server) = websockets(a, b).await;
    assert_eq!(
        server.peer_addr(),
        Some(addr),
        "the socket is seen through TLS"
    );
    round_trips(client, server, &SIZES).await;
}

#[tokio::test]
async fn messages_of_every_size_come_back_over_a_small_pipe() {
    let (a, b) = duplex(1000);
    let (client, server) = websockets(a, b).await;
    round_trips(client, server, &SIZES[..10]).await;
}

#[tokio::test]
async fn a_pipe_of_one_byte_is_enough() {
    let (a, b) = duplex(1);
    let (client, server) = websockets(a, b).await;
    round_trips(client, server, &SIZES[..6]).await;
}

#[tokio::test]
async fn torn_reads_and_writes_change_nothing() {
    for (seed, most) in [(1, 1), (2, 3), (3, 100), (4, 5_000), (5, 40_000)] {
        let (a, b) = duplex(50_000);
        let (a, b) = (Torn::new(a, seed, most), Torn::new(b, seed + 100, most));
        let (client, server) = websockets(a, b).await;
        let sizes = if most < 100 {
            &SIZES[..6]
        } else {
            &SIZES[..10]
        };
        round_trips(client, server, sizes).await;
    }
}

#[tokio::test]
async fn tls_runs_inside_tls() {
    let (client_tls, server_tls) = both();
    let (a, b) = tcp_pair().await;
    let (a, b) = meet(&client_tls, &server_tls, a, b).await;
    let (client, server) = websockets(a.unwrap(), b.unwrap()).await;
    assert!(
        server.peer_addr().is_some(),
        "the socket is seen through both"
    );
    round_trips(client, server, &SIZES).await;
}

#[tokio::test]
async fn many_messages_cross_on_their_way() {
    let (a, b) = tcp_pair().await;
    let (client, server) = websockets(a, b).await;
    let server = echo(server);
    let (sender, mut receiver) = client.split();
    let sending = tokio::spawn(async move {
        for at in 0..3_000usize {
            sender.send(bytes(at * 7 % 9_000)).await.unwrap();
        }
        sender
    });
    for at in 0..3_000usize {
        let message = timeout(PATIENCE, receiver.recv()).await.unwrap().unwrap();
        assert!(
            message == Some(Message::binary(bytes(at * 7 % 9_000))),
            "{at}"
        );
    }
    drop((sending.await.unwrap(), receiver));
    server.await.unwrap();
}

#[tokio::test]
async fn a_peer_that_stalls_holds_the_sender_back_and_loses_nothing() {
    let (a, b) = duplex(8_000);
    let (client, mut server) = websockets(a, b).await;
    let client = std::sync::Arc::new(client);
    let sender = client.clone();
    let sending = tokio::spawn(async move {
        for at in 0..400u32 {
            sender.send(vec![at as u8; 10_000]).await.unwrap();
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        !sending.is_finished(),
        "4 MB do not fit into a pipe of 8 kB"
    );
    assert_eq!(client.try_flush(), Flush::Blocked);
    for at in 0..400u32 {
        let message = timeout(PATIENCE, server.recv()).await.unwrap().unwrap();
        assert_eq!(message, Some(Message::binary(vec![at as u8; 10_000])));
    }
    sending.await.unwrap();
    timeout(PATIENCE, client.flush()).await.unwrap().unwrap();
    assert_eq!(client.try_flush(), Flush::Flushed);
}

#[tokio::test]
async fn a_blocked_tail_is_written_without_anybodys_help() {
    let (a, b) = duplex(4_000);
    let (client, mut server) = websockets(a, b).await;
    // Taken at once by TLS, which the pipe does not take it from.
    client.send(bytes(40_000)).await.unwrap();
    assert_eq!(client.try_flush(), Flush::Blocked);
    let message = timeout(PATIENCE, server.recv()).await.unwrap().unwrap();
    assert!(message == Some(Message::binary(bytes(40_000))));
}

#[tokio::test]
async fn replies_to_what_came_together_leave_in_one_write() {
    let (a, b) = duplex(1 << 20);
    let b = Counted::new(b);
    let writes = b.writes.clone();
    let (client, server) = websockets(a, b).await;
    let (sender, mut receiver) = client.split();
    let server = echo(server);
    tokio::task::yield_now().await;
    let before = writes.load(Ordering::Relaxed);
    for _ in 0..50 {
        sender.feed("hello").await.unwrap();
    }
    sender.flush().await.unwrap();
    for _ in 0..50 {
        assert_eq!(receiver.recv().await.unwrap(), Some(Message::text("hello")));
    }
    assert_eq!(writes.load(Ordering::Relaxed) - before, 1);
    drop((sender, receiver));
    server.await.unwrap();
}

/// What an end of a TLS connection reads until its end, which is said and not torn.
async fn rest(io: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut rest = Vec::new();
    timeout(PATIENCE, io.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    rest
}

#[tokio::test]
async fn a_stream_carries_bytes_both_ways_and_ends_one_way_at_a_time() {
    let (mut a, mut b) = pair(5_000).await;
    assert_eq!((a.version(), b.version()), ("TLSv1.3", "TLSv1.3"));
    assert_eq!(a.alpn(), Some(&b"http/1.1"[..]));
    assert_eq!(b.alpn(), Some(&b"http/1.1"[..]));
    assert_eq!(
        (a.server_name(), b.server_name()),
        (None, Some("localhost"))
    );
    assert_eq!(
        (a.peer_certificates().len(), b.peer_certificates().len()),
        (1, 0)
    );
    let sent = bytes(300_000);
    let writer = async {
        a.write_all(&sent).await.unwrap();
        a.shutdown().await.unwrap();
        rest(&mut a).await
    };
    let reader = async {
        let got = rest(&mut b).await;
        assert!(got == sent);
        b.write_all(b"still here").await.unwrap();
        b.shutdown().await.unwrap();
    };
    let (answer, ()) = tokio::join!(writer, reader);
    assert_eq!(answer, b"still here");
    let error = a.write_all(b"x").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn small_reads_get_everything_in_order() {
    let (mut a, mut b) = pair(1 << 20).await;
    let sent = bytes(100_000);
    a.write_all(&sent).await.unwrap();
    a.shutdown().await.unwrap();
    let mut got = Vec::new();
    for size in (1..4_000).cycle() {
        let mut chunk = vec![0; size];
        let count = b.read(&mut chunk).await.unwrap();
        if count == 0 {
            break;
        }
        got.extend_from_slice(&chunk[..count]);
    }
    assert!(got == sent);
}

/// A pipe that passes everything on and keeps a copy of what is written.
struct Tapped<S> {
    io: S,
    seen: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let poll = std::pin::Pin::new(&mut self.io).poll_write(cx, bytes);
        if let std::task::Poll::Ready(Ok(count)) = poll {
            self.seen.lock().unwrap().extend_from_slice(&bytes[..count]);
        }
        poll
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn nothing_of_a_message_is_readable_on_the_wire_and_a_dropped_stream_says_goodbye() {
    let (client, server) = both();
    let (a, b) = duplex(1 << 20);
    let seen = std::sync::Arc::default();
    let a = Tapped {
        io: a,
        seen: std::sync::Arc::clone(&seen),
    };
    let (a, b) = meet(&client, &server, a, b).await;
    let (mut a, mut b) = (a.unwrap(), b.unwrap());
    a.write_all(b"a secret").await.unwrap();
    let before = seen.lock().unwrap().len();
    drop(a);
    // A record of its own: 5 bytes of header, the alert's 2, its type, and 16 of the tag.
    assert_eq!(seen.lock().unwrap().len() - before, 24);
    assert_eq!(rest(&mut b).await, b"a secret");
    let seen = seen.lock().unwrap();
    assert!(!seen.windows(8).any(|window| window == b"a secret"));
}

#[tokio::test]
async fn a_stream_that_is_cut_off_ends_for_its_reader() {
    let (client, server) = both();
    let (near, mut far) = duplex(1 << 20);
    let (mut between, b) = duplex(1 << 20);
    let copying = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut far, &mut between).await;
    });
    let (a, b) = meet(&client, &server, near, b).await;
    let (mut a, mut b) = (a.unwrap(), b.unwrap());
    a.write_all(b"said").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    copying.abort();
    assert_eq!(
        rest(&mut b).await,
        b"said",
        "an end without a goodbye is an end"
    );
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_reads_why_through_tls() {
    let (a, b) = tcp_pair().await;
    let (client_tls, server_tls) = both();
    let (a, b) = meet(&client_tls, &server_tls, a, b).await;
    let (mut raw, mut ws) = common::raw_client_of(server(), a.unwrap(), b.unwrap()).await;
    let outcome = tokio::spawn(async move { ws.recv().await });
    let mut frames = RawFrame::text([0xff]).bytes(tidewire_proto::Role::Client);
    frames.resize(frames.len() + 500_000, 0);
    let _ = timeout(PATIENCE, raw.io.write_all(&frames)).await.unwrap();
    timeout(PATIENCE, raw.expect_close(1007)).await.unwrap();
    timeout(PATIENCE, raw.expect_end()).await.unwrap();
    assert!(outcome.await.unwrap().is_err());
}

#[test]
fn a_stream_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ends = runtime.block_on(async {
        let (client, server) = both();
        let (a, b) = tcp_pair().await;
        let (a, b) = meet(&client, &server, a, b).await;
        (a.unwrap(), b.unwrap())
    });
    drop(runtime);
    drop(ends);
}

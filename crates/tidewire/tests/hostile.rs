//! Nothing a peer sends panics: random bytes before, in and after the handshake, in both roles.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tidewire::Error;
use tidewire::test_util::TestIo;
use tidewire::{DeflateConfig, WebSocket};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// Bytes that look more or less like frames.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let frame = (any::<(bool, u8, bool, u8)>(), vec(any::<u8>(), 0..300)).prop_map(
        |((fin, opcode, masked, rsv), payload)| {
            let opcodes = [0, 1, 2, 8, 9, 10, 1, 2, opcode];
            let mut frame = RawFrame::new(opcodes[usize::from(opcode) % opcodes.len()], payload);
            if !fin {
                frame = frame.more();
            }
            let rsv = [0, 0, 0, 4, 4, 1][usize::from(rsv) % 6];
            let frame = frame.rsv(rsv);
            if masked {
                frame.masked_with([1, 2, 3, 4])
            } else {
                frame.unmasked()
            }
            .bytes(Role::Server)
        },
    );
    prop_oneof![
        vec(any::<u8>(), 0..2000),
        vec(frame, 0..20).prop_map(|frames| frames.concat()),
    ]
}

/// Receives with every means; ends with an error, or stays open, but always in time.
async fn survive(mut ws: WebSocket) {
    while let Ok(Some(message)) = ws.recv().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
    let _ = ws.close_story().map(|story| story.to_string());
    let _ = ws.flush().await;
    let _ = ws.close(1000, "").await;
    assert!(ws.recv().await.is_ok_and(|message| message.is_none()) || ws.close_story().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_frames_end_a_server_or_leave_it_open(bytes in input(), piece in 1..300usize) {
        run(async {
            let server = server().deflate(Some(DeflateConfig::default()));
            let (a, b) = wire(100_000);
            let mut peer = Raw::new(a, Role::Client);
            let request = format!("{REQUEST}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
            peer.send_bytes(request.as_bytes()).await;
            let (_, ws) = tokio::join!(peer.read_head(), server.accept(b));
            let task = tokio::spawn(survive(ws.unwrap()));
            for piece in bytes.chunks(piece) {
                if peer.io.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(peer);
            timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
        });
    }

    #[test]
    fn random_frames_end_a_client_or_leave_it_open(bytes in input(), piece in 1..300usize) {
        run(async {
            let (mut peer, ws) = raw_server(client(), 100_000).await;
            let task = tokio::spawn(survive(ws));
            for piece in bytes.chunks(piece) {
                if peer.io.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            // This one stays, and says nothing more: deadlines end it.
            timeout(Duration::from_secs(90), task).await.unwrap().unwrap();
        });
    }

    #[test]
    fn random_bytes_in_the_handshake_are_refused_or_time_out(
        bytes in vec(any::<u8>(), 0..500),
        at in 0..200usize,
        replace in any::<bool>(),
    ) {
        run(async {
            // Somewhere in a good request, something else.
            let mut request = format!("{REQUEST}\r\n").into_bytes();
            let at = at.min(request.len());
            let end = if replace { (at + bytes.len()).min(request.len()) } else { at };
            request.splice(at..end, bytes.iter().copied());
            let (a, b) = wire(100_000);
            let mut peer = Raw::new(a, Role::Client);
            peer.send_bytes(&request).await;
            let outcome = timeout(Duration::from_secs(12), server().accept(b)).await.unwrap();
            if let Err(error) = outcome {
                assert!(!error.to_string().is_empty());
            }

            let (a, b) = wire(100_000);
            let (outcome, ()) = tokio::join!(client().handshake(a), async {
                let mut peer = Raw::new(b, Role::Server);
                let mut response = response_to(&peer.read_head().await, "").into_bytes();
                let at = at.min(response.len());
                let end = if replace { (at + bytes.len()).min(response.len()) } else { at };
                response.splice(at..end, bytes.iter().copied());
                let _ = peer.io.write_all(&response).await;
                let _ = timeout(Duration::from_secs(20), peer.io.read(&mut [0])).await;
            });
            if let Err(error) = outcome {
                assert!(!error.to_string().is_empty());
            }
        });
    }
}

/// A stream of the application's own that panics when it is written to.
struct Broken(TestIo, Arc<AtomicBool>);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Broken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        assert!(!self.1.load(Ordering::SeqCst), "a bug of the application");
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_ends_its_connection_and_no_other() {
    let broken = Arc::new(AtomicBool::new(false));
    let (a, b) = wire(1 << 16);
    let (_peer, mut ws) = open(client(), server(), a, Broken(b, broken.clone())).await;
    let (mut other_peer, other) = pair().await;
    broken.store(true, Ordering::SeqCst);
    ws.feed("into the broken stream").await.unwrap();
    // The flusher's turn, with the panic in it.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(matches!(ws.recv().await, Err(Error::Io(_))));
    // The flusher still serves the others.
    other.feed("all well here").await.unwrap();
    let message = other_peer.recv().await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some("all well here"));
}

//! Replies to messages that arrived together leave together, and whatever the handler awaits next,
//! they leave.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::ops::ControlFlow;
use std::time::Duration;
use tidewire::test_util::{Control, Network, Way};
use tidewire::{Message, WebSocket};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::time::{Instant, sleep, timeout};

/// Counts the writes of the server from here on.
struct Writes(Control, u64);

impl Writes {
    fn count(&self) -> u64 {
        self.0.writes(Way::Down) - self.1
    }
}

async fn counted() -> (Raw, WebSocket, Writes) {
    let (a, b, control) = Network::new().io();
    let (raw, ws) = raw_client_of(server(), a, b).await;
    let handshake = control.writes(Way::Down);
    (raw, ws, Writes(control, handshake))
}

fn batch(count: u8) -> Vec<RawFrame> {
    (0..count).map(|n| RawFrame::binary([n])).collect()
}

async fn sends_then_sleeps(mut peer: Raw, mut ws: WebSocket) {
    peer.send_all(&batch(3)).await;
    let start = Instant::now();
    let handler = tokio::spawn(async move {
        let message = ws.recv().await.unwrap().unwrap();
        ws.send(message).await.unwrap();
        sleep(Duration::from_secs(3600)).await; // with two messages buffered
        ws
    });
    let reply = timeout(Duration::from_secs(60), peer.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reply.payload, [0]);
    assert!(start.elapsed() < Duration::from_secs(1));
    handler.abort();
}

#[tokio::test(start_paused = true)]
async fn a_reply_leaves_though_its_handler_sleeps_with_input_buffered() {
    let (peer, ws, _) = counted().await;
    sends_then_sleeps(peer, ws).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_leaves_though_its_handler_sleeps_on_many_threads() {
    let (peer, ws) = raw_client(server(), 4096).await;
    sends_then_sleeps(peer, ws).await;
}

#[tokio::test(start_paused = true)]
async fn a_pong_leaves_though_the_handler_does_not_receive_again() {
    let (mut peer, mut ws, _) = counted().await;
    peer.send_all(&[
        RawFrame::ping("p"),
        RawFrame::text("a"),
        RawFrame::text("b"),
    ])
    .await;
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("a")));
    timeout(Duration::from_secs(1), peer.expect("PONG \"p\" [1 byte]"))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn replies_to_one_batch_leave_in_one_write() {
    let (mut peer, mut ws, writes) = counted().await;
    peer.send_all(&batch(16)).await;
    let echo = tokio::spawn(async move {
        while let Ok(Some(message)) = ws.recv().await {
            ws.send(message).await.unwrap();
        }
    });
    for n in 0..16 {
        assert_eq!(peer.next().await.unwrap().payload, [n]);
    }
    // The last reply follows its message at once: nothing more is buffered that could join it.
    assert!(writes.count() <= 1, "{} writes", writes.count());
    echo.abort();

    let (mut peer, mut ws, writes) = counted().await;
    peer.send_all(&batch(16)).await;
    let echo =
        tokio::spawn(async move { ws.for_each(|event, link| link.echo(event).unwrap()).await });
    for n in 0..16 {
        assert_eq!(peer.next().await.unwrap().payload, [n]);
    }
    assert_eq!(writes.count(), 1);
    echo.abort();
}

#[tokio::test(start_paused = true)]
async fn a_single_send_is_written_before_it_resolves() {
    let (mut peer, ws, writes) = counted().await;
    ws.send("now").await.unwrap();
    assert_eq!(writes.count(), 1);
    peer.expect("TEXT \"now\" [3 bytes]").await;
}

#[tokio::test(start_paused = true)]
async fn fed_messages_leave_in_one_write() {
    for flush in [true, false] {
        let (mut peer, ws, writes) = counted().await;
        for n in 0..10u8 {
            ws.feed(vec![n]).await.unwrap();
        }
        assert_eq!(writes.count(), 0);
        if flush {
            ws.flush().await.unwrap();
        }
        for n in 0..10 {
            let frame = timeout(Duration::from_secs(1), peer.next())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(frame.payload, [n]);
        }
        assert_eq!(writes.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn large_echoes_are_not_reordered_with_small_ones() {
    let (peer, mut ws) = raw_client(server(), 1000).await;
    tokio::spawn(async move { ws.for_each(|event, link| link.echo(event).unwrap()).await });
    let sizes = [10, 5000, 3, 0, 60_000, 4096, 4097, 1, 20_000, 9];
    let frames: Vec<_> = sizes
        .iter()
        .map(|&size| RawFrame::binary(vec![size as u8; size]))
        .collect();
    let (reading, writing) = tokio::io::split(peer.io);
    let send = async {
        let bytes = RawFrame::join(&frames, Role::Client).repeat(5);
        let mut writing = writing;
        tokio::io::AsyncWriteExt::write_all(&mut writing, &bytes)
            .await
            .unwrap();
    };
    let mut reader = Raw::new(tokio::io::join(reading, tokio::io::sink()), Role::Client);
    let receive = async {
        for &size in sizes.iter().cycle().take(5 * sizes.len()) {
            let frame = reader.next().await.unwrap();
            assert!(
                frame.payload == vec![size as u8; size],
                "{frame} for {size} bytes"
            );
        }
    };
    tokio::join!(send, receive);
}

/// Layers between, such as TLS or a buffered writer, take everything and pass on nothing by themselves.
#[tokio::test(start_paused = true)]
async fn what_a_visitor_answered_goes_through_a_layer_that_buffers() {
    for size in [10, 5000] {
        let (a, b) = wire(64 * 1024);
        let buffered = tokio::io::BufWriter::with_capacity(64 * 1024, b);
        let (mut client, mut server) = open(client(), server(), a, buffered).await;
        client.send("?").await.unwrap();
        let answer = vec![1; size];
        std::future::poll_fn(|cx| {
            server.poll_receive(cx, |_, link| {
                link.send_binary(&answer).unwrap();
                ControlFlow::Break(())
            })
        })
        .await
        .unwrap();
        // The server awaits something else now.
        assert_eq!(client.recv().await.unwrap(), Some(answer.into()), "{size}");
    }
}

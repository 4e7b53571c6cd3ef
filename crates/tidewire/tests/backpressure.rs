//! Peers that send and never read: they are not read from, and cost bounded memory.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tidewire::{Flush, Message, PreparedFrame, WebSocket};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const SIZE: usize = 1000;
/// What the pipe holds each way.
const PIPE: usize = 4096;
/// What one connection may hold in each direction: the high-water mark, the read buffer that is
/// shared while it is parsed and whose rest is kept, and a message.
const MOST: usize = 64 * 1024 + 64 * 1024 + 2 * SIZE;

async fn with_recv_and_send(mut ws: WebSocket) {
    while let Ok(Some(message)) = ws.recv().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
}

async fn in_place(mut ws: WebSocket) {
    let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
}

/// Floods an echo with frames and reads nothing, until nothing more is taken; then reads it all.
async fn flood<F>(echo: fn(WebSocket) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (mut peer, ws) = raw_client(server().config(no_keepalive()), PIPE).await;
    let echo = tokio::spawn(echo(ws));
    let frame = RawFrame::binary([7; SIZE]).bytes(Role::Client);
    let (mut sent, mut at) = (0, 0);
    while let Ok(count) = timeout(60 * SECOND, peer.io.write(&frame[at..])).await {
        sent += count.unwrap();
        at = sent % frame.len();
        assert!(sent < 10 * MOST, "it reads on and on");
    }
    assert!(sent <= MOST + 2 * PIPE, "{sent} bytes were taken");
    assert!(!echo.is_finished());

    // Everything comes back once the peer reads, and the rest is taken too.
    let whole = sent.div_ceil(frame.len());
    let rest = frame[at..].to_vec();
    let (mut reading, mut writing) = tokio::io::split(peer.io);
    let back = tokio::spawn(async move {
        let mut bytes = vec![0; whole * (SIZE + 4)];
        reading.read_exact(&mut bytes).await.unwrap();
        bytes
    });
    if at > 0 {
        writing.write_all(&rest).await.unwrap();
    }
    let back = back.await.unwrap();
    let expected = RawFrame::binary([7; SIZE]).bytes(Role::Server);
    assert!(back.chunks(SIZE + 4).all(|frame| frame == expected));
    echo.abort();
}

#[tokio::test(start_paused = true)]
async fn an_echo_with_recv_and_send_stops_reading_and_resumes() {
    flood(with_recv_and_send).await;
}

#[tokio::test(start_paused = true)]
async fn an_echo_in_place_stops_reading_and_resumes() {
    flood(in_place).await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_from_a_peer_that_never_reads_is_bounded() {
    let high_water = 10_000;
    let server = server().config(no_keepalive()).high_water(high_water);
    let (mut peer, mut ws) = raw_client(server, PIPE).await;
    let queued = Arc::new(AtomicUsize::new(0));
    let most = queued.clone();
    tokio::spawn(async move {
        let _ = std::future::poll_fn(|cx| {
            ws.poll_receive(cx, |_, link| {
                most.fetch_max(link.queued(), Ordering::Relaxed);
                std::ops::ControlFlow::Continue(())
            })
        })
        .await;
    });
    let burst: Vec<_> = (0..100u8).map(|n| RawFrame::ping([n; 125])).collect();
    for _ in 0..200 {
        peer.send_all(&burst).await;
    }
    sleep(SECOND).await;
    let most = queued.load(Ordering::Relaxed);
    assert!(most <= high_water + 64 * 127, "{most} bytes of Pongs wait");
    // Those that were kept are right, and the newest Ping is among the answered.
    let mut newest = 0;
    while let Ok(Some(pong)) = timeout(SECOND, peer.next()).await {
        assert_eq!((pong.opcode, pong.payload.len()), (10, 125));
        newest = pong.payload[0];
    }
    assert_eq!(newest, 99);
}

#[tokio::test(start_paused = true)]
async fn all_senders_that_wait_are_woken() {
    let (mut client, server) = pair_with(256).await;
    let (sender, _receiver) = server.split();
    let senders: Vec<_> = (0..50u8)
        .map(|n| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send(vec![n; 40_000]).await })
        })
        .collect();
    sleep(SECOND).await;
    assert!(senders.iter().filter(|sender| sender.is_finished()).count() < 5);
    let mut seen = Vec::new();
    for _ in 0..50 {
        let Some(Message::Binary(bytes)) = client.recv().await.unwrap() else {
            panic!()
        };
        assert!(bytes.len() == 40_000 && bytes.iter().all(|byte| *byte == bytes[0]));
        seen.push(bytes[0]);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
    for sender in senders {
        sender.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_that_gave_up_waiting_queued_nothing_and_holds_nobody_up() {
    let (mut client, server) = pair_with(256).await;
    server.send(vec![0; 70_000]).await.unwrap(); // over the high-water mark
    let mut waiting = Box::pin(server.send("patient"));
    assert!(timeout(SECOND, &mut waiting).await.is_err());
    assert!(timeout(SECOND, server.send("impatient")).await.is_err());
    let receiving = tokio::spawn(async move {
        let first = client.recv().await.unwrap().unwrap().len();
        (
            first,
            client.recv().await.unwrap(),
            timeout(SECOND, client.recv()).await.is_err(),
        )
    });
    waiting.await.unwrap();
    assert_eq!(
        receiving.await.unwrap(),
        (70_000, Some(Message::text("patient")), true)
    );
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_are_told_when_the_connection_ends() {
    let (peer, server) = raw_client(server(), 512).await;
    let (sender, mut receiver) = server.split();
    sender.send(vec![0; 70_000]).await.unwrap();
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move { (sender.send("x").await, sender.flush().await) })
        })
        .collect();
    sleep(SECOND).await;
    drop(peer);
    assert!(receiver.recv().await.is_err());
    for waiting in waiting {
        let (sent, flushed) = waiting.await.unwrap();
        assert!(sent.is_err() && flushed.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn flush_waits_until_everything_is_written() {
    let (mut peer, ws) = raw_client(server(), 512).await;
    ws.send(vec![7; 2000]).await.unwrap();
    assert_eq!(ws.try_flush(), Flush::Blocked);
    assert!(timeout(SECOND, ws.flush()).await.is_err());
    let reading = tokio::spawn(async move {
        sleep(SECOND).await;
        let frame = peer.next().await.unwrap();
        (frame.payload.len(), peer)
    });
    ws.flush().await.unwrap();
    assert_eq!(ws.try_flush(), Flush::Flushed);
    assert_eq!(reading.await.unwrap().0, 2000);
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_connections_are_flushed_at_once() {
    // More than tokio lets one task write in one go.
    let mut pairs = Vec::new();
    for _ in 0..400 {
        pairs.push(raw_client(server(), 512).await);
    }
    for (_, ws) in &pairs {
        ws.feed("hello, all").await.unwrap();
    }
    for (peer, _) in &mut pairs {
        peer.expect("TEXT \"hello, all\" [10 bytes]").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_never_quite_read_arrives_whole() {
    let (mut client, server) = pair_with(512).await;
    let sending = tokio::spawn(async move {
        for n in 0..20_000u32 {
            server.send(n.to_be_bytes().repeat(25)).await.unwrap();
        }
        server.flush().await.unwrap();
        server
    });
    for n in 0..20_000u32 {
        let message = client.recv().await.unwrap().unwrap();
        assert!(
            message.as_bytes() == n.to_be_bytes().repeat(25),
            "message {n}"
        );
    }
    sending.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_gave_up_waiting_leave_nothing_behind() {
    /// A waker that can be counted, and told apart from none of its clones.
    struct Counted;
    impl std::task::Wake for Counted {
        fn wake(self: Arc<Self>) {}
    }
    let (_peer, ws) = raw_client(server(), 512).await;
    ws.send(vec![0; 70_000]).await.unwrap(); // over the high-water mark
    let counted = Arc::new(Counted);
    let waker = counted.clone().into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut patient = Box::pin(ws.send("patient"));
    for _ in 0..1000 {
        assert!(patient.as_mut().poll(&mut cx).is_pending());
        assert!(
            Box::pin(ws.send("impatient"))
                .as_mut()
                .poll(&mut cx)
                .is_pending()
        );
        assert!(Box::pin(ws.flush()).as_mut().poll(&mut cx).is_pending());
        assert!(ws.poll_writable(&mut cx).is_pending());
    }
    let kept = Arc::strong_count(&counted);
    assert!(kept <= 4, "{kept} wakers are kept");
}

/// Frames that were only queued, and fill the queue, are written for who waits for room behind them.
#[tokio::test(start_paused = true)]
async fn who_waits_behind_queued_frames_has_them_written() {
    let client = client().config(no_keepalive());
    let server = server().config(no_keepalive());
    let (mut client, mut ws) = pair_of(client, server, 1 << 20).await;
    let frame = PreparedFrame::binary(vec![7; 70_000]);

    assert!(ws.queue(&frame).unwrap() > 70_000);
    let (sent, waited) = seconds(timeout(60 * SECOND, ws.send("after it"))).await;
    sent.expect("somebody writes it").unwrap();
    assert!(waited < 1.0, "{waited} s");
    assert_eq!(client.recv().await.unwrap().unwrap().len(), 70_000);
    let text = client.recv().await.unwrap().unwrap();
    assert_eq!(text.as_text(), Some("after it"));

    ws.queue(&frame).unwrap();
    let echo = tokio::spawn(async move { ws.for_each(|event, link| drop(link.echo(event))).await });
    let queued = timeout(60 * SECOND, client.recv())
        .await
        .expect("somebody writes it");
    assert_eq!(queued.unwrap().unwrap().len(), 70_000);
    client.send("read on").await.unwrap();
    let text = client.recv().await.unwrap().unwrap();
    assert_eq!(text.as_text(), Some("read on"));
    echo.abort();
}

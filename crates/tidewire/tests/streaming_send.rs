//! Messages that are written in parts: what goes on the wire, who waits, and every way to stop midway.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::io::ErrorKind;
use std::time::Duration;
use tidewire::{DeflateConfig, Error, Kind, Message, PreparedFrame, SendError, WebSocket};
use tidewire_testkit::wire::WireFrame;
use tidewire_testkit::{Random, RawFrame};
use tokio::io::{AsyncWriteExt, duplex};

const KIB: usize = 1024;

/// Whether it is the last, its opcode, and how long it is.
fn shape(frame: &WireFrame) -> (bool, u8, usize) {
    (frame.fin, frame.opcode, frame.payload.len())
}

async fn shapes<const N: usize>(peer: &mut Raw) -> [(bool, u8, usize); N] {
    let mut shapes = [(false, 0, 0); N];
    for slot in &mut shapes {
        *slot = shape(&peer.next().await.unwrap());
    }
    shapes
}

fn is_misuse<T: std::fmt::Debug>(result: Result<T, Error>, expected: SendError) -> bool {
    matches!(result, Err(Error::Misuse(error)) if error == expected)
}

#[tokio::test(start_paused = true)]
async fn fragments_are_full_and_a_short_message_is_one_frame() {
    let (mut peer, ws) = raw_client(server(), 1 << 20).await;
    let mut writer = ws.send_stream(Kind::Text);
    writer.write("Hel").await.unwrap();
    writer.write("lo").await.unwrap();
    writer.finish().await.unwrap();
    writer.finish().await.unwrap();
    peer.expect("TEXT \"Hello\" [5 bytes]").await;

    ws.send_stream(Kind::Binary).finish().await.unwrap();
    assert_eq!(shapes(&mut peer).await, [(true, 2, 0)]);

    let mut writer = ws.send_stream(Kind::Binary);
    for _ in 0..3 {
        writer.write(vec![7; 50 * KIB]).await.unwrap();
    }
    writer.finish().await.unwrap();
    let frames = shapes(&mut peer).await;
    let (full, rest) = (64 * KIB, 150 * KIB - 2 * 64 * KIB);
    assert_eq!(
        frames,
        [(false, 2, full), (false, 0, full), (true, 0, rest)]
    );

    let mut writer = ws.send_stream(Kind::Binary);
    writer.write_all(&vec![7; 130 * KIB]).await.unwrap();
    writer.shutdown().await.unwrap();
    let frames = shapes(&mut peer).await;
    assert_eq!(
        frames,
        [(false, 2, full), (false, 0, full), (true, 0, 2 * KIB)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_flush_sends_what_waits_compressed_or_not() {
    for deflate in [false, true] {
        for from_client in [false, true] {
            let wish = deflate.then(DeflateConfig::default);
            let (a, b) = duplex(4096);
            let (client, server) =
                open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
            let (from, mut to) = if from_client {
                (client, server)
            } else {
                (server, client)
            };
            let mut writer = from.send_stream(Kind::Text);
            writer.flush().await.unwrap();
            writer.write("Hel").await.unwrap();
            writer.flush().await.unwrap();
            let mut reader = to.recv_stream().await.unwrap().unwrap();
            assert_eq!(reader.chunk().await.unwrap().unwrap(), "Hel");
            writer.flush().await.unwrap();
            assert!(impatient(reader.chunk(), 0).await.is_none());
            writer.write("lo").await.unwrap();
            writer.flush().await.unwrap();
            assert_eq!(reader.chunk().await.unwrap().unwrap(), "lo");
            writer.finish().await.unwrap();
            assert_eq!(reader.chunk().await.unwrap(), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_may_go_uncompressed_although_compression_was_agreed() {
    let wish = Some(DeflateConfig::default());
    let (a, b) = duplex(1 << 20);
    let a = Counted::new(a);
    let read = a.read.clone();
    let (mut client, server) =
        open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
    let mut sizes = Vec::new();
    for uncompressed in [false, true] {
        let before = read.load(std::sync::atomic::Ordering::Relaxed);
        let writer = server.send_stream(Kind::Binary);
        let mut writer = if uncompressed {
            writer.uncompressed()
        } else {
            writer
        };
        writer.write(vec![7; 200 * KIB]).await.unwrap();
        writer.finish().await.unwrap();
        let reader = client.recv_stream().await.unwrap().unwrap();
        assert_eq!(
            reader.read_to_end(1 << 20).await.unwrap(),
            vec![7; 200 * KIB]
        );
        sizes.push(read.load(std::sync::atomic::Ordering::Relaxed) - before);
    }
    assert!(sizes[0] < 2000 && sizes[1] > 200 * KIB, "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn other_messages_wait_for_the_end_and_control_frames_do_not() {
    let (mut peer, ws) = raw_client(server(), 1 << 20).await;
    let (sender, mut receiver) = ws.split();
    let other = sender.clone();
    let mut writer = sender.send_stream(Kind::Text);
    writer.write("be").await.unwrap();
    // Nothing was queued yet: others pass.
    other.send("first").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(shapes(&mut peer).await, [(true, 1, 5), (false, 1, 2)]);

    assert!(impatient(other.send("given up"), 0).await.is_none());
    let frame = PreparedFrame::text("x");
    assert!(is_misuse(
        other.queue(&frame),
        SendError::FragmentedMessageOpen
    ));
    let mut second = other.send_stream(Kind::Binary);
    assert!(impatient(second.write("given up"), 0).await.is_none());
    drop(second);
    let waiting = tokio::spawn(async move {
        let mut stream = other.send_stream(Kind::Binary);
        stream.write("second").await.unwrap();
        stream.finish().await.unwrap();
        other.feed("third").await.unwrap();
        other.flush().await.unwrap();
    });
    peer.send(RawFrame::ping("p")).await;
    assert!(impatient(receiver.recv(), 0).await.is_none());
    peer.expect("PONG \"p\" [1 byte]").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    writer.write("gun").await.unwrap();
    writer.finish().await.unwrap();
    waiting.await.unwrap();
    peer.expect("CONTINUATION \"gun\" [3 bytes]").await;
    assert_eq!(shapes(&mut peer).await, [(true, 2, 6), (true, 1, 5)]);
    assert!(is_misuse(
        writer.write("late").await,
        SendError::MessageEnded
    ));
}

#[tokio::test(start_paused = true)]
async fn dropped_unfinished_it_closes_with_1011_and_nobody_waits_for_ever() {
    let (mut peer, ws) = raw_client(server(), 1 << 20).await;
    let (sender, _receiver) = ws.split();
    let mut writer = sender.send_stream(Kind::Binary);
    writer.write("never sent").await.unwrap();
    drop(writer);
    sender.send("nothing happened").await.unwrap();
    assert_eq!(shapes(&mut peer).await, [(true, 1, 16)]);

    let mut writer = sender.send_stream(Kind::Binary);
    writer.write("half").await.unwrap();
    writer.flush().await.unwrap();
    let other = sender.clone();
    let waiting = tokio::spawn(async move { other.send("waits").await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(writer);
    assert!(matches!(waiting.await.unwrap(), Err(Error::Closed(_))));
    assert_eq!(shapes(&mut peer).await, [(false, 2, 4)]);
    peer.expect_close(1011).await;
    let mut late = sender.send_stream(Kind::Binary);
    assert!(matches!(late.write("x").await, Err(Error::Closed(_))));
    let error = late.write_all(&[7; 200_000]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_makes_it_wait_in_bounded_memory() {
    for deflate in [false, true] {
        let wish = deflate.then(DeflateConfig::default);
        let (a, b) = duplex(1000);
        let (mut client, server) =
            open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
        let mut random = Random::new(1);
        let mut writer = server.send_stream(Kind::Binary);
        let mut written = 0;
        while impatient(writer.write(random.bytes(10 * KIB)), 0)
            .await
            .is_some()
        {
            written += 10 * KIB;
            assert!(written < 400 * KIB, "it goes on and on");
        }
        // Once it reads, all of it arrives.
        let finishing = async { writer.finish().await.unwrap() };
        let reading = async {
            let reader = client.recv_stream().await.unwrap().unwrap();
            reader.read_to_end(1 << 20).await.unwrap().len()
        };
        let (len, ()) = tokio::join!(reading, finishing);
        assert_eq!(len, written);
    }
}

#[tokio::test(start_paused = true)]
async fn text_is_checked_and_may_be_cut_inside_a_character() {
    let (mut peer, ws) = raw_client(server(), 1 << 20).await;
    let mut writer = ws.send_stream(Kind::Text);
    for byte in "ä€🌊".as_bytes() {
        writer.write(vec![*byte]).await.unwrap();
    }
    assert!(is_misuse(
        writer.write(vec![b'a', 0xff]).await,
        SendError::NotUtf8
    ));
    writer.write(vec![0xe2, 0x82]).await.unwrap();
    assert!(is_misuse(writer.finish().await, SendError::NotUtf8));
    let error = writer.write_all(b"A").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    writer.write_all(&[0xac]).await.unwrap();
    writer.finish().await.unwrap();
    peer.expect("TEXT \"ä€🌊€\" [12 bytes]").await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_midway_ends_it() {
    let (mut peer, ws) = raw_client(server(), 1 << 20).await;
    let (sender, mut receiver) = ws.split();
    let mut writer = sender.send_stream(Kind::Binary);
    writer.write("half").await.unwrap();
    writer.flush().await.unwrap();
    peer.send(RawFrame::close(1000, "")).await;
    assert!(receiver.recv().await.unwrap().is_none());
    assert!(matches!(writer.write("more").await, Err(Error::Closed(_))));
    assert!(matches!(writer.flush().await, Err(Error::Closed(_))));
    assert!(matches!(writer.finish().await, Err(Error::Closed(_))));
    drop(writer);
    assert_eq!(shapes(&mut peer).await, [(false, 2, 4)]);
    peer.expect_close(1000).await;
    peer.expect_end().await;
}

async fn copied(from: &WebSocket, mut to: WebSocket, data: &[u8]) {
    let writing = async {
        let mut writer = from.send_stream(Kind::Binary);
        tokio::io::copy(&mut &data[..], &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let reading = async {
        let mut reader = to.recv_stream().await.unwrap().unwrap();
        let mut seen = Vec::new();
        tokio::io::copy(&mut reader, &mut seen).await.unwrap();
        assert!(seen == data);
    };
    tokio::join!(writing, reading);
    from.send(Message::text("behind")).await.unwrap();
    assert_eq!(to.recv().await.unwrap(), Some(Message::text("behind")));
}

#[tokio::test(start_paused = true)]
async fn tokios_copy_works_both_ways_over_torn_pipes() {
    for (len, most) in [(5000, 7), (300_000, 3000)] {
        for deflate in [false, true] {
            for from_client in [false, true] {
                let (a, b) = duplex(4096);
                let (a, b) = (Torn::new(a, 1, most), Torn::new(b, 2, most));
                let wish = deflate.then(DeflateConfig::default);
                let (client, server) =
                    open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
                let half = Random::new(1).bytes(len / 2);
                let data = [half, vec![7; len / 2]].concat();
                if from_client {
                    copied(&client, server, &data).await;
                } else {
                    copied(&server, client, &data).await;
                }
            }
        }
    }
}

/// A task may hold what streams.
#[test]
fn streams_are_send() {
    fn is_send<T: Send>() {}
    is_send::<tidewire::MessageWriter<'_>>();
    is_send::<tidewire::MessageReader<'_>>();
    is_send::<tidewire::WebSocketIo>();
}

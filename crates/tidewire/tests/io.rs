//! A connection as a byte stream over binary messages.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::io::ErrorKind;
use tidewire::{DeflateConfig, Error, Message};
use tidewire_testkit::{Random, RawFrame};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter, duplex};
use tokio::task::yield_now;

#[tokio::test(start_paused = true)]
async fn bytes_go_both_ways_at_once_over_torn_pipes() {
    for seed in 0..6 {
        let (a, b) = duplex(1000);
        let most = [7, 3000][seed as usize % 2];
        let (a, b) = (Torn::new(a, seed, most), Torn::new(b, seed + 1, most));
        let wish = (seed < 3).then(DeflateConfig::default);
        let (client, server) =
            open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
        let sent = Random::new(seed).bytes(if most < 100 { 5000 } else { 200_000 });
        let echo = async {
            let (mut read, mut write) = tokio::io::split(server.into_io());
            tokio::io::copy(&mut read, &mut write).await.unwrap()
        };
        let talk = async {
            let (mut read, mut write) = tokio::io::split(client.into_io());
            let writing = async {
                write.write_all(&sent).await.unwrap();
                write.flush().await.unwrap();
            };
            let mut seen = vec![0; sent.len()];
            let (_, ()) =
                tokio::join!(async { read.read_exact(&mut seen).await.unwrap() }, writing);
            assert!(seen == sent, "seed {seed}");
            write.shutdown().await.unwrap();
            assert_eq!(
                read.read(&mut [0]).await.unwrap(),
                0,
                "the end stays the end"
            );
            assert_eq!(read.read(&mut [0]).await.unwrap(), 0);
        };
        let (count, ()) = tokio::join!(echo, talk);
        assert_eq!(count, sent.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn messages_lie_one_behind_the_other_and_each_write_is_one() {
    let (mut peer, ws) = raw_client(server(), 1 << 20).await;
    let mut io = ws.into_io();
    peer.send_all(&[
        RawFrame::binary("ab"),
        RawFrame::binary(""),
        RawFrame::ping("p"),
        RawFrame::binary("c").more(),
        RawFrame::continuation("").more(),
        RawFrame::continuation("de"),
    ])
    .await;
    let mut seen = [0; 5];
    io.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"abcde");
    assert_eq!(io.read(&mut []).await.unwrap(), 0, "nothing was asked for");
    assert_eq!(io.write(b"").await.unwrap(), 0);
    io.write_all(b"xyz").await.unwrap();
    io.flush().await.unwrap();
    peer.expect("PONG \"p\" [1 byte]").await;
    peer.expect("BINARY 78 79 7a [3 bytes]").await;
    let count = io.write(&[7; 200_000]).await.unwrap();
    assert_eq!(count, 64 * 1024);
    assert_eq!(peer.next().await.unwrap().payload.len(), count);
    let mut buffered = BufWriter::new(io);
    for _ in 0..10 {
        buffered.write_all(b"0123456789").await.unwrap();
    }
    buffered.flush().await.unwrap();
    assert_eq!(peer.next().await.unwrap().payload.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_text_message_is_an_error_and_closes_with_1003() {
    let (mut peer, ws) = raw_client(server(), 4096).await;
    let mut io = ws.into_io();
    peer.send_all(&[
        RawFrame::binary("ab"),
        RawFrame::text("no"),
        RawFrame::binary("c"),
    ])
    .await;
    let mut seen = Vec::new();
    let error = io.read_to_end(&mut seen).await.unwrap_err();
    assert_eq!(
        (error.kind(), &seen[..]),
        (ErrorKind::InvalidData, &b"ab"[..])
    );
    let again = io.read(&mut [0; 4]).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidData);
    peer.expect_close(1003).await;
    let late = io.write(b"x").await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn only_an_orderly_close_is_the_end() {
    for (end, kind) in [
        (Some(1000), None),
        (Some(1001), None),
        (Some(4000), Some(ErrorKind::UnexpectedEof)),
        (None, Some(ErrorKind::UnexpectedEof)),
    ] {
        let (mut peer, ws) = raw_client(server(), 4096).await;
        let mut io = ws.into_io();
        peer.send(RawFrame::binary("all")).await;
        match end {
            Some(code) => peer.send(RawFrame::close(code, "")).await,
            None => drop(peer),
        }
        let mut seen = Vec::new();
        let end = io.read_to_end(&mut seen).await;
        assert_eq!(seen, b"all");
        assert_eq!(end.as_ref().err().map(std::io::Error::kind), kind);
        if let Err(error) = end {
            let inner = error.get_ref().unwrap().downcast_ref::<Error>();
            assert!(matches!(inner, Some(Error::Closed(_))), "{inner:?}");
        }
        let late = io.write(b"x").await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::BrokenPipe);
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_shutdown_the_peer_may_finish() {
    let (mut peer, ws) = raw_client(server(), 4096).await;
    let mut io = ws.into_io();
    io.write_all(b"bye").await.unwrap();
    io.shutdown().await.unwrap();
    io.shutdown().await.unwrap();
    peer.expect("BINARY 62 79 65 [3 bytes]").await;
    peer.expect_close(1000).await;
    peer.send_all(&[RawFrame::binary("last words"), RawFrame::close(1000, "")])
        .await;
    let mut seen = Vec::new();
    io.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, b"last words");
    io.shutdown().await.unwrap();
    peer.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn copy_bidirectional_ends_when_both_sides_do() {
    let (proxied, ws) = pair().await;
    let (near, mut far) = duplex(100);
    let proxy = async {
        let (mut ws, mut near) = (ws.into_io(), near);
        tokio::io::copy_bidirectional(&mut ws, &mut near)
            .await
            .unwrap()
    };
    let (mut client, mut seen) = (proxied.into_io(), [0; 5]);
    let talk = async {
        client.write_all(b"hello").await.unwrap();
        far.read_exact(&mut seen).await.unwrap();
        far.write_all(b"world").await.unwrap();
        client.read_exact(&mut seen).await.unwrap();
        far.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        client.shutdown().await.unwrap();
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    };
    let (counts, ()) = tokio::join!(proxy, talk);
    assert_eq!(counts, (5, 5));
    assert_eq!(&seen, b"world");
}

#[tokio::test(start_paused = true)]
async fn it_turns_back_into_messages() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send(RawFrame::binary("begun by a reader").more())
        .await;
    drop(ws.recv_stream().await.unwrap().unwrap());
    let mut io = ws.into_io();
    assert!(io.get_ref().close_story().is_none());
    peer.send_all(&[
        RawFrame::continuation("thrown away"),
        RawFrame::binary("ab").more(),
    ])
    .await;
    assert_eq!(io.read_u8().await.unwrap(), b'a');
    let mut ws = io.into_inner();
    peer.send_all(&[RawFrame::continuation("cd"), RawFrame::text("whole")])
        .await;
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("whole")));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_makes_writes_wait() {
    let (peer, ws) = raw_client(server(), 1000).await;
    let mut io = ws.into_io();
    let mut written = 0;
    while let Some(count) = impatient(io.write(&[7; 10_000]), 0).await {
        written += count.unwrap();
        assert!(written < 100_000, "it goes on and on");
    }
    drop(peer);
    let error = io.write_all(&[7; 200_000]).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::BrokenPipe | ErrorKind::NotConnected
        ),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn cancelled_reads_and_writes_lose_nothing() {
    for seed in 0..9 {
        let (a, b) = duplex([64, 1000, 100_000][seed as usize % 3]);
        let (a, b) = (Torn::new(a, seed, 60), Torn::new(b, seed + 1, 60));
        let (client, server) = open(client().high_water(500), server(), a, b).await;
        let (mut from, mut to) = (client.into_io(), server.into_io());
        let sent = Random::new(seed).bytes(20_000);
        let writing = async {
            let mut random = Random::new(seed);
            let mut rest = &sent[..];
            while !rest.is_empty() {
                let most = rest.len().min(1 + random.below(3000));
                match impatient(from.write(&rest[..most]), random.below(3)).await {
                    Some(count) => rest = &rest[count.unwrap()..],
                    None => yield_now().await,
                }
            }
            from.shutdown().await.unwrap();
            assert_eq!(from.read(&mut [0]).await.unwrap(), 0);
        };
        let reading = async {
            let mut random = Random::new(seed + 3);
            let mut seen = Vec::new();
            loop {
                let mut buf = vec![0; 1 + random.below(500)];
                match impatient(to.read(&mut buf), random.below(3)).await {
                    Some(Ok(0)) => break seen,
                    Some(count) => seen.extend_from_slice(&buf[..count.unwrap()]),
                    None => yield_now().await,
                }
            }
        };
        let ((), seen) = tokio::join!(writing, reading);
        assert!(seen == sent, "seed {seed}");
    }
}

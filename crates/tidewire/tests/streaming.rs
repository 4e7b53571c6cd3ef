//! Messages that are read in parts: order, limits, backpressure, and every way to stop midway.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use tidewire::{DeflateConfig, Error, Kind, LimitExceeded, Message, MessageReader, WebSocket};
use tidewire_proto::Role;
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::{Random, RawFrame};
use tokio::io::{AsyncReadExt, duplex};
use tokio::task::yield_now;

const LIMIT: usize = 10_000;

/// A pair that takes no message over [`LIMIT`] whole, with or without compression: who sends, and who
/// receives.
async fn pair_of(deflate: bool, from: Role) -> (WebSocket, WebSocket) {
    let (a, b) = duplex(4096);
    let config = no_keepalive().max_frame(LIMIT).max_message(LIMIT);
    let wish = deflate.then(DeflateConfig::default);
    let client = client().config(config.clone()).deflate(wish.clone());
    let server = server().config(config).deflate(wish);
    let (client, server) = open(client, server, a, b).await;
    match from {
        Role::Client => (client, server),
        Role::Server => (server, client),
    }
}

/// Text that compresses as text does, with characters of every width.
fn text(len: usize) -> String {
    let mut random = Random::new(3);
    let words = ["tide ", "wire ", "ä", "€ ", "🌊", "shore\n"];
    let mut text = String::new();
    while text.len() < len {
        text.push_str(words[random.below(words.len())]);
    }
    text
}

async fn write(ws: &WebSocket, kind: Kind, data: &[u8], step: usize) {
    let mut writer = ws.send_stream(kind);
    for part in data.chunks(step) {
        writer.write(part.to_vec()).await.unwrap();
    }
    writer.finish().await.unwrap();
}

/// All chunks of a message; those of a text are whole characters.
async fn chunks(mut reader: MessageReader<'_>) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(chunk) = reader.chunk().await.unwrap() {
        assert!(!chunk.is_empty() && chunk.len() <= 90 * 1024);
        if reader.kind() == Kind::Text {
            std::str::from_utf8(&chunk).expect("whole characters");
        }
        whole.extend_from_slice(&chunk);
    }
    assert!(
        reader.chunk().await.unwrap().is_none(),
        "it stays at its end"
    );
    whole
}

#[tokio::test(start_paused = true)]
async fn a_message_over_every_limit_goes_through_in_chunks() {
    let text = text(500_000);
    for deflate in [false, true] {
        for from in [Role::Client, Role::Server] {
            for (kind, step) in [(Kind::Text, 777), (Kind::Binary, 300_000)] {
                let (from, mut to) = pair_of(deflate, from).await;
                let reading = async {
                    let reader = to.recv_stream().await.unwrap().unwrap();
                    assert_eq!(reader.kind(), kind);
                    assert!(chunks(reader).await == text.as_bytes());
                    to.recv().await.unwrap()
                };
                let writing = async {
                    write(&from, kind, text.as_bytes(), step).await;
                    from.send("next").await.unwrap();
                };
                let (next, ()) = tokio::join!(reading, writing);
                assert_eq!(next, Some(Message::text("next")));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whole_messages_are_streams_too_and_a_close_is_the_end_of_them() {
    let (client, mut to) = pair_of(true, Role::Client).await;
    for message in ["", "tide", &"wire ".repeat(1000)] {
        client.send(message).await.unwrap();
        let reader = to.recv_stream().await.unwrap().unwrap();
        assert_eq!(chunks(reader).await, message.as_bytes());
    }
    client.begin_close(1000, "").unwrap();
    assert!(to.recv_stream().await.unwrap().is_none());

    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send(RawFrame::close(4000, "enough")).await;
    assert!(matches!(ws.recv_stream().await, Err(Error::Closed(_))));
}

fn server() -> tidewire::Server {
    common::server().config(no_keepalive())
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_message_is_thrown_away() {
    for packed in [false, true] {
        let wish = packed.then(DeflateConfig::default);
        for by_recv in [false, true] {
            let (a, b) = duplex(1 << 20);
            let (one, other) = (
                client().deflate(wish.clone()),
                server().deflate(wish.clone()),
            );
            let (client, mut server) = open(one, other, a, b).await;
            for _ in 0..2 {
                write(&client, Kind::Text, text(400_000).as_bytes(), 100_000).await;
            }
            client.send("next").await.unwrap();
            client.send("behind").await.unwrap();
            // One not read at all, one begun.
            drop(server.recv_stream().await.unwrap().unwrap());
            let mut reader = server.recv_stream().await.unwrap().unwrap();
            assert!(reader.chunk().await.unwrap().is_some());
            drop(reader);
            if by_recv {
                assert_eq!(server.recv().await.unwrap(), Some(Message::text("next")));
            } else {
                let reader = server.recv_stream().await.unwrap().unwrap();
                assert_eq!(chunks(reader).await, b"next");
            }
            assert_eq!(server.recv().await.unwrap(), Some(Message::text("behind")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recv_and_next_stream_may_take_turns_at_any_byte() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    let frames = [
        RawFrame::text("hä").more(),
        RawFrame::ping("p"),
        RawFrame::continuation("llo"),
    ];
    let bytes = RawFrame::join(&frames, Role::Client);
    for cut in 0..bytes.len() {
        // What `recv` had gathered when it was given up is the beginning of the stream.
        peer.send_bytes(&bytes[..cut]).await;
        assert!(impatient(ws.recv(), 0).await.is_none(), "{cut}");
        peer.send_bytes(&bytes[cut..]).await;
        let reader = ws.recv_stream().await.unwrap().unwrap();
        assert_eq!(chunks(reader).await, "hällo".as_bytes(), "{cut}");
        peer.expect("PONG \"p\" [1 byte]").await;

        // A stream that was given up before its first part is still a whole message.
        peer.send_bytes(&bytes[..cut]).await;
        let begun = impatient(ws.recv_stream(), 0).await.is_some();
        peer.send_bytes(&bytes[cut..]).await;
        if begun {
            peer.send(RawFrame::text("hällo")).await;
        }
        assert_eq!(
            ws.recv().await.unwrap(),
            Some(Message::text("hällo")),
            "{cut}"
        );
        peer.expect("PONG \"p\" [1 byte]").await;
    }
}

#[tokio::test(start_paused = true)]
async fn gathered_bytes_come_out_although_nothing_more_arrives() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send(RawFrame::text("begun, ").more()).await;
    assert!(impatient(ws.recv(), 0).await.is_none());
    let mut reader = ws.recv_stream().await.unwrap().unwrap();
    assert_eq!(reader.chunk().await.unwrap().unwrap(), "begun, ");
    peer.send(RawFrame::continuation("ended")).await;
    assert_eq!(reader.chunk().await.unwrap().unwrap(), "ended");
    assert_eq!(reader.chunk().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn pings_between_chunks_are_answered() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send(RawFrame::binary("a").more()).await;
    let mut reader = ws.recv_stream().await.unwrap().unwrap();
    assert_eq!(reader.chunk().await.unwrap().unwrap(), "a");
    peer.send_all(&[RawFrame::ping("1"), RawFrame::continuation("b").more()])
        .await;
    assert_eq!(reader.chunk().await.unwrap().unwrap(), "b");
    peer.expect("PONG \"1\" [1 byte]").await;
}

#[tokio::test(start_paused = true)]
async fn an_end_inside_a_message_is_an_error() {
    for end in [Some(1000), Some(4000), None] {
        for as_io in [false, true] {
            let (mut peer, mut ws) = raw_client(server(), 4096).await;
            peer.send(RawFrame::binary("half").more()).await;
            match end {
                Some(code) => peer.send(RawFrame::close(code, "")).await,
                None => drop(peer),
            }
            let mut reader = ws.recv_stream().await.unwrap().unwrap();
            if as_io {
                let mut seen = Vec::new();
                let error = reader.read_to_end_io(&mut seen).await.unwrap_err();
                assert_eq!(seen, b"half");
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                let inner = error.get_ref().unwrap().downcast_ref::<Error>();
                assert!(matches!(inner, Some(Error::Closed(_))), "{inner:?}");
            } else {
                assert_eq!(reader.chunk().await.unwrap().unwrap(), "half");
                let error = reader.chunk().await.unwrap_err();
                assert!(matches!(error, Error::Closed(_)), "{error:?}");
            }
        }
    }
}

/// The method of the trait, which the reader's own one hides.
trait ReadToEnd {
    async fn read_to_end_io(&mut self, whole: &mut Vec<u8>) -> std::io::Result<usize>;
}

impl ReadToEnd for MessageReader<'_> {
    async fn read_to_end_io(&mut self, whole: &mut Vec<u8>) -> std::io::Result<usize> {
        AsyncReadExt::read_to_end(self, whole).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_kept_and_told_with_1009() {
    for (len, fragments) in [(1000, 1), (1000, 4), (100_000, 1), (100_000, 10)] {
        for (limit, fits) in [(len, true), (len - 1, false)] {
            let (mut peer, mut ws) = raw_client(server(), 1 << 20).await;
            let data = vec![7; len];
            let parts: Vec<_> = data.chunks(len / fragments).collect();
            for (i, part) in parts.iter().enumerate() {
                let frame = RawFrame::new(if i == 0 { 2 } else { 0 }, part);
                let last = i + 1 == parts.len();
                peer.send(if last { frame } else { frame.more() }).await;
            }
            let reader = ws.recv_stream().await.unwrap().unwrap();
            match reader.read_to_end(limit).await {
                Ok(whole) => assert!(fits && whole == data, "{len} in {fragments}"),
                Err(Error::Limit(LimitExceeded::Streamed { limit: told })) => {
                    assert!(!fits && told == limit as u64);
                    assert!(ws.recv().await.is_err());
                    peer.expect_close(1009).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    let config = no_keepalive().max_streamed(10);
    let (mut peer, mut ws) = raw_client(common::server().config(config), 4096).await;
    peer.send(RawFrame::text("eleven char").more()).await;
    let error = ws.recv_stream().await.unwrap_err();
    assert!(matches!(error, Error::Limit(_)), "{error:?}");
    peer.expect_close(1009).await;
}

#[tokio::test(start_paused = true)]
async fn text_that_is_none_is_1007_wherever_it_is_read() {
    for skip in [false, true] {
        let (mut peer, mut ws) = raw_client(server(), 4096).await;
        peer.send(RawFrame::text("good ").more()).await;
        let mut reader = ws.recv_stream().await.unwrap().unwrap();
        assert_eq!(reader.chunk().await.unwrap().unwrap(), "good ");
        peer.send(RawFrame::continuation([0xff]).more()).await;
        let error = if skip {
            drop(reader);
            ws.recv().await.unwrap_err()
        } else {
            reader.chunk().await.unwrap_err()
        };
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
        peer.expect_close(1007).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_while_nobody_asks() {
    let (a, b) = duplex(1 << 20);
    let b = Counted::new(b);
    let read = b.read.clone();
    let (mut peer, mut ws) = raw_client_of(server(), a, b).await;
    peer.send(RawFrame::binary(vec![0; 500_000])).await;
    let mut reader = ws.recv_stream().await.unwrap().unwrap();
    let before = read.load(Ordering::Relaxed);
    assert!(before <= 70_000, "{before}");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(read.load(Ordering::Relaxed), before);
    let mut small = [0; 10];
    reader.read_exact(&mut small).await.unwrap();
    assert_eq!(
        read.load(Ordering::Relaxed),
        before,
        "there is enough of it here"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bomb_comes_in_small_chunks() {
    let (a, b) = duplex(1 << 20);
    let mut raw = Raw::new(a, Role::Client);
    let request = format!("{REQUEST}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    raw.send_bytes(request.as_bytes()).await;
    let bomb_server = server().deflate(Some(DeflateConfig::default()));
    let (head, ws) = tokio::join!(raw.read_head(), bomb_server.accept(b));
    assert!(head.contains("permessage-deflate"), "{head}");
    let mut ws = ws.unwrap();
    let bomb = deflated(vec![0; 64 << 20]);
    raw.send(RawFrame::binary(&bomb).compressed()).await;
    let mut reader = ws.recv_stream().await.unwrap().unwrap();
    let mut total = 0;
    while let Some(chunk) = reader.chunk().await.unwrap() {
        assert!(chunk.len() <= 90 * 1024, "{}", chunk.len());
        total += chunk.len();
    }
    assert_eq!(total, 64 << 20);
}

#[tokio::test(start_paused = true)]
async fn cancelled_at_every_await_the_bytes_arrive_once_and_in_order() {
    for seed in 0..12 {
        let (a, b) = duplex([64, 1000, 100_000][seed as usize % 3]);
        let most = [7, 60, 3000][seed as usize / 3 % 3];
        let (a, b) = (Torn::new(a, seed, most), Torn::new(b, seed + 1, most));
        let wish = (seed % 2 == 0).then(DeflateConfig::default);
        let client = client().deflate(wish.clone()).high_water(10_000);
        let server = server().deflate(wish).high_water(10_000);
        let (client, mut server) = open(client, server, a, b).await;
        let text = text(if most < 100 { 20_000 } else { 150_000 });
        let writing = async {
            let mut random = Random::new(seed);
            for _ in 0..2 {
                let mut writer = client.send_stream(Kind::Text);
                let mut rest = text.as_bytes();
                while !rest.is_empty() {
                    let (part, behind) = rest.split_at(rest.len().min(1 + random.below(9000)));
                    while impatient(writer.write(part.to_vec()), random.below(3))
                        .await
                        .is_none()
                    {
                        yield_now().await;
                    }
                    if random.below(4) == 0 {
                        while impatient(writer.flush(), random.below(3)).await.is_none() {
                            yield_now().await;
                        }
                    }
                    rest = behind;
                }
                while impatient(writer.finish(), random.below(3)).await.is_none() {
                    yield_now().await;
                }
            }
            client.flush().await.unwrap();
        };
        let reading = async {
            let mut random = Random::new(seed + 7);
            for _ in 0..2 {
                let mut seen = Vec::new();
                'stream: loop {
                    // A future that is given up before it is ready leaves everything where it is.
                    match impatient(server.recv_stream(), random.below(3)).await {
                        None => yield_now().await,
                        Some(reader) => {
                            let mut reader = reader.unwrap().unwrap();
                            loop {
                                match impatient(reader.chunk(), random.below(3)).await {
                                    None => yield_now().await,
                                    Some(Ok(Some(chunk))) => seen.extend_from_slice(&chunk),
                                    Some(end) => {
                                        assert_eq!(end.unwrap(), None);
                                        break 'stream;
                                    }
                                }
                            }
                        }
                    }
                }
                assert!(seen == text.as_bytes(), "seed {seed}");
            }
        };
        tokio::join!(writing, reading);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_told_even_if_nobody_reads_on() {
    let (mut peer, mut ws) = raw_client(server().config(no_keepalive()), 4096).await;
    let half = RawFrame::binary([7; 100]).bytes(Role::Client);
    peer.send_bytes(&half[..half.len() - 50]).await;
    let mut reader = ws.recv_stream().await.unwrap().unwrap();
    reader.limit(60);
    drop(reader);
    peer.expect_close(1009).await;
}

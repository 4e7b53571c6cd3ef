//! Frames encoded once, shared by connections that agreed on different things.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::{DeflateConfig, Message, PreparedFrame, WebSocket};
use tidewire_testkit::Random;

/// A pair of each kind: plain, compressed with and without takeover, with small windows.
async fn pairs() -> Vec<(WebSocket, WebSocket)> {
    let takeover = DeflateConfig::default()
        .server_no_context_takeover(false)
        .client_no_context_takeover(false);
    let small = takeover
        .clone()
        .server_max_window_bits(9)
        .client_max_window_bits(9);
    let wishes = [
        None,
        Some(DeflateConfig::default()),
        Some(takeover),
        Some(small),
        None,
    ];
    let mut pairs = Vec::new();
    for wish in wishes {
        let client = client().deflate(wish.clone());
        pairs.push(pair_of(client, server().deflate(wish), 700).await);
    }
    pairs
}

fn frames() -> Vec<(PreparedFrame, Message)> {
    let mut random = Random::new(5);
    let text = "the tide comes in, the tide goes out; ".repeat(300);
    let noise = random.bytes(9000);
    vec![
        (PreparedFrame::text("short"), Message::text("short")),
        (
            PreparedFrame::text(text.as_str()),
            Message::text(text.as_str()),
        ),
        (PreparedFrame::binary(&noise), Message::binary(noise)),
        (
            PreparedFrame::binary([0; 100_000]),
            Message::binary(vec![0; 100_000]),
        ),
        (PreparedFrame::text(""), Message::text("")),
    ]
}

#[tokio::test(start_paused = true)]
async fn shared_frames_decode_everywhere_between_ordinary_messages() {
    for from_server in [true, false] {
        let frames = frames();
        for (number, (client, server)) in pairs().await.into_iter().enumerate() {
            let (sender, mut receiver) = if from_server {
                (server, client)
            } else {
                (client, server)
            };
            let expected: Vec<Message> = frames
                .iter()
                .flat_map(|(_, message)| [message.clone(), "the tide comes in".into()])
                .collect();
            let send = async {
                for _ in 0..4 {
                    for (frame, _) in &frames {
                        assert!(sender.queue(frame).unwrap() > 0);
                        sender.send("the tide comes in").await.unwrap();
                    }
                }
                sender.flush().await.unwrap();
            };
            let receive = async {
                for expected in expected.iter().cycle().take(4 * expected.len()) {
                    let got = receiver.recv().await.unwrap().unwrap();
                    assert!(got == *expected, "pair {number}, {} bytes", expected.len());
                }
            };
            tokio::join!(send, receive);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_visitor_answers_with_a_shared_frame() {
    let frame =
        PreparedFrame::text("a shared answer, long enough to be worth compressing ".repeat(9));
    for (mut client, mut server) in pairs().await {
        let shared = frame.clone();
        tokio::spawn(async move {
            server
                .for_each(|_, link| link.queue(&shared).unwrap())
                .await
        });
        for _ in 0..3 {
            client.send("?").await.unwrap();
            let answer = client.recv().await.unwrap().unwrap();
            assert_eq!(answer.as_bytes(), frame.payload());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn queueing_on_a_closed_connection_is_an_error() {
    let (mut client, mut server) = pair().await;
    let (story, _) = tokio::join!(client.close(1000, ""), server.recv());
    story.unwrap();
    assert!(server.queue(&PreparedFrame::text("x")).is_err());
    assert_eq!(server.try_flush(), tidewire::Flush::Flushed);
}

/// Whoever may wait sends prepared frames as any message: no more than the high-water mark is held.
#[tokio::test(start_paused = true)]
async fn a_prepared_frame_can_be_waited_for() {
    let (mut peer, ws) = raw_client(server(), 1024).await;
    let frame = PreparedFrame::binary([7; 30_000]);
    let sender = ws.split().0;
    let mut sent = 0;
    while let Some(outcome) = impatient(sender.send_prepared(&frame), 0).await {
        outcome.unwrap();
        sent += 1;
    }
    assert!((2..6).contains(&sent), "{sent}");
    assert!(sender.queued() < 3 * 30_000, "{}", sender.queued());
    for _ in 0..sent {
        peer.next().await;
    }
    sender.send_prepared(&frame).await.unwrap();
}

//! Cancel safety: futures are dropped at every await point, over pipes that tear; nothing is lost,
//! doubled, or half queued.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::test_util::{Cancelling, Network, cancel_often};
use tidewire::{DeflateConfig, Error, Message, Receiver, Sender, WebSocket};
use tidewire_testkit::Random;
use tokio::task::yield_now;

fn messages(seed: u64) -> Vec<Message> {
    let mut random = Random::new(seed);
    (0..30u32)
        .map(|n| {
            let len = if n == 20 {
                40_000
            } else {
                [0, 1, 50, 130, 500, 5000][random.below(6)]
            };
            match n % 3 {
                0 => Message::text(format!("{n} {}", "ä".repeat(len / 2))),
                1 => Message::binary([&n.to_be_bytes()[..], &random.bytes(len)].concat()),
                _ => Message::binary([n.to_be_bytes().to_vec(), vec![7; len]].concat()),
            }
        })
        .collect()
}

async fn torn_pair(seed: u64) -> (WebSocket, WebSocket) {
    let most = [7, 60, 3000][seed as usize / 3 % 3];
    let network = Network::new()
        .seed(seed)
        .torn(1..=most)
        .buffer([64, 1000, 100_000][seed as usize % 3]);
    let wish = (seed % 2 == 0).then(DeflateConfig::default);
    let client = client()
        .deflate(wish.clone())
        .config(no_keepalive())
        .high_water(10_000);
    let server = server()
        .deflate(wish)
        .config(no_keepalive())
        .high_water(10_000);
    let (client, server, _) = network.pair_with(client, &server).await;
    (client, server)
}

/// Sends all messages, giving up now and then; some are fed, and flushed some time.
async fn send_all(sender: Sender, messages: Vec<Message>, seed: u64) -> Sender {
    let (mut random, mut cancelling) = (Random::new(seed), Cancelling::new(seed));
    for message in messages {
        match random.below(3) {
            0 => cancel_often!(cancelling, sender.feed(message.clone())),
            _ => cancel_often!(cancelling, sender.send(message.clone())),
        }
        .unwrap();
        if random.below(5) == 0 {
            cancel_often!(cancelling, sender.flush()).unwrap();
        }
    }
    cancel_often!(cancelling, sender.flush()).unwrap();
    sender
}

async fn receive_all(mut receiver: Receiver, expected: Vec<Message>, seed: u64) -> Receiver {
    let mut cancelling = Cancelling::new(seed);
    for (number, expected) in expected.iter().enumerate() {
        let message = cancel_often!(cancelling, receiver.recv()).unwrap().unwrap();
        assert!(message == *expected, "message {number} of seed {seed}");
    }
    receiver
}

#[tokio::test(start_paused = true)]
async fn cancelled_at_every_await_messages_arrive_once_and_in_order() {
    for seed in 0..18 {
        let (client, server) = torn_pair(seed).await;
        let (up, down) = (messages(seed), messages(seed + 100));
        let ((to_server, from_server), (to_client, from_client)) = (client.split(), server.split());
        let (to_server, mut from_server, to_client, mut from_client) = tokio::join!(
            send_all(to_server, up.clone(), seed),
            receive_all(from_server, down.clone(), seed + 1),
            send_all(to_client, down, seed + 2),
            receive_all(from_client, up, seed + 3),
        );
        to_server.begin_close(1000, "").unwrap();
        let mut cancelling = Cancelling::new(seed);
        let both = async { cancel_often!(cancelling, from_server.recv()) };
        let (client, server) = tokio::join!(both, from_client.recv());
        assert!(
            matches!((client, server), (Ok(None), Ok(None))),
            "seed {seed}"
        );
        drop(to_client);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_close_sends_its_frame_once() {
    for seed in 0..18 {
        let (mut client, mut server) = torn_pair(seed).await;
        for message in messages(seed) {
            client.feed(message).await.unwrap_or(());
            if client.try_flush() == tidewire::Flush::Blocked {
                break; // the Close waits behind data
            }
        }
        let mut cancelling = Cancelling::new(seed);
        let closing = async { cancel_often!(cancelling, client.close(1000, "enough")) };
        let serving = async {
            loop {
                match server.recv().await {
                    Ok(Some(_)) => {}
                    end => break end,
                }
            }
        };
        let (story, end) = tokio::join!(closing, serving);
        assert!(
            story.unwrap().is_clean() && end.unwrap().is_none(),
            "seed {seed}"
        );
        assert_eq!(
            server.close_story().unwrap().received.unwrap().reason,
            "enough"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_visitor_loop_that_is_cancelled_goes_on_where_it_was() {
    for seed in 0..18 {
        let (client, mut server) = torn_pair(seed).await;
        let expected = messages(seed);
        let (sender, receiver) = client.split();
        let echoing = async {
            let mut cancelling = Cancelling::new(seed);
            cancel_often!(
                cancelling,
                server.for_each(|event, link| link.echo(event).unwrap())
            )
        };
        let talking = async {
            let (sender, mut receiver) = tokio::join!(
                send_all(sender, expected.clone(), seed),
                receive_all(receiver, expected.clone(), seed + 1),
            );
            sender.begin_close(1000, "").unwrap();
            receiver.recv().await
        };
        let (story, end) = tokio::join!(echoing, talking);
        assert!(
            story.unwrap().is_clean() && end.unwrap().is_none(),
            "seed {seed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_waited_for_is_still_told() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    assert!(impatient(ws.recv(), 0).await.is_none());
    peer.send(tidewire_testkit::RawFrame::text([0xff])).await;
    for _ in 0..5 {
        yield_now().await;
    }
    assert!(matches!(ws.recv().await, Err(Error::Protocol(_))));
    assert!(matches!(ws.close(1000, "").await, Err(Error::Protocol(_))));
}

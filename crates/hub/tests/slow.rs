//! Readers that stop: what becomes of them by the policy of the channel, while others miss nothing.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::{Client, WebSocket};
use tidewire_hub::config::Config;
use tidewire_hub_core::SlowConsumer;
use tokio::time::timeout;

/// More than the sockets between hub and client hold, many times.
const MESSAGES: usize = 4000;
const SIZE: usize = 16 * 1024;

fn config(policy: SlowConsumer) -> Config {
    let mut config = in_memory();
    config.shards = 1;
    config.settings.limits.outbox = 256 * 1024;
    let live = config.settings.namespaces.get_mut("live").unwrap();
    live.slow_consumer = policy;
    live.log.max_records = MESSAGES;
    config
}

/// A client without compression: what is sent here would shrink to nothing.
async fn open_slow(running: &Running) -> WebSocket {
    let client = Client::new(running.url("/ws")).deflate(None);
    client.connect().await.unwrap()
}

/// The number that a message begins with.
fn number(message: &serde_json::Value) -> usize {
    let text = message["text"].as_str().unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Publishes while `slow` is not read from and an attentive reader is.
async fn flood(running: &Running, slow: &mut WebSocket) {
    json(slow).await;
    ask(slow, r#"{"op":"subscribe","id":1,"channel":"live:x"}"#).await;
    let mut quick = running.open("/c/live:x").await;
    let publisher = running.open("/c/live:x").await;
    let reader = tokio::spawn(async move {
        for expected in 0..MESSAGES {
            let heard = text(&mut quick).await;
            assert!(heard.starts_with(&format!("{expected} ")), "{expected}");
        }
    });
    // Its own copies do not come back: nobody needs to read here.
    for number in 0..MESSAGES {
        let message = format!("{number} {}", "x".repeat(SIZE));
        publisher.send(message).await.unwrap();
        if number % 16 == 0 {
            publisher.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
    }
    publisher.flush().await.unwrap();
    reader.await.unwrap();
}

#[tokio::test]
async fn disconnect_closes_the_reader_with_4002_and_others_miss_nothing() {
    let running = start(config(SlowConsumer::Disconnect)).await;
    let mut slow = open_slow(&running).await;
    flood(&running, &mut slow).await;
    let mut next = 0;
    let story = loop {
        match timeout(PATIENCE, slow.recv()).await.unwrap() {
            Ok(Some(message)) => {
                let message: serde_json::Value =
                    serde_json::from_str(message.as_text().unwrap()).unwrap();
                if message["op"] == "message" {
                    assert_eq!(number(&message), next, "in order, without a gap");
                    next += 1;
                }
            }
            Err(tidewire::Error::Closed(story)) => break story,
            other => panic!("{other:?}"),
        }
    };
    // A peer that reads nothing may not even take the Close.
    if let Some(close) = story.received {
        assert_eq!(close.code.0, 4002);
    }
    assert!(next < MESSAGES);
    assert_eq!(running.hub.counters().await[0].slow_closed, 1);
}

#[tokio::test]
async fn lag_skips_says_so_and_then_gives_everything_from_the_log() {
    let running = start(config(SlowConsumer::Lag)).await;
    let mut slow = open_slow(&running).await;
    flood(&running, &mut slow).await;
    let (mut next, mut lags) = (0, 0);
    while next < MESSAGES {
        let heard = json(&mut slow).await;
        match heard["op"].as_str().unwrap() {
            "message" => {
                assert_eq!(number(&heard), next, "in order, without a gap");
                next += 1;
            }
            "lag" => {
                assert_eq!(heard["recovering"], true);
                lags += 1;
            }
            _ => {}
        }
    }
    assert!(lags > 0);
}

#[tokio::test]
async fn drop_oldest_and_keep_latest_skip_say_so_and_end_with_the_newest() {
    for policy in [SlowConsumer::DropOldest, SlowConsumer::KeepLatest] {
        let running = start(config(policy)).await;
        let mut slow = open_slow(&running).await;
        flood(&running, &mut slow).await;
        let (mut last, mut heard, mut lags) = (None, 0, 0);
        while last != Some(MESSAGES - 1) {
            let message = json(&mut slow).await;
            match message["op"].as_str().unwrap() {
                "message" => {
                    let number = number(&message);
                    assert!(last.is_none_or(|last| last < number), "in order");
                    last = Some(number);
                    heard += 1;
                }
                "lag" => lags += 1,
                _ => {}
            }
        }
        assert!(lags > 0, "{policy:?}");
        assert!(heard < MESSAGES, "{policy:?}");
    }
}

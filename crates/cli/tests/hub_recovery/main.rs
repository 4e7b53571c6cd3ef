//! Clients that drop, dawdle and change their transport, publishers that repeat, a hub that is killed: at
//! the end each has seen what the log has, or was told where it began anew.

#![allow(clippy::unwrap_used, clippy::disallowed_macros)]

mod client;
mod http;
mod http_tests;
#[path = "../hub_common/mod.rs"]
mod hub_common;
mod publisher;
mod transport;
mod view;
mod websocket;

use client::{Client, Goal, Shared};
use hub_common::native::{Native, parts};
use hub_common::{Chance, Hub};
use publisher::Publisher;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use transport::{Transport, mark};
use view::{Known, learn};

/// Every channel that there is.
pub(crate) const CHANNELS: [&str; 5] = ["chat:a", "chat:b", "slow:c", "live:d", "short:e"];

/// Every way to listen.
const TRANSPORTS: &[&dyn Transport] = &[
    &websocket::OverNative,
    &websocket::OverPlain,
    &http::OverSse,
    &http::OverPoll,
];

const CLIENTS: usize = 20;
const PUBLISHERS: usize = 5;
const KILLS: u64 = 3;
const TRAFFIC: Duration = Duration::from_secs(5);

/// Outboxes and pages are small, so that readers fall behind and recoveries have many pages.
const CONFIG: &str = r#"
[limits]
outbox = "128 KiB"
page_records = 16
recent_bytes = "4 KiB"

[namespaces.chat]
storage = "durable"
history_size = 1000000
history_age = "1d"
key_age = "1d"
subscribe = "anyone"
publish = "anyone"
max_message = "60 KiB"
rate = 1000000
burst = 1000000

[namespaces.slow]
storage = "durable"
slow_consumer = "lag"
history_size = 1000000
history_age = "1d"
key_age = "1d"
subscribe = "anyone"
publish = "anyone"
max_message = "60 KiB"
rate = 1000000
burst = 1000000

[namespaces.live]
storage = "memory"
history_size = 100000
history_age = "1d"
subscribe = "anyone"
publish = "anyone"
max_message = "60 KiB"
rate = 1000000
burst = 1000000

[namespaces.short]
storage = "durable"
history_size = 20
history_age = "1d"
key_age = "1d"
subscribe = "anyone"
publish = "anyone"
max_message = "60 KiB"
rate = 1000000
burst = 1000000
"#;

/// Whether the channel's log ends with the process.
pub(crate) fn is_memory(channel: &str) -> bool {
    channel.starts_with("live:")
}

/// Whether nothing of the channel is ever lost or trimmed.
pub(crate) fn is_whole(channel: &str) -> bool {
    channel.starts_with("chat:") || channel.starts_with("slow:")
}

#[tokio::test]
async fn every_view_is_the_log_or_was_told_where_it_began_anew() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => vec![1, 2, 3, 4],
    };
    let mut breaks = 0;
    for seed in seeds {
        println!("seed {seed} (SEED={seed} runs it alone)");
        breaks += run(seed).await;
    }
    assert!(breaks > 0, "no reader was slow enough to try the policies");
}

/// One run; gives how often a reader was too slow.
async fn run(seed: u64) -> usize {
    let began = Instant::now();
    let mut chance = Chance::new(seed);
    let mut hub = Hub::start(CONFIG);
    let shared = Arc::new(Shared::new(hub.place(), TRANSPORTS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = Client::new(number, Chance::new(chance.next()), shared.clone());
            tokio::spawn(async move {
                client.run().await;
                client
            })
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|number| {
            let mut publisher = Publisher::new(number, chance.next());
            let shared = shared.clone();
            tokio::spawn(async move {
                publisher.run(&shared.place, &shared.enough).await;
                publisher
            })
        })
        .collect();

    for _ in 0..KILLS {
        let pause = chance.range(500, 1500) * TRAFFIC.as_millis() as u64 / (KILLS + 1) / 1000;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        assert!(hub.is_alive(), "the hub ended by itself");
        hub.kill();
        tokio::time::sleep(chance.millis(10, 150)).await;
        hub.restart();
    }
    tokio::time::sleep(TRAFFIC.saturating_sub(began.elapsed())).await;
    shared.enough.store(true, Ordering::Relaxed);
    let mut written = Vec::new();
    for publisher in publishers {
        written.push(publisher.await.unwrap());
    }
    let mut native = Native::open(hub.addr(), None, None).await.unwrap();
    shared.goal.send_replace(Some(goal(&mut native).await));
    let mut seen = Vec::new();
    for client in clients {
        seen.push(client.await.unwrap());
    }
    let known = judge(&mut native, &written, &seen).await;
    let records: usize = known.values().map(BTreeMap::len).sum();
    let total = |count: fn(&view::View) -> usize| -> usize {
        seen.iter()
            .flat_map(|client| client.views.values())
            .map(count)
            .sum()
    };
    let cut: usize = seen.iter().map(|client| client.cut).sum();
    println!(
        "seed {seed}: {records} records, {} repeats, {} connections by way {:?}, {} restarts, {cut} cut, {} lags, {:.1} s",
        written
            .iter()
            .map(|publisher| publisher.repeats)
            .sum::<usize>(),
        seen.iter().map(|client| client.connections).sum::<usize>(),
        shared.ways(),
        total(|view| view.restarts),
        total(|view| view.lags),
        began.elapsed().as_secs_f32(),
    );
    assert!(hub.is_alive(), "the hub ended by itself");
    cut + total(|view| view.lags)
}

/// Where every channel ends, and with which record.
async fn goal(native: &mut Native) -> Goal {
    let mut goal = Goal::new();
    for channel in CHANNELS {
        let command = json!({"op": "history", "channel": channel, "limit": 1});
        let answer = native.ask(command).await.unwrap();
        assert_eq!(answer["op"], "ok", "{answer}");
        let end = answer["pos"].as_str().unwrap().to_owned();
        let last = answer["messages"].as_array().unwrap().last();
        goal.insert(channel, (end, last.map(mark)));
    }
    goal
}

/// Holds the logs to what was acknowledged, and every view to the logs.
async fn judge(native: &mut Native, written: &[Publisher], seen: &[Client]) -> Known {
    let mut known = Known::new();
    for publisher in written {
        for (n, told) in &publisher.acknowledged {
            for pos in told {
                let outcome = learn(&mut known, publisher.channel(*n), pos, &publisher.mark(*n));
                outcome.unwrap();
            }
        }
    }
    for client in seen {
        for (channel, view) in &client.views {
            let outcome = view.tell(channel, &mut known);
            outcome.unwrap_or_else(|wrong| panic!("client {}: {wrong}", client.number));
        }
    }
    for channel in CHANNELS.into_iter().filter(|channel| is_whole(channel)) {
        let log = native.history(channel, None).await.unwrap().unwrap();
        let terms: Vec<_> = known
            .keys()
            .filter(|(known, _)| *known == channel)
            .collect();
        assert_eq!(terms.len(), 1, "{channel} has one term: {terms:?}");
        let log: BTreeMap<_, _> = log
            .iter()
            .map(|(pos, object)| (parts(pos).1, mark(object)))
            .collect();
        // Whatever was acknowledged or delivered is there, where it was, and nothing besides.
        assert_eq!(known[terms[0]], log, "the log of {channel}");
        let mut last = [None; PUBLISHERS];
        for mark in log.values() {
            let (by, n) = mark[1..].split_once('-').unwrap();
            let (by, n): (usize, usize) = (by.parse().unwrap(), n.parse().unwrap());
            assert!(
                last[by] < Some(n),
                "{mark} comes after {:?} in {channel}",
                last[by]
            );
            last[by] = Some(n);
        }
    }
    for publisher in written {
        assert_eq!(
            publisher.acknowledged.len(),
            publisher.sent(),
            "all was acknowledged"
        );
    }
    for client in seen {
        for (channel, view) in &client.views {
            if let Err(wrong) = view.check(channel, &known) {
                panic!(
                    "client {}, {channel}: {wrong}\n{}",
                    client.number,
                    client.diary()
                );
            }
        }
    }
    known
}

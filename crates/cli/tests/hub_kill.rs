//! Fifty times `kill -9` under load: every acknowledged publication is there afterwards, in order, once.

#![allow(clippy::unwrap_used, clippy::disallowed_macros)]

mod hub_common;

use hub_common::native::{Gone, Native, PATIENCE, parts};
use hub_common::{Chance, Hub, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;

const KILLS: usize = 50;
const PUBLISHERS: usize = 4;
const CHANNELS: [&str; 2] = ["chat:one", "chat:two"];
/// Publishes of one connection under way.
const UNDER_WAY: usize = 64;
/// New publications of one publisher in a round, so that a fast machine does not make the test long.
const MOST: usize = 500;

const CONFIG: &str = r#"
[namespaces.chat]
storage = "durable"
history_size = 10000000
history_age = "1d"
key_age = "1d"
subscribe = "anyone"
publish = "anyone"
rate = 10000000
burst = 10000000
"#;

/// Who publishes: a guest that keeps its id, its keys, and what it was told.
struct Publisher {
    number: usize,
    client: Option<String>,
    /// The next number of a key.
    next: usize,
    /// Sent, and not acknowledged: to be sent again, in this order.
    open: Vec<usize>,
    /// Acknowledged: where it is.
    acknowledged: BTreeMap<usize, String>,
    chance: Chance,
    /// How many keys were sent again and had their old position.
    repeated: usize,
}

impl Publisher {
    fn channel(&self) -> &'static str {
        CHANNELS[self.number % CHANNELS.len()]
    }

    fn command(&self, n: usize) -> Value {
        // Lengths differ, so that commits and pages are cut everywhere.
        let fill = "x".repeat(n * 37 % 700);
        json!({"op": "publish", "id": n, "channel": self.channel(), "key": format!("k{n}"),
               "data": {"by": self.number, "n": n, "fill": fill}})
    }

    /// Publishes until the hub is gone, or this round's work is done.
    async fn publish(&mut self, place: &Place) -> Result<(), Gone> {
        let Some(addr) = place.now() else {
            return Ok(());
        };
        let mut native = Native::open(addr, self.client.as_deref(), None).await?;
        self.client = Some(native.client.clone());
        // What is not known to be kept goes first, in its order; then some that are known to be.
        let again: Vec<usize> = self.open.clone();
        let mut waiting: Vec<usize> = again;
        let known: Vec<usize> = self.acknowledged.keys().copied().collect();
        for _ in 0..3.min(known.len()) {
            let at = self.chance.range(0, known.len() as u64) as usize;
            waiting.push(known[at]);
        }
        waiting.reverse();
        let mut under_way = 0;
        let mut fresh = 0;
        loop {
            while under_way < UNDER_WAY && (fresh < MOST || !waiting.is_empty()) {
                let n = waiting.pop().unwrap_or_else(|| {
                    self.next += 1;
                    fresh += 1;
                    self.open.push(self.next);
                    self.next
                });
                native.send(&self.command(n)).await?;
                under_way += 1;
            }
            if under_way == 0 {
                return Ok(());
            }
            let answer = timeout(PATIENCE, native.next()).await;
            let answer = answer.expect("publishes are answered")?;
            assert_eq!(answer["op"], "ok", "a publish was refused: {answer}");
            under_way -= 1;
            let n = answer["id"].as_u64().unwrap() as usize;
            let pos = answer["pos"].as_str().unwrap().to_owned();
            self.open.retain(|&open| open != n);
            if let Some(before) = self.acknowledged.insert(n, pos.clone()) {
                assert_eq!(before, pos, "key k{n} of publisher {} moved", self.number);
                self.repeated += 1;
            }
        }
    }
}

/// What is known to be in a channel.
struct Log {
    channel: &'static str,
    /// The position of the beginning, then of the last record.
    begin: String,
    end: String,
    /// Publisher, its number, position: in the log's order.
    records: Vec<(usize, usize, String)>,
}

impl Log {
    /// Reads what is new, by pages of history and by a subscription from the last position, which agree.
    async fn read_on(&mut self, native: &mut Native) {
        let tail = native.history(self.channel, Some(&self.end)).await.unwrap();
        let tail = tail.expect("nothing was trimmed, and the term is the same");
        let since = json!({"op": "subscribe", "channel": self.channel, "since": self.end});
        let answer = native.ask(since).await.unwrap();
        assert_eq!(answer["recovered"], true, "{answer}");
        let mut missed = Vec::new();
        loop {
            let value = timeout(PATIENCE, native.next()).await;
            let value = value.expect("a recovery comes to its end").unwrap();
            match value["op"].as_str().unwrap() {
                "message" => missed.push(value["pos"].as_str().unwrap().to_owned()),
                "live" => break,
                other => panic!("{other} in a recovery: {value}"),
            }
        }
        let paged: Vec<_> = tail.iter().map(|(pos, _)| pos.clone()).collect();
        assert_eq!(missed, paged, "history and recovery tell the same");
        if let Some(last) = paged.last() {
            assert_eq!(answer["pos"], json!(last), "the position at subscribe");
        }
        let leave = json!({"op": "unsubscribe", "channel": self.channel});
        assert_eq!(native.ask(leave).await.unwrap()["op"], "ok");
        for (pos, message) in tail {
            self.end.clone_from(&pos);
            self.records.push(record(&message, pos));
        }
    }

    /// The records rise in position within one term; each publisher's numbers rise; nothing is there twice.
    fn check(&self, publishers: &[Publisher]) {
        let (term, mut offset) = parts(&self.begin);
        let mut last = [0; PUBLISHERS];
        let mut known = BTreeMap::new();
        for (by, n, pos) in &self.records {
            let (its_term, its_offset) = parts(pos);
            assert_eq!(its_term, term, "a kill is no reason for a new term");
            assert!(its_offset > offset, "{pos} comes after {offset}");
            offset = its_offset;
            assert!(*n > last[*by], "{n} of publisher {by} after {}", last[*by]);
            last[*by] = *n;
            known.insert((*by, *n), pos);
        }
        for publisher in publishers.iter().filter(|p| p.channel() == self.channel) {
            for (n, pos) in &publisher.acknowledged {
                let there = known.get(&(publisher.number, *n));
                assert_eq!(
                    there,
                    Some(&pos),
                    "k{n} of {} was acknowledged",
                    publisher.number
                );
            }
        }
    }
}

fn record(message: &Value, pos: String) -> (usize, usize, String) {
    let number = |field: &str| message["data"][field].as_u64().unwrap() as usize;
    let n = number("n");
    let fill = message["data"]["fill"].as_str().unwrap();
    assert_eq!(fill, "x".repeat(n * 37 % 700), "the payload at {pos}");
    (number("by"), n, pos)
}

#[tokio::test]
async fn what_was_acknowledged_outlives_fifty_kills() {
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("seed {seed} (SEED=… repeats the same moments, as far as a clock can)");
    let mut chance = Chance::new(seed);
    let mut hub = Hub::start(CONFIG);
    let place = hub.place();
    let mut logs = Vec::new();
    let mut reader = Native::open(hub.addr(), None, None).await.unwrap();
    for channel in CHANNELS {
        let command = json!({"op": "subscribe", "channel": channel});
        let answer = reader.ask(command).await.unwrap();
        let begin = answer["pos"].as_str().unwrap().to_owned();
        logs.push(Log {
            channel,
            end: begin.clone(),
            begin,
            records: Vec::new(),
        });
    }
    drop(reader);
    let mut publishers: Vec<_> = (0..PUBLISHERS)
        .map(|number| Publisher {
            number,
            client: None,
            next: 0,
            open: Vec::new(),
            acknowledged: BTreeMap::new(),
            chance: Chance::new(seed ^ (number as u64 + 1) << 32),
            repeated: 0,
        })
        .collect();
    let mut in_flight = 0;
    for _ in 0..KILLS {
        let work: Vec<_> = publishers
            .drain(..)
            .map(|mut publisher| {
                let place = place.clone();
                tokio::spawn(async move {
                    _ = publisher.publish(&place).await;
                    publisher
                })
            })
            .collect();
        tokio::time::sleep(chance.millis(5, 120)).await;
        assert!(hub.is_alive(), "the hub ended by itself");
        hub.kill();
        for publisher in work {
            publishers.push(publisher.await.unwrap());
        }
        in_flight += publishers.iter().map(|p| p.open.len()).sum::<usize>();
        hub.restart();
        let mut reader = Native::open(hub.addr(), None, None).await.unwrap();
        for log in &mut logs {
            log.read_on(&mut reader).await;
            log.check(&publishers);
        }
    }
    // At last, what was never acknowledged is sent once more, and everything is read from the beginning.
    for publisher in &mut publishers {
        let done = timeout(Duration::from_secs(60), publisher.publish(&place)).await;
        done.unwrap().unwrap();
        assert!(publisher.open.is_empty());
    }
    let mut reader = Native::open(hub.addr(), None, None).await.unwrap();
    let mut kept = 0;
    for log in &mut logs {
        log.read_on(&mut reader).await;
        log.check(&publishers);
        let whole = reader.history(log.channel, None).await.unwrap().unwrap();
        let whole = whole.iter().map(|(pos, value)| record(value, pos.clone()));
        let whole: Vec<_> = whole.collect();
        assert_eq!(
            whole, log.records,
            "backwards and forwards, history is the same"
        );
        kept += whole.len();
    }
    let sent: usize = publishers.iter().map(|publisher| publisher.next).sum();
    let repeated: usize = publishers.iter().map(|publisher| publisher.repeated).sum();
    println!(
        "{KILLS} kills, {in_flight} publishes under way at them, {sent} keys, {kept} records, {repeated} repeats"
    );
    assert_eq!(kept, sent, "each key is one record");
    assert!(in_flight > KILLS, "the kills hit no load");
    assert!(repeated > 0, "no key was repeated");
}

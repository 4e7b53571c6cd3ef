//! How many appends a second are kept: `cargo run --release -p tidewire-hub-sqlite --example appends [FOLDER]`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tidewire_hub_core::contract::{LogOptions, Mail};
use tidewire_hub_core::{Done, Effect, IdempotencyKey, ShardId, Ticket, ToShard};
use tidewire_hub_proto::{Channel, Origin, Payload, Publication};
use tidewire_hub_sqlite::{OpenOptions, SqliteEngine};

struct Answers(SyncSender<usize>);

impl Mail for Answers {
    fn deliver(&self, _: ShardId, messages: Vec<ToShard>) {
        let kept = |message: &ToShard| matches!(message, ToShard::Done(_, Done::Appended(Ok(_))));
        let _ = self
            .0
            .send(messages.iter().filter(|message| kept(message)).count());
    }
}

/// Appends for two seconds, with so many on their way at most.
fn run(
    engine: &SqliteEngine,
    answers: &Receiver<usize>,
    depth: usize,
    channels: usize,
    keys: bool,
) {
    let names: Vec<Channel> = (0..channels)
        .map(|n| Channel::parse(&format!("c{n}")).unwrap())
        .collect();
    let from = Origin {
        client: Some("0123456789abcdef".into()),
        ..Origin::default()
    };
    let record = Publication::new(from, Payload::text("x".repeat(128)));
    let (before, begun) = (engine.counters(), Instant::now());
    let (mut sent, mut kept) = (0, 0);
    while begun.elapsed() < Duration::from_secs(2) {
        while sent - kept < depth {
            let key = keys.then(|| IdempotencyKey {
                publisher: "client:0123456789abcdef".into(),
                key: format!("{depth}-{channels}-{sent}").into(),
            });
            let effect = Effect::Append {
                channel: names[sent % channels].clone(),
                publication: record.clone(),
                key,
            };
            engine.submit(ShardId(0), Ticket(sent as u64), effect);
            sent += 1;
        }
        kept += answers.recv().unwrap();
    }
    while kept < sent {
        kept += answers.recv().unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = engine.counters();
    let commits = after.commits - before.commits;
    println!(
        "depth {depth:>5}, {channels:>5} channels, keys {keys:<5}: {:>8.0} appends/s, {:>6.2} ms a commit, {:>6.1} records each",
        kept as f64 / seconds,
        1000.0 * seconds / commits as f64,
        kept as f64 / commits as f64,
    );
}

fn main() {
    let own = tempfile::tempdir().unwrap();
    let folder = std::env::args_os()
        .nth(1)
        .map_or(own.path().to_owned(), Into::into);
    let options = LogOptions {
        max_records: 10_000,
        max_age: 30 * 86_400_000,
        key_age: 600_000,
        grace: 0,
    };
    let options = BTreeMap::from([("chat".into(), options)]);
    let (sender, answers) = sync_channel(1 << 20);
    let mail = Arc::new(Answers(sender));
    let engine = SqliteEngine::open(&folder, options, OpenOptions::default(), mail).unwrap();
    for (depth, channels, keys) in [
        (1, 1, false),
        (64, 1, false),
        (1000, 10, false),
        (10_000, 10, false),
        (10_000, 10, true),
        (10_000, 5000, false),
    ] {
        run(&engine, &answers, depth, channels, keys);
    }
}

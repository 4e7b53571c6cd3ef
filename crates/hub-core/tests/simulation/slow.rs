//! Readers that stop: each policy keeps memory within its bound, and others miss nothing.

use crate::bench::{Bench, lags, numbers, position, recovered};
use crate::net::Said;
use tidewire_hub_core::Limits;
use tidewire_hub_proto::CloseReason;

const OUTBOX: usize = 4_000;
const WINDOW: usize = 3_000;
const MESSAGES: usize = 500;

fn limits(limits: &mut Limits) {
    limits.outbox = OUTBOX;
    limits.page_bytes = 2_000;
    limits.page_records = 7;
    limits.recent_bytes = 1_000;
    limits.window_bytes = WINDOW;
}

/// A reader stops, another goes on, 500 messages come; then the first goes on, too: what it hears.
fn a_reader_stops(name: &str) -> (Bench, u64, Vec<Said>) {
    let mut bench = Bench::new(limits);
    let (writer, reader, stopped) = (bench.join(1 << 20), bench.join(1 << 20), bench.join(200));
    for session in [reader, stopped] {
        let heard = bench.subscribe(session, name, None);
        assert_eq!(recovered(&heard), [None]);
    }
    let mut others = Vec::new();
    for text in 0..MESSAGES {
        bench.publish(writer, name, [text]);
        others.extend(numbers(&bench.hear(reader)));
        if let Some(conn) = bench.net.conns.get(&stopped) {
            assert!(conn.most <= OUTBOX + 200, "{} bytes wait", conn.most);
        }
    }
    assert_eq!(
        others,
        Vec::from_iter(0..MESSAGES),
        "the other reader misses nothing"
    );
    let heard = bench.hear(stopped);
    // Whatever it missed, it is up to date from here on.
    if bench.net.conns[&stopped].session.is_some() {
        bench.publish(writer, name, [MESSAGES]);
        assert_eq!(numbers(&bench.hear(stopped)), [MESSAGES]);
        assert_eq!(numbers(&bench.hear(reader)), [MESSAGES]);
    }
    (bench, stopped, heard)
}

#[test]
fn a_reader_that_stops_is_closed_and_comes_back_for_the_rest() {
    let (mut bench, stopped, heard) = a_reader_stops("leave:a");
    assert_eq!(
        bench.net.conns[&stopped].closed,
        Some(CloseReason::SlowConsumer)
    );
    assert_eq!(bench.shard.counters().slow_closed, 1);
    let mut all = numbers(&heard);
    let back = bench.join(300);
    let heard = bench.subscribe(back, "leave:a", position(&heard));
    assert_eq!(recovered(&heard), [Some(true)]);
    all.extend(numbers(&heard));
    assert_eq!(all, Vec::from_iter(0..MESSAGES), "in order, without a gap");
}

#[test]
fn a_reader_that_lags_gets_everything_from_the_log() {
    let (bench, _, heard) = a_reader_stops("lag:a");
    assert_eq!(numbers(&heard), Vec::from_iter(0..MESSAGES));
    assert!(lags(&heard).iter().any(|lag| lag.recovering), "and is told");
    assert_eq!(bench.shard.counters().slow_closed, 0);
}

#[test]
fn of_a_reader_that_stops_the_oldest_are_dropped() {
    let (bench, _, heard) = a_reader_stops("oldest:a");
    let (got, lags) = (numbers(&heard), lags(&heard));
    let skipped: u64 = lags.iter().filter_map(|lag| lag.skipped).sum();
    assert!(skipped > 0 && lags.iter().all(|lag| !lag.recovering));
    assert_eq!(
        got.len() as u64 + skipped,
        MESSAGES as u64,
        "all that is missing is told"
    );
    assert!(got.is_sorted() && got.last() == Some(&(MESSAGES - 1)));
    assert_eq!(bench.shard.counters().skipped, skipped);
    // More than one of the newest was kept, and no more than the window holds.
    let newest = got
        .iter()
        .rev()
        .zip((0..MESSAGES).rev())
        .take_while(|(one, other)| **one == *other);
    let newest = newest.count();
    assert!(
        (2..=WINDOW / 128).contains(&newest),
        "{newest} of the newest"
    );
}

#[test]
fn of_a_reader_that_stops_the_newest_alone_is_kept() {
    let (_, _, heard) = a_reader_stops("latest:a");
    let (got, lags) = (numbers(&heard), lags(&heard));
    let skipped: u64 = lags.iter().filter_map(|lag| lag.skipped).sum();
    assert_eq!(lags.len(), 1);
    assert_eq!(
        got.len() as u64 + skipped,
        MESSAGES as u64,
        "all that is missing is told"
    );
    assert_eq!(got.last(), Some(&(MESSAGES - 1)));
    assert!(
        got.len() >= 2 && got[got.len() - 2] + 1 < MESSAGES - 1,
        "{got:?}"
    );
}

#[test]
fn who_was_away_long_is_read_to_in_pages_as_it_has_room() {
    let mut bench = Bench::new(limits);
    let (writer, early) = (bench.join(1 << 20), bench.join(1 << 20));
    let since = position(&bench.subscribe(early, "leave:a", None));
    bench.drop_out(early);
    bench.publish(writer, "leave:a", 0..MESSAGES);
    let back = bench.join(100);
    bench.ask(back, crate::bench::subscribe("leave:a", since));
    bench.settle();
    let waits = bench.net.conns[&back].queued;
    assert!(
        waits > 0 && waits <= OUTBOX,
        "{waits} bytes wait for who does not read"
    );
    let heard = bench.hear(back);
    assert_eq!(recovered(&heard), [Some(true)]);
    assert_eq!(numbers(&heard), Vec::from_iter(0..MESSAGES));
    assert!(bench.net.conns[&back].most <= OUTBOX / 2 + 2_400);
    assert_eq!(bench.shard.counters().not_recovered, 0);
}

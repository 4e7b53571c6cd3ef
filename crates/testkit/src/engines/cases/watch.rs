//! Watching: every record is told in order, or the shard is told that it is behind.

use super::log::read;
use super::{Case, core, numbered};
use crate::engines::driver::Driver;
use crate::engines::ear::Heard;
use crate::engines::words::{heard_texts, texts};
use tidewire_hub_core::contract::Done;

pub(super) const CASES: &[Case] = &[
    core("watchers-are-told", watchers_are_told),
    core("told-from-the-head-on", told_from_the_head_on),
    core("kept-before-told", kept_before_told),
    core("unwatched", unwatched),
    core("watched-again", watched_again),
    core("watched-twice", watched_twice),
    core("watched-in-the-middle", watched_in_the_middle),
    core("relayed", relayed),
    core("relayed-in-order", relayed_in_order),
    core("told-as-it-is-read", told_as_it_is_read),
];

fn watchers_are_told(d: &mut Driver) {
    let channels = [d.channel("log", "a"), d.channel("log", "b")];
    for shard in 0..3 {
        for channel in &channels {
            d.watch(shard, channel);
        }
    }
    let asked: Vec<_> = (0..40)
        .map(|n| d.publish(n % 4, &channels[n % 2], &format!("{n}")))
        .collect();
    for asked in asked {
        d.appended(asked);
    }
    for channel in &channels {
        let expected = texts(&d.kept(channel));
        assert_eq!(expected.len(), 20);
        for shard in 0..3 {
            let heard = d.heard(shard, channel, 20);
            assert_eq!(heard_texts(&heard), expected, "shard {shard}");
        }
    }
}

fn told_from_the_head_on(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let last = d.append_all(&channel, &numbered("old", 5)).last().copied();
    assert_eq!(Some(d.watch(0, &channel)), last);
    d.append_all(&channel, &numbered("new", 5));
    let heard = d.heard(0, &channel, 5);
    assert_eq!(heard_texts(&heard), numbered("new", 5));
}

fn kept_before_told(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let mut at = d.watch(0, &channel);
    for n in 0..10 {
        let asked = d.publish(1, &channel, &format!("m{n}"));
        // Not waiting for the acknowledgement, only for the record.
        let heard = d.heard(0, &channel, n + 1);
        let Some(Heard::Record(record)) = heard.last() else {
            panic!("no record was told: {heard:?}");
        };
        let kept = read(d, &channel, at);
        assert_eq!(kept, std::slice::from_ref(record), "what is told is kept");
        at = record.pos.unwrap_or(at);
        assert_eq!(d.appended(asked).pos, at);
    }
}

fn unwatched(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    d.watch(1, &channel);
    d.append(&channel, "before");
    assert_eq!(heard_texts(&d.heard(0, &channel, 1)), ["before"]);
    d.unwatch(0, &channel);
    d.quiet();
    let before = d.notices(0, &channel);
    d.append(&channel, "after");
    assert_eq!(heard_texts(&d.heard(1, &channel, 2)), ["before", "after"]);
    assert_eq!(d.notices(0, &channel), before, "it is told no more");
    // To end what never was is harmless.
    d.unwatch(0, &channel);
    d.quiet();
}

fn watched_again(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    d.append(&channel, "one");
    assert_eq!(d.heard(0, &channel, 1).len(), 1);
    d.unwatch(0, &channel);
    let missed = d.append(&channel, "missed");
    assert_eq!(
        d.watch(0, &channel),
        missed,
        "the head says what was missed"
    );
    d.append(&channel, "two");
    assert_eq!(heard_texts(&d.heard(0, &channel, 2)), ["one", "two"]);
}

fn watched_twice(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    let first = d.append(&channel, "one");
    assert_eq!(d.watch(0, &channel), first);
    d.append(&channel, "two");
    assert_eq!(heard_texts(&d.heard(0, &channel, 2)), ["one", "two"]);
    d.unwatch(0, &channel);
    d.quiet();
    let before = d.notices(0, &channel);
    d.append(&channel, "three");
    d.quiet();
    assert_eq!(d.notices(0, &channel), before, "one end ends it");
}

/// Whoever begins to watch while records arrive gets each once: by reading up to the head, or told.
fn watched_in_the_middle(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let mut asked = Vec::new();
    for n in 0..10 {
        asked.push(d.publish(1, &channel, &format!("m{n}")));
    }
    let head = d.watch(0, &channel);
    for n in 10..20 {
        asked.push(d.publish(2, &channel, &format!("m{n}")));
    }
    for asked in asked {
        d.appended(asked);
    }
    let mut all = read(d, &channel, beginning);
    let kept = texts(&all);
    assert_eq!(kept.len(), 20);
    all.retain(|record| record.pos.and_then(|pos| pos.is_after(head)) == Some(false));
    let mut got = texts(&all);
    let heard = d.heard(0, &channel, 20 - got.len());
    got.extend(heard_texts(&heard));
    assert_eq!(got, kept);
}

fn relayed(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let head = d.watch(0, &channel);
    d.watch(1, &channel);
    let asked = d.relay(2, &channel, "typing");
    assert!(matches!(d.wait(asked), Done::Relayed(Ok(()))));
    for shard in 0..2 {
        let heard = d.heard(shard, &channel, 1);
        assert_eq!(heard_texts(&heard), ["~typing"]);
    }
    assert_eq!(d.head(&channel), head, "nothing is kept");
    assert_eq!(read(d, &channel, head), vec![]);
}

/// What a shard is told as it comes, passing or not, comes in one order.
fn relayed_in_order(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    let mut expected = Vec::new();
    for n in 0..10 {
        let relayed = d.relay(1, &channel, &format!("r{n}"));
        let kept = d.publish(1, &channel, &format!("m{n}"));
        d.wait(relayed);
        d.appended(kept);
        expected.extend([format!("~r{n}"), format!("m{n}")]);
    }
    let heard = heard_texts(&d.heard(0, &channel, 20));
    let (_, reads) = d.notices(0, &channel);
    let part = |all: &[String], passing: bool| -> Vec<String> {
        let all = all.iter().filter(|text| text.starts_with('~') == passing);
        all.cloned().collect()
    };
    for passing in [true, false] {
        assert_eq!(part(&heard, passing), part(&expected, passing));
    }
    // A shard that had to read got those records later than what passed by.
    if reads == 0 {
        assert_eq!(heard, expected);
    }
}

fn told_as_it_is_read(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.watch(0, &channel);
    d.append_all(&channel, &numbered("m", 5));
    let told: Vec<_> = d
        .heard(0, &channel, 5)
        .into_iter()
        .map(|heard| match heard {
            Heard::Record(record) => record,
            other => panic!("no record: {other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        read(d, &channel, beginning),
        "one record, however it comes"
    );
}

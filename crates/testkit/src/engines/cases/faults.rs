//! Effects that fail: what each fault promises.

use super::{Case, failing, numbered};
use crate::engines::driver::{Asked, Driver};
use crate::engines::words::{fault_of, heard_texts, member, publication, texts};
use std::collections::BTreeMap;
use tidewire_hub_core::contract::{Done, Effect, Fault};
use tidewire_hub_proto::{Channel, Pos};

pub(super) const CASES: &[Case] = &[
    failing("refused-is-not-kept", refused_is_not_kept),
    failing("retried-until-kept-once", retried_until_kept_once),
    failing("watchers-miss-nothing", watchers_miss_nothing),
    failing("redacted-in-the-end", redacted_in_the_end),
    failing("present-in-the-end", present_in_the_end),
];

/// Publishes without keys; what was acknowledged, refused, and unknown.
fn publish(d: &mut Driver, channel: &Channel, count: usize) -> [Vec<(Option<Pos>, String)>; 3] {
    let mut results = [vec![], vec![], vec![]];
    let asked: Vec<(String, Asked)> = numbered("m", count)
        .into_iter()
        .map(|text| (text.clone(), d.publish(0, channel, &text)))
        .collect();
    for (text, asked) in asked {
        let (place, pos) = match d.wait(asked) {
            Done::Appended(Ok(appended)) => (0, Some(appended.pos)),
            Done::Appended(Err(Fault::Full | Fault::Overloaded)) => (1, None),
            Done::Appended(Err(Fault::Unavailable(_))) => (2, None),
            other => panic!("an append cannot fail like this: {other:?}"),
        };
        results[place].push((pos, text));
    }
    results
}

fn refused_is_not_kept(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let [acknowledged, refused, unknown] = publish(d, &channel, 80);
    let kept = d.kept(&channel);
    let by_text: BTreeMap<_, _> = texts(&kept).into_iter().zip(&kept).collect();
    assert_eq!(by_text.len(), kept.len(), "each once");
    for (pos, text) in &acknowledged {
        let record = by_text.get(text);
        let at = record.and_then(|record| record.pos);
        assert_eq!(at, *pos, "{text} was acknowledged");
    }
    for (_, text) in &refused {
        assert!(!by_text.contains_key(text), "{text} was refused and kept");
    }
    assert!(kept.len() <= acknowledged.len() + unknown.len());
}

fn retried_until_kept_once(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let mut positions = Vec::new();
    let all = numbered("m", 40);
    for text in &all {
        let effect = Effect::Append {
            channel: channel.clone(),
            publication: publication(text),
            key: Some(d.key("user:ann", text)),
        };
        match d.persist(positions.len() % 3, &effect) {
            Done::Appended(Ok(appended)) => positions.push(Some(appended.pos)),
            other => panic!("it never succeeded: {other:?}"),
        }
    }
    let kept = d.kept(&channel);
    assert_eq!(texts(&kept), all, "in order, each once");
    let at: Vec<_> = kept.iter().map(|record| record.pos).collect();
    assert_eq!(at, positions, "where they were said to be");
}

fn watchers_miss_nothing(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(1, &channel);
    let [acknowledged, ..] = publish(d, &channel, 60);
    let kept = texts(&d.kept(&channel));
    let heard = heard_texts(&d.heard(1, &channel, kept.len()));
    assert_eq!(heard, kept, "told is what is kept, acknowledged or not");
    assert!(acknowledged.iter().all(|(_, text)| heard.contains(text)));
}

fn redacted_in_the_end(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let [acknowledged, ..] = publish(d, &channel, 20);
    for (pos, text) in &acknowledged {
        let Some(pos) = *pos else { continue };
        let asked = d.submit(
            0,
            Effect::Redact {
                channel: channel.clone(),
                pos,
            },
        );
        let done = d.wait(asked);
        // A failure promises nothing; success is for good.
        let gone = fault_of(&done).is_none() || d.redact(&channel, pos);
        assert!(gone && !texts(&d.kept(&channel)).contains(text));
    }
}

/// Whoever enters until that succeeds has come once.
fn present_in_the_end(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(1, &channel);
    for n in 0..12 {
        d.enter(0, &channel, member(&format!("s{n:02}"), "ann"), None);
    }
    d.leave(0, &channel, "s03");
    let page = d.members(&channel, None, 100);
    assert_eq!(page.total, 11);
    let counts: Vec<_> = d
        .seen(1, &channel)
        .iter()
        .map(|seen| (seen.joined, seen.sessions))
        .collect();
    let mut expected: Vec<_> = (1..=12).map(|sessions| (true, sessions)).collect();
    expected.push((false, 11));
    assert_eq!(counts, expected);
}

//! Records: kept whole, in one order, read in pages both ways.

use super::{Case, core, numbered};
use crate::engines::driver::Driver;
use crate::engines::words::{ALL, publication, texts};
use bytes::Bytes;
use std::collections::BTreeSet;
use tidewire_hub_core::contract::{Done, Effect, Fault, PageLimit};
use tidewire_hub_proto::{Channel, Exclude, Origin, Payload, Pos, Publication};

pub(super) const CASES: &[Case] = &[
    core("unused-channel-has-a-head", unused_channel_has_a_head),
    core("one-order", one_order),
    core("order-of-submission", order_of_submission),
    core("from-any-position", from_any_position),
    core("pages-by-records", pages_by_records),
    core("pages-by-bytes", pages_by_bytes),
    core("whole-record", whole_record),
    core("huge-payload", huge_payload),
    core("unknown-namespace", unknown_namespace),
];

fn unused_channel_has_a_head(d: &mut Driver) {
    let (quiet, busy) = (d.channel("log", "quiet"), d.channel("log", "busy"));
    d.append_all(&busy, &numbered("b", 3));
    let head = d.watch(0, &quiet);
    assert_eq!(d.read_all(&quiet, head), Ok(vec![]));
    let page = d.read_back(&quiet, None, ALL);
    let page = page.unwrap_or_else(|fault| panic!("nothing to read is no failure: {fault}"));
    assert!(page.records.is_empty() && !page.more);
    assert_eq!(page.head, head, "watching and reading agree on the head");
    let first = d.append(&quiet, "first");
    assert_eq!(first.is_after(head), Some(true));
    let read = d.read_all(&quiet, head);
    assert_eq!(read.as_deref().map(texts), Ok(vec!["first".to_owned()]));
}

fn one_order(d: &mut Driver) {
    let channels = ["a", "b", "c"].map(|name| d.channel("log", name));
    let beginnings = channels.clone().map(|channel| d.head(&channel));
    let mut asked = Vec::new();
    let shard_of = |text: &str| text.parse().ok().map(|n: usize| (n / 3) % 4);
    for n in 0..90 {
        let (channel, shard) = (n % 3, (n / 3) % 4);
        let text = format!("{n}");
        let ticket = d.publish(shard, &channels[channel], &text);
        asked.push((channel, text, ticket));
    }
    let mut acknowledged = [vec![], vec![], vec![]];
    for (channel, text, ticket) in asked {
        let appended = d.appended(ticket);
        assert!(!appended.repeated, "there was no key");
        acknowledged[channel].push((appended.pos.offset, text));
    }
    for ((channel, beginning), mut expected) in channels.iter().zip(beginnings).zip(acknowledged) {
        expected.sort();
        let records = read(d, channel, beginning);
        let offset = |record: &Publication| record.pos.map_or(0, |pos| pos.offset);
        let got: Vec<_> = records.iter().map(offset).zip(texts(&records)).collect();
        assert_eq!(
            got, expected,
            "each acknowledged record is where it was said to be"
        );
        for shard in 0..4 {
            let own = texts(&records).into_iter().zip(&records);
            let own = own.filter(|(text, _)| shard_of(text) == Some(shard));
            let times: Vec<_> = own.map(|(_, record)| record.at).collect();
            assert!(
                times.is_sorted(),
                "time goes on for shard {shard}: {times:?}"
            );
        }
    }
}

fn order_of_submission(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    d.append_all(&channel, &numbered("m", 40));
    assert_eq!(texts(&read(d, &channel, beginning)), numbered("m", 40));
}

fn from_any_position(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let all = numbered("m", 12);
    let mut positions = vec![beginning];
    positions.extend(d.append_all(&channel, &all));
    for (n, &pos) in positions.iter().enumerate() {
        assert_eq!(texts(&read(d, &channel, pos)), all[n..], "after {pos:?}");
    }
    for (n, &pos) in positions.iter().enumerate().skip(1) {
        let page = d.read_back(&channel, Some(pos), ALL);
        let records = page.map(|page| texts(&page.records));
        assert_eq!(records, Ok(all[..n - 1].to_vec()), "before {pos:?}");
    }
}

fn pages_by_records(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let all = numbered("m", 25);
    let last = d.append_all(&channel, &all).last().copied();
    for records in [0, 1, 7, 25, 26] {
        let limit = PageLimit { records, ..ALL };
        let (forward, sizes) = walk(d, &channel, beginning, limit);
        assert_eq!(forward, all, "forward by {records}");
        let full = sizes.iter().rev().skip(1);
        let expected = records.clamp(1, 25);
        assert!(
            full.copied().all(|size| size == expected),
            "full pages: {sizes:?}"
        );
        assert_eq!(walk_back(d, &channel, limit), all, "back by {records}");
    }
    let limit = PageLimit { records: 25, ..ALL };
    let page = d.read(&channel, beginning, limit);
    let ends = page.map(|page| (page.more, Some(page.head)));
    assert_eq!(ends, Ok((false, last)), "there is no more than all");
}

fn pages_by_bytes(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let sizes = [10, 4_000, 10, 10, 9_000, 10];
    let all: Vec<_> = sizes.iter().map(|&size| "x".repeat(size)).collect();
    d.append_all(&channel, &all);
    for bytes in [0, 1, 150, 1_000, 5_000, 1_000_000] {
        let limit = PageLimit { bytes, ..ALL };
        let (forward, _) = walk(d, &channel, beginning, limit);
        assert_eq!(forward, all, "forward by {bytes} bytes");
        assert_eq!(walk_back(d, &channel, limit), all, "back by {bytes} bytes");
    }
}

fn whole_record(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let json = serde_json::value::RawValue::from_string("{\"a\": [1, 2.50]}".to_owned());
    let json = json.unwrap_or_else(|error| panic!("{error}"));
    let payloads = [
        Payload::json(&json),
        Payload::text("Grüße \u{1f30a}"),
        Payload::text(""),
        Payload::binary(Bytes::from_static(&[0, 255, 10, 0])),
    ];
    let origins = [
        (Some("ann".into()), None, None),
        (None, Some("c0ffee".into()), Some("Ann \u{1f30a}".into())),
        (None, None, None),
        (
            Some("ann".into()),
            Some("c0ffee".into()),
            Some("Ann".into()),
        ),
    ];
    let excludes = [
        None,
        Some(Exclude::Session("s1".into())),
        Some(Exclude::Publisher),
        None,
    ];
    let mut sent = Vec::new();
    for ((payload, origin), exclude) in payloads.into_iter().zip(origins).zip(excludes) {
        let (user, client, name) = origin;
        let from = Origin { user, client, name };
        let mut publication = Publication::new(from, payload);
        publication.key = exclude.is_some().then(|| "k1".into());
        publication.exclude = exclude;
        let effect = Effect::Append {
            channel: channel.clone(),
            publication: publication.clone(),
            key: None,
        };
        let asked = d.submit(0, effect);
        publication.pos = Some(d.appended(asked).pos);
        sent.push(publication);
    }
    for (mut got, sent) in read(d, &channel, beginning).into_iter().zip(sent) {
        assert!(got.at > 0, "the engine says when it took a record");
        got.at = 0;
        assert_eq!(got, sent, "a record is kept as it came");
    }
}

fn huge_payload(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let bytes = Bytes::from(crate::Random::new(7).bytes(900_000));
    let mut huge = publication("");
    huge.payload = Some(Payload::binary(bytes.clone()));
    let effect = Effect::Append {
        channel: channel.clone(),
        publication: huge,
        key: None,
    };
    let asked = d.submit(0, effect);
    d.appended(asked);
    d.append(&channel, "small");
    let records = read(d, &channel, beginning);
    assert_eq!(records.len(), 2);
    let got = records.first().and_then(|record| record.payload.as_ref());
    assert!(
        got.is_some_and(|payload| payload.bytes() == &bytes),
        "every byte is there"
    );
}

fn unknown_namespace(d: &mut Driver) {
    let channel = d.channel("nowhere", "a");
    let pos = d.head(&d.channel("log", "a"));
    let effects = [
        Effect::Watch {
            channel: channel.clone(),
        },
        Effect::Append {
            channel: channel.clone(),
            publication: publication("lost"),
            key: None,
        },
        Effect::Read {
            channel: channel.clone(),
            after: pos,
            limit: ALL,
        },
        Effect::ReadBack {
            channel: channel.clone(),
            before: None,
            limit: ALL,
        },
        Effect::Redact {
            channel: channel.clone(),
            pos,
        },
    ];
    for effect in effects {
        let asked = d.submit(0, effect.clone());
        let done = d.wait(asked);
        let fault = crate::engines::words::fault_of(&done);
        assert!(
            matches!(fault, Some(Fault::Unavailable(_))),
            "{effect:?} in a namespace that is not there: {done:?}"
        );
    }
    let asked = d.publish(0, &d.channel("log", "a"), "it lives");
    assert!(matches!(d.wait(asked), Done::Appended(Ok(_))));
}

pub(super) fn read(d: &mut Driver, channel: &Channel, after: Pos) -> Vec<Publication> {
    match d.read_all(channel, after) {
        Ok(records) => records,
        Err(fault) => panic!("reading {channel} after {after:?}: {fault}"),
    }
}

/// Reads forward in pages; the texts, and the sizes of the pages.
fn walk(
    d: &mut Driver,
    channel: &Channel,
    mut at: Pos,
    limit: PageLimit,
) -> (Vec<String>, Vec<usize>) {
    let (mut all, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = d.read(channel, at, limit);
        let page = page.unwrap_or_else(|fault| panic!("reading after {at:?}: {fault}"));
        at = page.records.last().and_then(|last| last.pos).unwrap_or(at);
        sizes.push(page.records.len());
        all.extend(texts(&page.records));
        if !page.more {
            return (all, sizes);
        }
    }
}

/// Reads back in pages; the texts, oldest first.
fn walk_back(d: &mut Driver, channel: &Channel, limit: PageLimit) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), None);
    let mut seen = BTreeSet::new();
    loop {
        let page = d.read_back(channel, before, limit);
        let page = page.unwrap_or_else(|fault| panic!("reading before {before:?}: {fault}"));
        before = page.records.first().and_then(|first| first.pos).or(before);
        assert!(seen.insert(before.map(|pos| pos.offset)), "pages go on");
        all.splice(0..0, texts(&page.records));
        if !page.more {
            return all;
        }
    }
}

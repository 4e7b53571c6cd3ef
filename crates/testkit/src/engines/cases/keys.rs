//! Idempotency keys: a repeated append is one record.

use super::{Case, core, full, numbered};
use crate::engines::driver::Driver;
use crate::engines::words::{publication, texts};
use crate::engines::{Restart, Restarted};
use tidewire_hub_core::contract::Effect;

pub(super) const CASES: &[Case] = &[
    core("key-makes-one", key_makes_one),
    core("key-makes-one-at-once", key_makes_one_at_once),
    core("key-of-another-publisher", key_of_another_publisher),
    core("key-of-another-channel", key_of_another_channel),
    full("key-outlives-its-record", key_outlives_its_record),
    full("key-after-restart", key_after_restart),
];

fn key_makes_one(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let asked = d.append_once(0, &channel, "first", "k");
    let first = d.appended(asked);
    assert!(!first.repeated);
    d.append(&channel, "between");
    for shard in 0..3 {
        let asked = d.append_once(shard, &channel, "again", "k");
        let again = d.appended(asked);
        assert_eq!((again.pos, again.repeated), (first.pos, true));
    }
    let asked = d.append_once(0, &channel, "other key", "k2");
    assert!(!d.appended(asked).repeated);
    assert_eq!(texts(&d.kept(&channel)), ["first", "between", "other key"]);
}

fn key_makes_one_at_once(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let asked: Vec<_> = (0..12)
        .map(|n| d.append_once(n % 4, &channel, "once", "k"))
        .collect();
    let done: Vec<_> = asked.into_iter().map(|asked| d.appended(asked)).collect();
    let fresh = done.iter().filter(|appended| !appended.repeated).count();
    assert_eq!(fresh, 1, "one of them made the record");
    assert!(done.iter().all(|appended| appended.pos == done[0].pos));
    assert_eq!(texts(&d.kept(&channel)), ["once"]);
}

fn key_of_another_publisher(d: &mut Driver) {
    let channel = d.channel("log", "a");
    for publisher in ["user:ann", "user:bob", "client:ann"] {
        let effect = Effect::Append {
            channel: channel.clone(),
            publication: publication(publisher),
            key: Some(d.key(publisher, "k")),
        };
        let asked = d.submit(0, effect);
        assert!(
            !d.appended(asked).repeated,
            "{publisher} has keys of its own"
        );
    }
    assert_eq!(d.kept(&channel).len(), 3);
}

fn key_of_another_channel(d: &mut Driver) {
    for name in ["a", "b"] {
        let channel = d.channel("log", name);
        let asked = d.append_once(0, &channel, name, "k");
        assert!(!d.appended(asked).repeated, "{name} has keys of its own");
        assert_eq!(texts(&d.kept(&channel)), [name]);
    }
}

fn key_outlives_its_record(d: &mut Driver) {
    let channel = d.channel("few", "a");
    let asked = d.append_once(0, &channel, "first", "k");
    let first = d.appended(asked);
    d.append_all(&channel, &numbered("m", 9));
    let asked = d.append_once(0, &channel, "again", "k");
    let again = d.appended(asked);
    assert_eq!((again.pos, again.repeated), (first.pos, true));
    assert_eq!(texts(&d.kept(&channel)), numbered("m", 9)[4..]);
}

fn key_after_restart(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let asked = d.append_once(0, &channel, "first", "k");
    let first = d.appended(asked);
    if d.restart(Restart::Kill) != Restarted::Kept {
        return;
    }
    let asked = d.append_once(1, &channel, "again", "k");
    let again = d.appended(asked);
    assert_eq!((again.pos, again.repeated), (first.pos, true));
    assert_eq!(texts(&d.kept(&channel)), ["first"]);
}

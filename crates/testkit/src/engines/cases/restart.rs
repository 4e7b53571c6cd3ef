//! The end of an engine, and what must be there when it starts again.

use super::log::read;
use super::{Case, core, full, numbered};
use crate::engines::driver::Driver;
use crate::engines::words::{heard_texts, texts};
use crate::engines::{Restart, Restarted};
use std::collections::BTreeSet;
use tidewire_hub_core::contract::Fault;

pub(super) const CASES: &[Case] = &[
    core("acknowledged-is-kept", acknowledged_is_kept),
    full("killed-under-way", killed_under_way),
    full("killed-again-and-again", killed_again_and_again),
    core("watched-after-restart", watched_after_restart),
    full("redacted-for-good", redacted_for_good),
];

fn acknowledged_is_kept(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let all = numbered("m", 20);
    let positions = d.append_all(&channel, &all);
    let before = d.kept(&channel);
    for how in [Restart::Kill, Restart::Clean] {
        match d.restart(how) {
            Restarted::Unable => return,
            Restarted::Kept => {
                assert_eq!(read(d, &channel, beginning), before, "{how:?}");
                assert_eq!(d.head(&channel), positions[19]);
                assert_eq!(texts(&read(d, &channel, positions[9])), all[10..]);
            }
            Restarted::Lost => {
                let head = d.head(&channel);
                assert_ne!(head.term, positions[19].term, "what was lost ends a term");
                for &pos in [&beginning, &positions[0], &positions[19]] {
                    assert_eq!(d.read_all(&channel, pos), Err(Fault::Gone(head)));
                }
            }
        }
    }
    let last = d.append(&channel, "after");
    assert_eq!(
        d.kept(&channel).last().and_then(|last| last.pos),
        Some(last)
    );
}

/// What was not acknowledged may be kept or not; what is kept is one beginning of what was asked.
fn killed_under_way(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let mut all = numbered("acknowledged", 5);
    d.append_all(&channel, &all);
    for text in numbered("under-way", 50) {
        d.publish(0, &channel, &text);
        all.push(text);
    }
    d.pump();
    if d.restart(Restart::Kill) != Restarted::Kept {
        return;
    }
    let kept = texts(&read(d, &channel, beginning));
    assert!(kept.len() >= 5, "what was acknowledged is there: {kept:?}");
    assert_eq!(
        kept,
        all[..kept.len()],
        "in order, each once, without a gap"
    );
}

fn killed_again_and_again(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let mut given = BTreeSet::new();
    let mut kept = Vec::new();
    for round in 0..5 {
        let texts_now = numbered(&format!("r{round}."), 4);
        for pos in d.append_all(&channel, &texts_now) {
            assert!(
                given.insert((pos.term, pos.offset)),
                "{pos:?} was given twice"
            );
        }
        kept.extend(texts_now);
        let how = if round % 2 == 0 {
            Restart::Kill
        } else {
            Restart::Clean
        };
        match d.restart(how) {
            Restarted::Unable => return,
            Restarted::Kept => {}
            Restarted::Lost => kept.clear(),
        }
        assert_eq!(texts(&d.kept(&channel)), kept, "after restart {round}");
    }
}

fn watched_after_restart(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    let last = d.append(&channel, "before");
    match d.restart(Restart::Kill) {
        Restarted::Unable => return,
        Restarted::Kept => assert_eq!(d.watch(0, &channel), last),
        Restarted::Lost => assert_ne!(d.watch(0, &channel).term, last.term),
    }
    d.append(&channel, "after");
    assert_eq!(heard_texts(&d.heard(0, &channel, 1)), ["after"]);
}

fn redacted_for_good(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let positions = d.append_all(&channel, &numbered("m", 3));
    assert!(d.redact(&channel, positions[1]));
    if d.restart(Restart::Kill) == Restarted::Kept {
        assert_eq!(texts(&d.kept(&channel)), ["m0", "(none)", "m2"]);
    }
}

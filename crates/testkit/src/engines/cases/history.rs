//! What is no longer kept: trims, positions that are gone, redaction.

use super::log::read;
use super::{Case, core, full, numbered};
use crate::engines::driver::Driver;
use crate::engines::words::{ALL, publication, texts};
use std::collections::BTreeSet;
use tidewire_hub_core::contract::{Effect, Fault};
use tidewire_hub_proto::{Pos, Term};

pub(super) const CASES: &[Case] = &[
    core("trimmed-by-count", trimmed_by_count),
    full("trimmed-by-age", trimmed_by_age),
    core("gone-of-another-term", gone_of_another_term),
    core("gone-ahead-of-the-log", gone_ahead_of_the_log),
    core("intact-or-told", intact_or_told),
    core("redacted", redacted),
    core("redacted-of-nothing", redacted_of_nothing),
    full("no-position-twice", no_position_twice),
];

fn trimmed_by_count(d: &mut Driver) {
    let (few, other) = (d.channel("few", "a"), d.channel("few", "b"));
    let beginning = d.head(&few);
    let other_beginning = d.head(&other);
    let all = numbered("m", 23);
    let positions = d.append_all(&few, &all);
    d.append_all(&other, &numbered("o", 5));
    assert_eq!(texts(&d.kept(&few)), all[18..], "the newest five are kept");
    let head = positions[22];
    assert_eq!(d.read_all(&few, beginning), Err(Fault::Gone(head)));
    assert_eq!(d.read_all(&few, positions[16]), Err(Fault::Gone(head)));
    // Nothing behind this position was trimmed.
    assert_eq!(texts(&read(d, &few, positions[17])), all[18..]);
    assert_eq!(texts(&read(d, &few, positions[20])), all[21..]);
    let page = d.read_back(&few, Some(positions[3]), ALL);
    assert_eq!(
        page.map(|page| (page.records, page.more)),
        Ok((vec![], false))
    );
    assert_eq!(texts(&read(d, &other, other_beginning)), numbered("o", 5));
}

fn trimmed_by_age(d: &mut Driver) {
    let channel = d.channel("brief", "a");
    let beginning = d.head(&channel);
    let last = d.append_all(&channel, &numbered("m", 3)).last().copied();
    let last = last.unwrap_or(beginning);
    d.pass(800);
    assert_eq!(
        texts(&d.kept(&channel)),
        [""; 0],
        "what is too old is not read"
    );
    assert_eq!(d.head(&channel), last, "the head stays");
    assert_eq!(d.read_all(&channel, beginning), Err(Fault::Gone(last)));
    assert_eq!(
        d.read_all(&channel, last),
        Ok(vec![]),
        "who has all has lost nothing"
    );
    assert_eq!(d.watch(0, &channel), last);
    let next = d.append(&channel, "next");
    assert_eq!(next.is_after(last), Some(true));
    if d.virtual_time {
        assert_eq!(texts(&read(d, &channel, last)), ["next"]);
    }
}

fn gone_of_another_term(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let pos = d.append(&channel, "m");
    for term in [
        0,
        pos.term.0.wrapping_sub(1),
        pos.term.0.wrapping_add(1),
        u64::MAX,
    ] {
        for offset in [0, pos.offset, u64::MAX] {
            let foreign = Pos::new(Term(term), offset);
            if foreign.term == pos.term {
                continue;
            }
            assert_eq!(
                d.read_all(&channel, foreign),
                Err(Fault::Gone(pos)),
                "{foreign:?}"
            );
            let back = d.read_back(&channel, Some(foreign), ALL);
            assert_eq!(back, Err(Fault::Gone(pos)), "before {foreign:?}");
            assert!(!d.redact(&channel, foreign), "{foreign:?}");
        }
    }
    assert_eq!(texts(&d.kept(&channel)), ["m"]);
}

fn gone_ahead_of_the_log(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let pos = d.append(&channel, "m");
    for offset in [pos.offset + 1, pos.offset + 1_000, u64::MAX] {
        let ahead = Pos::new(pos.term, offset);
        assert_eq!(
            d.read_all(&channel, ahead),
            Err(Fault::Gone(pos)),
            "{ahead:?}"
        );
    }
}

/// While a channel is being trimmed, a reader gets every record or is told that it cannot.
fn intact_or_told(d: &mut Driver) {
    let channel = d.channel("few", "a");
    let mut positions = vec![d.head(&channel)];
    let mut all = Vec::new();
    for n in 0..30 {
        let text = format!("m{n}");
        positions.push(d.append(&channel, &text));
        all.push(text);
        for back in [0, 1, 4, 5, 6, 12] {
            let Some(from) = all.len().checked_sub(back) else {
                continue;
            };
            match d.read_all(&channel, positions[from]) {
                Ok(records) => assert_eq!(texts(&records), all[from..], "a gap after {from}"),
                Err(fault) => {
                    assert!(back > 5, "{fault}, {back} back, though five are kept");
                    assert_eq!(fault, Fault::Gone(positions[all.len()]));
                }
            }
        }
    }
}

fn redacted(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let beginning = d.head(&channel);
    let positions = d.append_all(&channel, &numbered("m", 3));
    assert!(d.redact(&channel, positions[1]));
    for records in [read(d, &channel, beginning), d.kept(&channel)] {
        assert_eq!(texts(&records), ["m0", "(none)", "m2"]);
        let record = &records[1];
        assert_eq!(record.pos, Some(positions[1]), "the position stays");
        assert_eq!(record.payload, None);
        assert_eq!(record.from, publication("").from, "who it was stays");
    }
    assert!(
        d.redact(&channel, positions[1]),
        "the record is there, without payload"
    );
    assert_eq!(texts(&d.kept(&channel)), ["m0", "(none)", "m2"]);
}

fn redacted_of_nothing(d: &mut Driver) {
    let (one, other) = (d.channel("log", "a"), d.channel("log", "b"));
    let pos = d.append(&one, "m");
    let elsewhere = d.append_all(&other, &numbered("o", 4));
    let nothing = [0, pos.offset + 1, u64::MAX].map(|offset| Pos::new(pos.term, offset));
    for pos in nothing {
        assert!(!d.redact(&one, pos), "there is no record at {pos:?}");
    }
    let unused = d.channel("log", "unused");
    assert!(!d.redact(&unused, pos));
    assert_eq!(texts(&d.kept(&one)), ["m"]);
    let last = elsewhere[3];
    if last != pos {
        assert!(
            !d.redact(&one, last),
            "a position of another channel is none of this one"
        );
    }
    assert_eq!(texts(&d.kept(&other)), numbered("o", 4));
}

fn no_position_twice(d: &mut Driver) {
    let channel = d.channel("brief", "a");
    let mut given = BTreeSet::new();
    let mut last: Option<Pos> = None;
    for round in 0..4 {
        for n in 0..3 {
            let text = format!("{round}.{n}");
            let effect = Effect::Append {
                channel: channel.clone(),
                publication: publication(&text),
                key: None,
            };
            let asked = d.submit(n, effect);
            let pos = d.appended(asked).pos;
            assert!(
                given.insert((pos.term, pos.offset)),
                "{pos:?} was given twice"
            );
            if let Some(last) = last.filter(|last| last.term == pos.term) {
                assert_eq!(pos.is_after(last), Some(true), "{pos:?} after {last:?}");
                // Who was there at `last` gets exactly what came since, or is told.
                match d.read_all(&channel, last) {
                    Ok(records) => assert_eq!(texts(&records), [text]),
                    Err(fault) => assert_eq!(fault, Fault::Gone(pos)),
                }
            }
            last = Some(pos);
        }
        d.watch(0, &channel);
        d.unwatch(0, &channel);
        // Long enough that everything is too old, and the channel may be forgotten.
        for other in 0..3 {
            let other = d.channel("brief", &format!("other{other}"));
            d.append(&other, "other");
        }
        d.pass(700);
        d.pass(700);
    }
}

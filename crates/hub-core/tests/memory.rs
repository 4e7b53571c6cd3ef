//! The memory engine: bounds, what it forgets, and that positions stay unique all the same.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use tidewire_hub_core::contract::{
    Appended, Done, Effect, Fault, LogOptions, Notice, ShardId, Ticket, ToShard,
};
use tidewire_hub_core::memory::MemoryEngine;
use tidewire_hub_core::{IdempotencyKey, Millis, Page};
use tidewire_hub_proto::{Channel, Pos, Term};
use tidewire_testkit::Random;
use tidewire_testkit::engines::{ALL, namespaces, publication, texts};

const SHARD: ShardId = ShardId(0);
const TERM: Term = Term(9);

struct Engine {
    engine: MemoryEngine,
    now: u64,
    told: Vec<ToShard>,
}

impl Engine {
    fn new() -> Self {
        Self::with(MemoryEngine::new(TERM, namespaces()))
    }

    fn with(engine: MemoryEngine) -> Self {
        Self {
            engine,
            now: 1_000_000,
            told: Vec::new(),
        }
    }

    fn submit(&mut self, effect: Effect) -> Option<Done> {
        let mut out = |_, message| self.told.push(message);
        self.engine
            .submit(Millis(self.now), SHARD, Ticket(1), effect, &mut out);
        match self.told.pop() {
            Some(ToShard::Done(_, done)) => Some(done),
            _ => None,
        }
    }

    fn append(&mut self, channel: &str, text: &str, key: Option<&str>) -> Result<Appended, Fault> {
        let key = key.map(|key| IdempotencyKey {
            publisher: "user:ann".into(),
            key: key.into(),
        });
        let effect = Effect::Append {
            channel: name(channel),
            publication: publication(text),
            key,
        };
        match self.submit(effect) {
            Some(Done::Appended(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    fn read(&mut self, channel: &str, after: u64) -> Result<Page, Fault> {
        let effect = Effect::Read {
            channel: name(channel),
            after: Pos::new(TERM, after),
            limit: ALL,
        };
        match self.submit(effect) {
            Some(Done::Page(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    fn watch(&mut self, channel: &str) -> Result<Pos, Fault> {
        match self.submit(Effect::Watch {
            channel: name(channel),
        }) {
            Some(Done::Watched(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    fn unwatch(&mut self, channel: &str) {
        self.submit(Effect::Unwatch {
            channel: name(channel),
        });
    }

    /// Lets time go by, as a host does that minds the deadlines.
    fn pass(&mut self, millis: u64) {
        let until = self.now + millis;
        while let Some(due) = self.engine.next_deadline().filter(|due| due.0 <= until) {
            assert!(
                due.0 >= self.now || self.now == until,
                "a deadline that has passed"
            );
            self.now = due.0;
            self.engine.tick(due, &mut |_, _| ());
            assert_ne!(
                self.engine.next_deadline(),
                Some(due),
                "a tick does what is due"
            );
        }
        self.now = until;
    }
}

fn name(name: &str) -> Channel {
    Channel::parse(name).unwrap()
}

#[test]
fn idle_channels_are_forgotten_and_their_bytes_given_back() {
    let mut engine = Engine::new();
    for n in 0..50 {
        engine
            .append(&format!("brief:{n}"), "m", Some("k"))
            .unwrap();
        engine.watch(&format!("brief:w{n}")).unwrap();
        engine.unwatch(&format!("brief:w{n}"));
    }
    assert_eq!(engine.engine.channels(), 100);
    engine.pass(5_000);
    assert_eq!(engine.engine.channels(), 0);
    assert_eq!(engine.engine.bytes(), 0);
    assert_eq!(engine.engine.next_deadline(), None, "nothing is left to do");
}

#[test]
fn a_flood_of_names_leaves_nothing_behind_and_takes_nothing_from_others() {
    let mut engine = Engine::new();
    let kept = engine.append("brief:kept", "m", None).unwrap().pos;
    for n in 0..50_000 {
        engine.watch(&format!("brief:{n}")).unwrap();
        engine.unwatch(&format!("brief:{n}"));
    }
    assert!(
        engine.engine.channels() < 20_000,
        "{}",
        engine.engine.channels()
    );
    assert_eq!(engine.read("brief:kept", 0).unwrap().head, kept);
}

#[test]
fn a_channel_that_somebody_watches_is_remembered() {
    let mut engine = Engine::new();
    engine.watch("brief:a").unwrap();
    let pos = engine.append("brief:a", "m", None).unwrap().pos;
    engine.pass(100_000);
    assert_eq!(engine.engine.channels(), 1);
    assert_eq!(engine.watch("brief:a"), Ok(pos));
    assert_eq!(
        engine.engine.next_deadline(),
        None,
        "and needs no attention"
    );
}

#[test]
fn who_comes_back_to_a_quiet_channel_has_lost_nothing() {
    let mut engine = Engine::new();
    engine.watch("brief:busy").unwrap();
    let head = engine.watch("brief:quiet").unwrap();
    engine.unwatch("brief:quiet");
    engine.append("brief:busy", "m", None).unwrap();
    engine.pass(400);
    assert_eq!(
        engine
            .read("brief:quiet", head.offset)
            .map(|page| page.head),
        Ok(head)
    );
}

#[test]
fn what_was_before_a_channel_was_forgotten_is_gone() {
    let mut engine = Engine::new();
    let old = engine.append("brief:a", "old", None).unwrap().pos;
    engine.pass(5_000);
    assert_eq!(engine.engine.channels(), 0);
    assert_eq!(engine.read("brief:a", 0), Err(Fault::Gone(old)));
    let new = engine.append("brief:a", "new", None).unwrap().pos;
    assert!(new.offset > old.offset, "no position is given twice");
    assert_eq!(engine.read("brief:a", 0), Err(Fault::Gone(new)));
    let page = engine.read("brief:a", old.offset).unwrap();
    assert_eq!(texts(&page.records), ["new"]);
}

#[test]
fn too_many_bytes_are_refused_and_nothing_of_them_kept() {
    let max = 100_000;
    let mut engine = Engine::with(MemoryEngine::new(TERM, namespaces()).max_bytes(max));
    let text = "x".repeat(1_000);
    let mut kept = 0;
    while engine.append("log:a", &text, None).is_ok() {
        kept += 1;
        assert!(engine.engine.bytes() <= max);
    }
    assert!((60..100).contains(&kept), "{kept}");
    assert_eq!(
        engine.append("log:b", &text, Some("k")),
        Err(Fault::Overloaded)
    );
    assert_eq!(
        engine.read("log:a", 0).map(|page| page.records.len()),
        Ok(kept)
    );
    assert_eq!(
        engine.read("log:b", 0).map(|page| page.records.len()),
        Ok(0)
    );
    // A refused key is no key, and what needs little room still finds it.
    assert!(
        engine
            .append("log:a", &"x".repeat(200_000), Some("k"))
            .is_err()
    );
    let pos = engine.append("log:a", "x", Some("k"));
    assert!(pos.is_ok_and(|appended| !appended.repeated));
    for n in 0..10_000 {
        let _ = engine.watch(&format!("log:w{n}"));
    }
    assert!(engine.engine.bytes() <= max, "watching is bounded too");
}

#[test]
fn a_full_engine_still_takes_what_displaces_as_much() {
    let mut engine = Engine::with(MemoryEngine::new(TERM, namespaces()).max_bytes(8_000));
    let text = "x".repeat(1_000);
    for n in 0..100 {
        assert!(engine.append("few:a", &text, None).is_ok(), "record {n}");
    }
    assert!(engine.engine.bytes() <= 8_000);
}

#[test]
fn keys_are_forgotten_by_age_and_by_number() {
    let mut engine = Engine::new();
    let first = engine.append("brief:a", "m", Some("k")).unwrap();
    engine.pass(500);
    assert!(engine.append("brief:a", "m", Some("k")).unwrap().repeated);
    engine.pass(1);
    let again = engine.append("brief:a", "m", Some("k")).unwrap();
    assert!(!again.repeated && again.pos.offset > first.pos.offset);

    for n in 0..1_000 {
        engine.append("few:a", "m", Some(&format!("k{n}"))).unwrap();
    }
    let bytes = engine.engine.bytes();
    assert!(engine.append("few:a", "m", Some("k0")).unwrap().repeated);
    for n in 2_000..3_000 {
        engine.append("few:a", "m", Some(&format!("k{n}"))).unwrap();
    }
    assert!(!engine.append("few:a", "m", Some("k0")).unwrap().repeated);
    assert!(
        engine.engine.bytes() < bytes + 10_000,
        "no more keys than those"
    );
}

#[test]
fn a_namespace_that_keeps_nothing_still_gives_positions_and_tells() {
    let options = LogOptions {
        max_records: 0,
        max_age: 1_000,
        key_age: 0,
        grace: 0,
    };
    let mut engine = Engine::with(MemoryEngine::new(
        TERM,
        BTreeMap::from([("none".into(), options)]),
    ));
    engine.watch("none:a").unwrap();
    let pos = engine.append("none:a", "m", None).unwrap().pos;
    assert!(matches!(
        &engine.told[..],
        [ToShard::Notice(Notice::Record { .. })]
    ));
    assert_eq!(engine.read("none:a", 0), Err(Fault::Gone(pos)));
    assert_eq!(
        engine.read("none:a", pos.offset).map(|page| page.records),
        Ok(vec![])
    );
}

#[test]
fn each_record_says_which_came_before() {
    let mut engine = Engine::new();
    let mut before = engine.watch("brief:a").unwrap();
    for n in 0..20 {
        engine.append("brief:b", "other", None).unwrap();
        engine.told.clear();
        let pos = engine.append("brief:a", "m", None).unwrap().pos;
        let Some(ToShard::Notice(Notice::Record {
            prev, publication, ..
        })) = engine.told.pop()
        else {
            panic!("it was not told");
        };
        assert_eq!((prev, publication.pos), (Some(before), Some(pos)));
        before = pos;
        // What is trimmed in between does not matter.
        engine.pass(if n % 3 == 0 { 900 } else { 10 });
    }
}

#[test]
fn what_is_told_shares_nothing_with_what_is_kept() {
    let mut engine = Engine::new();
    engine.watch("log:a").unwrap();
    engine
        .append("log:a", "a payload of its own", None)
        .unwrap();
    let kept = engine.read("log:a", 0).unwrap().records;
    let Some(ToShard::Notice(Notice::Record { publication, .. })) = engine.told.pop() else {
        panic!("it was not told");
    };
    let at = |publication: &tidewire_hub_proto::Publication| {
        publication.payload.as_ref().unwrap().bytes().as_ptr()
    };
    assert_ne!(at(&publication), at(&kept[0]));
    assert_ne!(
        at(&kept[0]),
        at(&engine.read("log:a", 0).unwrap().records[0])
    );
}

/// Against a model that remembers everything: whatever is done, a read gives every record after a
/// position that was given, or says that they are gone.
#[test]
fn random_lives_of_channels_lose_nothing_in_silence() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut engine = Engine::new();
        let mut all: [Vec<(u64, String)>; 3] = Default::default();
        let mut heads: [BTreeSet<u64>; 3] = Default::default();
        let mut offsets = BTreeSet::new();
        for step in 0..120 {
            let n = random.below(3);
            let channel = format!("brief:{n}");
            match random.below(6) {
                0 | 1 => {
                    let text = format!("{step}");
                    let pos = engine.append(&channel, &text, None).unwrap().pos;
                    assert!(offsets.insert(pos.offset), "seed {seed}: {pos:?} twice");
                    all[n].push((pos.offset, text));
                    heads[n].insert(pos.offset);
                }
                2 => {
                    let head = engine.watch(&channel).unwrap();
                    heads[n].insert(head.offset);
                }
                3 => engine.unwatch(&channel),
                4 => engine.pass(random.below(900) as u64),
                _ => {
                    for &since in &heads[n] {
                        let missed = all[n].iter().filter(|(offset, _)| *offset > since);
                        let missed: Vec<_> = missed.map(|(_, text)| text.clone()).collect();
                        match engine.read(&channel, since) {
                            Ok(page) => assert_eq!(texts(&page.records), missed, "seed {seed}"),
                            Err(Fault::Gone(_)) => {}
                            Err(fault) => panic!("seed {seed}: {fault}"),
                        }
                    }
                }
            }
        }
        engine.pass(10_000);
        let records = engine
            .read("brief:0", 0)
            .map_or(0, |page| page.records.len());
        assert_eq!(records, 0, "seed {seed}: everything is too old");
    }
}

#[test]
fn whoever_watches_names_alone_takes_no_room_from_those_who_write() {
    let mut engine = Engine::with(MemoryEngine::new(TERM, namespaces()).max_bytes(64 * 1024));
    let watched = |engine: &mut Engine, channel: &str| {
        let channel = name(channel);
        match engine.submit(Effect::Watch { channel }) {
            Some(Done::Watched(head)) => head,
            other => panic!("{other:?}"),
        }
    };
    let first = watched(&mut engine, "brief:0").unwrap();
    for number in 0..1_000 {
        let channel = format!("brief:{number}");
        watched(&mut engine, &channel).unwrap();
        let channel = name(&channel);
        engine.submit(Effect::Unwatch { channel });
    }
    assert!(
        engine.engine.channels() <= 65,
        "{}",
        engine.engine.channels()
    );
    engine.append("brief:written", "x", None).unwrap();
    // Nothing was lost in what is forgotten: its position holds.
    let page = engine.submit(Effect::Read {
        channel: name("brief:999"),
        after: first,
        limit: ALL,
    });
    assert!(matches!(page, Some(Done::Page(Ok(_)))), "{page:?}");
}

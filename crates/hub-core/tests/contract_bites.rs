//! The suite of the engine contract finds engines that break it: one defect each.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tidewire_hub_core::contract::{
    Appended, Done, Effect, Fault, Notice, ShardId, Ticket, ToShard,
};
use tidewire_hub_proto::{Channel, Pos, Term};
use tidewire_testkit::engines::{MemorySubject, Restart, Restarted, Subject, run};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    LosesRecordsOnRead,
    ReadsBackwards,
    ReadsTooMuch,
    NeverSaysMore,
    GivesPositionsTwice,
    KeepsTheTermOfALostLog,
    NeverSaysGone,
    ForgetsKeys,
    MixesKeysOfChannels,
    NeverSaysRepeated,
    DropsNotices,
    SwapsNotices,
    TellsOthers,
    TellsAfterUnwatch,
    TellsBeforeItIsKept,
    SaysWrongHead,
    KeepsWhatPasses,
    KeepsPayloads,
    LosesWhoPublished,
    AnswersTwice,
    RefusesWhatItKeeps,
    SkipsVersions,
    CountsNoSessions,
    HasNoGrace,
    HasNoLease,
    ListsBackwards,
    TakesAnyNamespace,
}

const ALL: [Defect; 27] = [
    Defect::LosesRecordsOnRead,
    Defect::ReadsBackwards,
    Defect::ReadsTooMuch,
    Defect::NeverSaysMore,
    Defect::GivesPositionsTwice,
    Defect::KeepsTheTermOfALostLog,
    Defect::NeverSaysGone,
    Defect::ForgetsKeys,
    Defect::MixesKeysOfChannels,
    Defect::NeverSaysRepeated,
    Defect::DropsNotices,
    Defect::SwapsNotices,
    Defect::TellsOthers,
    Defect::TellsAfterUnwatch,
    Defect::TellsBeforeItIsKept,
    Defect::SaysWrongHead,
    Defect::KeepsWhatPasses,
    Defect::KeepsPayloads,
    Defect::LosesWhoPublished,
    Defect::AnswersTwice,
    Defect::RefusesWhatItKeeps,
    Defect::SkipsVersions,
    Defect::CountsNoSessions,
    Defect::HasNoGrace,
    Defect::HasNoLease,
    Defect::ListsBackwards,
    Defect::TakesAnyNamespace,
];

/// The memory engine with one defect.
struct Broken {
    inner: MemorySubject,
    defect: Defect,
    count: u64,
    keys: BTreeMap<Box<str>, Pos>,
    asked: BTreeMap<Ticket, Effect>,
    answers: Vec<(ShardId, ToShard)>,
}

impl Broken {
    fn spoil(&mut self, effect: &mut Effect) {
        match (self.defect, effect) {
            (Defect::ForgetsKeys, Effect::Append { key, .. }) => *key = None,
            (Defect::LosesWhoPublished, Effect::Append { publication, .. }) => {
                publication.from = Default::default();
            }
            (Defect::HasNoLease, Effect::Enter { lease, .. }) => *lease = None,
            (Defect::ReadsTooMuch, Effect::Read { limit, .. }) => limit.records += 1,
            (
                Defect::TakesAnyNamespace,
                Effect::Append { channel, .. } | Effect::Watch { channel },
            ) if channel.namespace() == "nowhere" => {
                *channel = Channel::parse("log:somewhere").unwrap();
            }
            _ => {}
        }
    }

    fn twist(&mut self, ticket: Ticket, done: Done) -> Done {
        let effect = self.asked.get(&ticket);
        match (self.defect, done) {
            (Defect::LosesRecordsOnRead, Done::Page(Ok(mut page))) if page.records.len() > 3 => {
                page.records.remove(2);
                Done::Page(Ok(page))
            }
            (Defect::ReadsBackwards, Done::Page(Ok(mut page))) => {
                page.records.reverse();
                Done::Page(Ok(page))
            }
            (Defect::NeverSaysMore, Done::Page(Ok(mut page))) => {
                page.more = false;
                Done::Page(Ok(page))
            }
            (Defect::NeverSaysGone, Done::Page(Err(Fault::Gone(head)))) => {
                Done::Page(Ok(tidewire_hub_core::Page {
                    records: vec![],
                    head,
                    more: false,
                }))
            }
            (Defect::NeverSaysRepeated, Done::Appended(Ok(appended))) => {
                Done::Appended(Ok(Appended {
                    repeated: false,
                    ..appended
                }))
            }
            (Defect::GivesPositionsTwice, Done::Appended(Ok(mut appended))) => {
                appended.pos.offset /= 2;
                appended.pos.offset += 1;
                Done::Appended(Ok(appended))
            }
            (Defect::RefusesWhatItKeeps, Done::Appended(Ok(appended))) => {
                if self.count.is_multiple_of(50) {
                    Done::Appended(Err(Fault::Full))
                } else {
                    Done::Appended(Ok(appended))
                }
            }
            (Defect::MixesKeysOfChannels, Done::Appended(Ok(appended))) => {
                let Some(Effect::Append { key: Some(key), .. }) = effect else {
                    return Done::Appended(Ok(appended));
                };
                let pos = *self.keys.entry(key.key.clone()).or_insert(appended.pos);
                let repeated = pos != appended.pos || appended.repeated;
                Done::Appended(Ok(Appended { pos, repeated }))
            }
            (Defect::SaysWrongHead, Done::Watched(Ok(pos))) => {
                Done::Watched(Ok(Pos::new(pos.term, pos.offset + 1)))
            }
            (Defect::ListsBackwards, Done::Members(Ok(mut page))) => {
                page.members.reverse();
                Done::Members(Ok(page))
            }
            (_, done) => done,
        }
    }
}

impl Subject for Broken {
    fn submit(&mut self, shard: ShardId, ticket: Ticket, mut effect: Effect) {
        self.count += 1;
        self.spoil(&mut effect);
        self.asked.insert(ticket, effect.clone());
        match (self.defect, effect) {
            (Defect::TellsAfterUnwatch, Effect::Unwatch { .. }) => {}
            (Defect::KeepsPayloads, Effect::Redact { .. }) => {
                let done = ToShard::Done(ticket, Done::Redacted(Ok(true)));
                self.answers.push((shard, done));
            }
            (
                Defect::KeepsWhatPasses,
                Effect::Relay {
                    channel,
                    publication,
                },
            ) => {
                let done = ToShard::Done(ticket, Done::Relayed(Ok(())));
                self.answers.push((shard, done));
                let key = None;
                let append = Effect::Append {
                    channel,
                    publication,
                    key,
                };
                // Its answer belongs to nobody.
                let ticket = Ticket(u64::MAX);
                self.inner.submit(shard, ticket, append);
            }
            (
                Defect::TellsBeforeItIsKept,
                Effect::Append {
                    channel,
                    publication,
                    key,
                },
            ) => {
                let watches = |effect: &Effect| matches!(effect, Effect::Watch { channel: watched } if *watched == channel);
                if self.asked.values().any(watches) {
                    let pos = Pos::new(Term(1), 1 << 40);
                    let notice = Notice::Head {
                        channel: channel.clone(),
                        pos,
                    };
                    self.answers.push((ShardId(0), ToShard::Notice(notice)));
                }
                self.inner.submit(
                    shard,
                    ticket,
                    Effect::Append {
                        channel,
                        publication,
                        key,
                    },
                );
            }
            (Defect::HasNoGrace, effect @ Effect::Leave { .. }) => {
                self.inner.submit(shard, ticket, effect);
                self.inner.advance(500);
            }
            (_, effect) => self.inner.submit(shard, ticket, effect),
        }
    }

    fn settle(&mut self) -> Vec<(ShardId, ToShard)> {
        let mut told = std::mem::take(&mut self.answers);
        for (shard, message) in self.inner.settle() {
            self.count += 1;
            match (self.defect, message) {
                (_, ToShard::Done(Ticket(u64::MAX), _)) => {}
                (defect, ToShard::Done(ticket, done)) => {
                    let done = self.twist(ticket, done);
                    if defect == Defect::AnswersTwice {
                        told.push((shard, ToShard::Done(ticket, done.clone())));
                    }
                    told.push((shard, ToShard::Done(ticket, done)));
                }
                (Defect::DropsNotices, ToShard::Notice(Notice::Record { .. })) => {}
                (Defect::TellsOthers, ToShard::Notice(notice)) => {
                    told.push((ShardId(shard.0 + 1), ToShard::Notice(notice)));
                }
                (Defect::SkipsVersions, ToShard::Notice(Notice::Presence { .. }))
                    if self.count.is_multiple_of(3) => {}
                (
                    Defect::CountsNoSessions,
                    ToShard::Notice(Notice::Presence {
                        channel,
                        v,
                        member,
                        joined,
                        ..
                    }),
                ) => {
                    let sessions = usize::from(joined);
                    let notice = Notice::Presence {
                        channel,
                        v,
                        member,
                        joined,
                        sessions,
                    };
                    told.push((shard, ToShard::Notice(notice)));
                }
                (_, message) => told.push((shard, message)),
            }
        }
        if self.defect == Defect::SwapsNotices {
            told.reverse();
            for (_, message) in &mut told {
                // As if the order in which it tells were that in which it keeps.
                if let ToShard::Notice(Notice::Record {
                    prev, publication, ..
                }) = message
                {
                    *prev = publication.pos.map(|pos| Pos::new(pos.term, 0));
                }
            }
        }
        told
    }

    fn advance(&mut self, millis: u64) -> bool {
        self.inner.advance(millis)
    }

    fn restart(&mut self, how: Restart) -> Restarted {
        match self.defect {
            // Forgets everything, and begins as it began the first time.
            Defect::KeepsTheTermOfALostLog => {
                self.inner = MemorySubject::new(&tidewire_testkit::engines::namespaces());
                Restarted::Lost
            }
            _ => self.inner.restart(how),
        }
    }
}

fn passes(defect: Defect) -> bool {
    let suite = AssertUnwindSafe(|| {
        run(&|_| true, &[None], &mut |options| {
            Box::new(Broken {
                inner: MemorySubject::new(options),
                defect,
                count: 0,
                keys: BTreeMap::new(),
                asked: BTreeMap::new(),
                answers: Vec::new(),
            })
        });
    });
    catch_unwind(suite).is_ok()
}

#[test]
fn suite_finds_every_defect() {
    assert!(
        passes(Defect::None),
        "without a defect there is nothing to find"
    );
    let missed: Vec<_> = ALL.into_iter().filter(|&defect| passes(defect)).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

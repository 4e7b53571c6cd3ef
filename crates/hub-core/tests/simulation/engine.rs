//! The engines of a run: one that commits in groups and survives restarts, and the memory engine;
//! both with faults.

use crate::oracle::Oracle;
use crate::store::{Store, Told, Waiting};
use std::collections::BTreeMap;
use tidewire_hub_core::contract::{Appended, LogOptions};
use tidewire_hub_core::memory::MemoryEngine;
use tidewire_hub_core::presence::PresenceTable;
use tidewire_hub_core::{Done, Effect, Fault, Millis, ShardId, Ticket, ToShard};
use tidewire_hub_proto::{Channel, Term};
use tidewire_testkit::Random;

/// How often what fails, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Appends that are refused.
    pub(crate) refused: usize,
    /// Appends whose end is not known.
    pub(crate) unknown: usize,
    /// Watches and reads that fail.
    pub(crate) reads: usize,
    /// Notices that are lost, and followed by a head.
    pub(crate) lost: usize,
    /// Notices that come twice.
    pub(crate) twice: usize,
    /// Notices that do not say what was before.
    pub(crate) no_prev: usize,
}

/// The engine of a run.
#[derive(Debug)]
pub(crate) enum Engine {
    /// Survives restarts.
    Durable(Box<Store>),
    /// Does not.
    Memory(Box<MemoryEngine>, BTreeMap<Box<str>, LogOptions>),
}

impl Engine {
    /// An engine without channels.
    pub(crate) fn new(durable: bool, term: Term, options: BTreeMap<Box<str>, LogOptions>) -> Self {
        if durable {
            Self::Durable(Box::new(Store::new(term, options)))
        } else {
            Self::Memory(Box::new(MemoryEngine::new(term, options.clone())), options)
        }
    }

    /// Does an effect, or notes it for the next commit.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn submit(
        &mut self,
        now: Millis,
        shard: ShardId,
        ticket: Ticket,
        effect: Effect,
        faults: Faults,
        oracle: &mut Oracle,
        rng: &mut Random,
    ) -> Told {
        let mut told = Told::new();
        let refused = match &effect {
            Effect::Append { .. } | Effect::Relay { .. } if chance(rng, faults.refused) => {
                Some(if rng.below(2) == 0 {
                    Fault::Full
                } else {
                    Fault::Overloaded
                })
            }
            Effect::Append { .. } if chance(rng, faults.unknown) && rng.below(2) == 0 => {
                Some(Fault::Unavailable("not kept".into()))
            }
            Effect::Watch { .. } | Effect::Read { .. } | Effect::ReadBack { .. }
                if chance(rng, faults.reads) =>
            {
                oracle.excuse(effect.channel());
                Some(Fault::Unavailable("no answer".into()))
            }
            Effect::Enter { .. } if chance(rng, faults.reads) => Some(Fault::Overloaded),
            _ => None,
        };
        if let Some(fault) = refused {
            let done = match effect {
                Effect::Append { .. } => Done::Appended(Err(fault)),
                Effect::Relay { .. } => Done::Relayed(Err(fault)),
                Effect::Watch { .. } => Done::Watched(Err(fault)),
                Effect::Enter { .. } => Done::Entered(Err(fault)),
                _ => Done::Page(Err(fault)),
            };
            told.push((shard, ToShard::Done(ticket, done)));
            return told;
        }
        let unknown = chance(rng, faults.unknown);
        match self {
            Self::Durable(store) => match effect {
                effect if effect.is_presence() => {
                    let mut out = |shard, message| told.push((shard, message));
                    store.people.submit(now, shard, ticket, effect, &mut out);
                }
                Effect::Append {
                    channel,
                    publication,
                    key,
                } => store.waiting.push_back(Waiting {
                    shard,
                    ticket,
                    channel,
                    publication,
                    key,
                    relay: false,
                    unknown,
                }),
                Effect::Relay {
                    channel,
                    publication,
                } => store.waiting.push_back(Waiting {
                    shard,
                    ticket,
                    channel,
                    publication,
                    key: None,
                    relay: true,
                    unknown: false,
                }),
                Effect::Watch { channel } => {
                    store.people.watch(shard, &channel);
                    let done = Done::Watched(Ok(store.head(&channel)));
                    told.push((shard, ToShard::Done(ticket, done)));
                }
                Effect::Unwatch { channel } => store.people.unwatch(shard, &channel),
                Effect::Read {
                    channel,
                    after,
                    limit,
                } => {
                    let page = store.read(&channel, after, limit, oracle);
                    told.push((shard, ToShard::Done(ticket, Done::Page(page))));
                }
                Effect::ReadBack {
                    channel,
                    before,
                    limit,
                } => {
                    let page = store.read_back(&channel, before, limit);
                    told.push((shard, ToShard::Done(ticket, Done::Page(page))));
                }
                other => panic!("nobody asks for {other:?}"),
            },
            Self::Memory(engine, options) => {
                let appended = match &effect {
                    Effect::Append {
                        channel,
                        publication,
                        ..
                    } => Some((channel.clone(), publication.clone())),
                    Effect::Relay { publication, .. } => {
                        oracle.relay(publication);
                        None
                    }
                    _ => None,
                };
                engine.submit(now, shard, ticket, effect, &mut |to, message| {
                    told.push((to, message))
                });
                if let (Some((channel, mut publication)), Some((_, ToShard::Done(_, done)))) =
                    (appended, told.last_mut())
                {
                    if let Done::Appended(Ok(Appended {
                        pos,
                        repeated: false,
                    })) = done
                    {
                        publication.pos = Some(*pos);
                        oracle.keep(&channel, &publication);
                        let most = options
                            .get(channel.namespace())
                            .map_or(1, |one| one.max_records);
                        oracle.trim_to(&channel, most);
                    }
                    if unknown {
                        *done = Done::Appended(Err(Fault::Unavailable("nobody knows".into())));
                    }
                }
            }
        }
        told
    }

    /// Whether something waits for a commit.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Self::Durable(store) if !store.waiting.is_empty())
    }

    /// Commits a group.
    pub(crate) fn commit(&mut self, now: Millis, oracle: &mut Oracle, rng: &mut Random) -> Told {
        let mut told = Told::new();
        if let Self::Durable(store) = self {
            for _ in 0..=rng.below(16) {
                let Some(one) = store.waiting.pop_front() else {
                    break;
                };
                store.keep(now, one, oracle, rng, &mut told);
            }
            if rng.below(2) == 0 {
                told.sort_by_key(|(_, message)| matches!(message, ToShard::Notice(_)));
            }
        }
        told
    }

    /// Leaves that are due.
    pub(crate) fn tick(&mut self, now: Millis) -> Told {
        let mut told = Told::new();
        let mut out = |shard, message| told.push((shard, message));
        match self {
            Self::Durable(store) => store.people.tick(now, &mut out),
            Self::Memory(engine, _) => engine.tick(now, &mut out),
        }
        told
    }

    /// The node dies and starts again: what waited was kept or not, and nobody is told.
    pub(crate) fn crash(&mut self, now: Millis, oracle: &mut Oracle, rng: &mut Random) {
        match self {
            Self::Durable(store) => {
                let kept = rng.below(store.waiting.len() + 1);
                for _ in 0..kept {
                    if let Some(one) = store.waiting.pop_front() {
                        store.keep(now, one, oracle, rng, &mut Told::new());
                    }
                }
                store.waiting.clear();
                store.people = PresenceTable::new(store.options.clone());
            }
            Self::Memory(engine, options) => {
                oracle.term = Term(oracle.term.0 + 1);
                **engine = MemoryEngine::new(oracle.term, options.clone());
            }
        }
    }

    /// Whether it tells a shard of a channel.
    pub(crate) fn is_watched(&self, channel: &Channel) -> bool {
        match self {
            Self::Durable(store) => !store.people.watchers(channel).is_empty(),
            Self::Memory(..) => false,
        }
    }
}

/// True in so many of a hundred cases.
pub(crate) fn chance(rng: &mut Random, percent: usize) -> bool {
    rng.below(100) < percent
}

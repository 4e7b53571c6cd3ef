//! An engine that commits in groups and keeps its channels over restarts.

use crate::oracle::Oracle;
use std::collections::{BTreeMap, VecDeque};
use tidewire_hub_core::contract::{Appended, LogOptions};
use tidewire_hub_core::presence::PresenceTable;
use tidewire_hub_core::{
    Done, Fault, IdempotencyKey, Millis, Notice, Page, PageLimit, ShardId, Ticket, ToShard,
};
use tidewire_hub_proto::{Channel, Pos, Publication, Term};
use tidewire_testkit::Random;

/// What is told to whom.
pub(crate) type Told = Vec<(ShardId, ToShard)>;

/// An append or a relay that waits for the next commit.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) shard: ShardId,
    pub(crate) ticket: Ticket,
    pub(crate) channel: Channel,
    pub(crate) publication: Publication,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) relay: bool,
    /// Its end is not told.
    pub(crate) unknown: bool,
}

/// Keeps channels over restarts, in groups.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) term: Term,
    pub(crate) options: BTreeMap<Box<str>, LogOptions>,
    pub(crate) logs: BTreeMap<Channel, VecDeque<Publication>>,
    pub(crate) heads: BTreeMap<Channel, Pos>,
    pub(crate) keys: BTreeMap<(Channel, IdempotencyKey), Pos>,
    pub(crate) offset: u64,
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) people: PresenceTable,
}

impl Store {
    pub(crate) fn new(term: Term, options: BTreeMap<Box<str>, LogOptions>) -> Self {
        Self {
            term,
            people: PresenceTable::new(options.clone()),
            options,
            logs: BTreeMap::new(),
            heads: BTreeMap::new(),
            keys: BTreeMap::new(),
            offset: 0,
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn head(&self, channel: &Channel) -> Pos {
        let beginning = Pos::new(self.term, 0);
        self.heads.get(channel).copied().unwrap_or(beginning)
    }

    fn page(
        &self,
        channel: &Channel,
        records: Vec<&Publication>,
        limit: PageLimit,
        back: bool,
    ) -> Page {
        let mut bytes = 0;
        let mut taken = Vec::new();
        let all = records.len();
        let ordered: Vec<_> = if back {
            records.into_iter().rev().collect()
        } else {
            records
        };
        for record in ordered {
            bytes += record.weight();
            if taken.len() >= limit.records || (!taken.is_empty() && bytes > limit.bytes) {
                break;
            }
            taken.push(record.clone());
        }
        if back {
            taken.reverse();
        }
        Page {
            more: taken.len() < all,
            records: taken,
            head: self.head(channel),
        }
    }

    pub(crate) fn read(
        &self,
        channel: &Channel,
        after: Pos,
        limit: PageLimit,
        oracle: &Oracle,
    ) -> Result<Page, Fault> {
        let head = self.head(channel);
        if after.term != self.term || after.offset > head.offset || oracle.is_gone(channel, after) {
            return Err(Fault::Gone(head));
        }
        let log = self.logs.get(channel).into_iter().flatten();
        let records = log.filter(|record| record.pos.is_some_and(|pos| pos.offset > after.offset));
        Ok(self.page(channel, records.collect(), limit, false))
    }

    pub(crate) fn read_back(
        &self,
        channel: &Channel,
        before: Option<Pos>,
        limit: PageLimit,
    ) -> Result<Page, Fault> {
        if before.is_some_and(|before| before.term != self.term) {
            return Err(Fault::Gone(self.head(channel)));
        }
        let log = self.logs.get(channel).into_iter().flatten();
        let records = log.filter(|record| match (before, record.pos) {
            (Some(before), Some(pos)) => pos.offset < before.offset,
            _ => true,
        });
        Ok(self.page(channel, records.collect(), limit, true))
    }

    pub(crate) fn keep(
        &mut self,
        now: Millis,
        one: Waiting,
        oracle: &mut Oracle,
        rng: &mut Random,
        told: &mut Told,
    ) {
        let Waiting {
            shard,
            ticket,
            channel,
            mut publication,
            key,
            relay,
            unknown,
        } = one;
        publication.at = now.0;
        if relay {
            oracle.relay(&publication);
            for &watcher in self.people.watchers(&channel) {
                let notice = Notice::Relayed {
                    channel: channel.clone(),
                    publication: publication.clone(),
                };
                told.push((watcher, ToShard::Notice(notice)));
            }
            told.push((shard, ToShard::Done(ticket, Done::Relayed(Ok(())))));
            return;
        }
        let known = key
            .clone()
            .and_then(|key| self.keys.get(&(channel.clone(), key)).copied());
        let (pos, repeated) = if let Some(pos) = known {
            (pos, true)
        } else {
            let prev = self.head(&channel);
            self.offset += 1 + rng.below(3) as u64;
            let pos = Pos::new(self.term, self.offset);
            publication.pos = Some(pos);
            oracle.keep(&channel, &publication);
            self.heads.insert(channel.clone(), pos);
            if let Some(key) = key {
                self.keys.insert((channel.clone(), key), pos);
            }
            let log = self.logs.entry(channel.clone()).or_default();
            log.push_back(publication.clone());
            let most = self
                .options
                .get(channel.namespace())
                .map_or(1, |options| options.max_records);
            while log.len() > most {
                if let Some(at) = log.pop_front().and_then(|record| record.pos) {
                    oracle.trim(&channel, at);
                }
            }
            for &watcher in self.people.watchers(&channel) {
                let notice = Notice::Record {
                    channel: channel.clone(),
                    prev: Some(prev),
                    publication: publication.clone(),
                };
                told.push((watcher, ToShard::Notice(notice)));
            }
            (pos, false)
        };
        let done = match unknown {
            true => Err(Fault::Unavailable("nobody knows".into())),
            false => Ok(Appended { pos, repeated }),
        };
        told.push((shard, ToShard::Done(ticket, Done::Appended(done))));
    }
}

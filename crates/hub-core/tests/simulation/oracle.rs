//! What is true: every record that was ever kept, in order, and what may excuse a break.

use std::collections::{BTreeMap, BTreeSet};
use tidewire_hub_proto::{Channel, Pos, Publication, Term};

/// The log of one channel in one term, never trimmed.
#[derive(Debug, Default)]
struct Log {
    records: BTreeMap<u64, Publication>,
    /// The last offset that was trimmed from the real one.
    trimmed: u64,
}

/// What is true.
#[derive(Debug)]
pub(crate) struct Oracle {
    /// The term in which the engine works now.
    pub(crate) term: Term,
    logs: BTreeMap<(Channel, u64), Log>,
    payloads: BTreeSet<(u64, Vec<u8>)>,
    relayed: BTreeSet<Vec<u8>>,
    excuses: BTreeMap<Channel, u64>,
    /// Records kept.
    pub(crate) kept: u64,
}

fn bytes(publication: &Publication) -> Vec<u8> {
    publication
        .payload
        .as_ref()
        .map(|payload| payload.bytes().to_vec())
        .unwrap_or_default()
}

impl Oracle {
    /// Nothing has happened.
    pub(crate) fn new(term: Term) -> Self {
        Self {
            term,
            logs: BTreeMap::new(),
            payloads: BTreeSet::new(),
            relayed: BTreeSet::new(),
            excuses: BTreeMap::new(),
            kept: 0,
        }
    }

    fn log(&self, channel: &Channel, term: Term) -> Option<&Log> {
        self.logs.get(&(channel.clone(), term.0))
    }

    fn log_mut(&mut self, channel: &Channel, term: Term) -> &mut Log {
        self.logs.entry((channel.clone(), term.0)).or_default()
    }

    /// A record was kept. Every payload of a run is another, so one that comes twice was kept twice.
    pub(crate) fn keep(&mut self, channel: &Channel, publication: &Publication) {
        let pos = publication.pos.expect("a kept record has a position");
        assert!(
            self.payloads.insert((pos.term.0, bytes(publication))),
            "kept twice: {publication:?}"
        );
        self.kept += 1;
        let log = self.log_mut(channel, pos.term);
        assert!(
            log.records
                .last_key_value()
                .is_none_or(|last| *last.0 < pos.offset),
            "{channel}: {pos:?} was given out of order"
        );
        log.records.insert(pos.offset, publication.clone());
    }

    /// A record was told and not kept.
    pub(crate) fn relay(&mut self, publication: &Publication) {
        self.relayed.insert(bytes(publication));
    }

    /// Whether this passing record was ever told.
    pub(crate) fn was_relayed(&self, publication: &Publication) -> bool {
        self.relayed.contains(&bytes(publication))
    }

    /// The engine forgot the records up to this one.
    pub(crate) fn trim(&mut self, channel: &Channel, upto: Pos) {
        let log = self.log_mut(channel, upto.term);
        log.trimmed = log.trimmed.max(upto.offset);
    }

    /// The engine keeps so many records of the channel.
    pub(crate) fn trim_to(&mut self, channel: &Channel, most: usize) {
        let term = self.term;
        let log = self.log_mut(channel, term);
        if let Some(first) = log.records.keys().rev().nth(most) {
            log.trimmed = log.trimmed.max(*first);
        }
    }

    /// A read of this channel failed.
    pub(crate) fn excuse(&mut self, channel: &Channel) {
        *self.excuses.entry(channel.clone()).or_default() += 1;
    }

    /// How many did.
    pub(crate) fn excuses(&self, channel: &Channel) -> u64 {
        self.excuses.get(channel).copied().unwrap_or(0)
    }

    /// The record at a position.
    pub(crate) fn find(&self, channel: &Channel, pos: Pos) -> Option<&Publication> {
        self.log(channel, pos.term)?.records.get(&pos.offset)
    }

    /// Whether a position was ever given, or is the beginning.
    pub(crate) fn knows(&self, channel: &Channel, pos: Pos) -> bool {
        pos.offset == 0 || self.find(channel, pos).is_some()
    }

    /// The newest position of the term that holds now.
    pub(crate) fn head(&self, channel: &Channel) -> Pos {
        let offset = self
            .log(channel, self.term)
            .and_then(|log| log.records.last_key_value())
            .map_or(0, |last| *last.0);
        Pos::new(self.term, offset)
    }

    /// The records behind a position, in its term.
    pub(crate) fn after(&self, channel: &Channel, pos: Pos) -> impl Iterator<Item = &Publication> {
        let from = pos.offset.saturating_add(1);
        self.log(channel, pos.term)
            .into_iter()
            .flat_map(move |log| log.records.range(from..).map(|(_, record)| record))
    }

    /// Whether something behind a position is lost to readers.
    pub(crate) fn is_gone(&self, channel: &Channel, pos: Pos) -> bool {
        let trimmed = |log: &Log| log.trimmed > pos.offset;
        pos.term != self.term || self.log(channel, pos.term).is_some_and(trimmed)
    }
}

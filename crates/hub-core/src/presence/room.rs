//! Who is present in one channel: the sessions, how many each user has, and the version of the list.

use crate::contract::{PresencePage, ShardId};
use std::collections::BTreeMap;
use std::ops::Bound;
use tidewire_hub_proto::{Member, Origin};

/// Whose sessions are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    User(Box<str>),
    Client(Box<str>),
    /// Nobody who could be told apart: each session for itself.
    Session(Box<str>),
}

impl Identity {
    fn of(member: &Member) -> Self {
        match &member.origin {
            Origin {
                user: Some(user), ..
            } => Self::User(user.clone()),
            Origin {
                client: Some(client),
                ..
            } => Self::Client(client.clone()),
            _ => Self::Session(member.session.clone()),
        }
    }
}

#[derive(Debug)]
struct Place {
    member: Member,
    /// When it leaves: its lease or its grace ends.
    leaves_at: Option<u64>,
}

/// What is told of the list.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) v: u64,
    pub(super) member: Member,
    pub(super) joined: bool,
    pub(super) sessions: usize,
}

/// The presence of one channel.
#[derive(Debug)]
pub(super) struct Room {
    v: u64,
    watchers: Vec<ShardId>,
    places: BTreeMap<Box<str>, Place>,
    counts: BTreeMap<Identity, usize>,
}

impl Room {
    pub(super) fn new(v: u64) -> Self {
        Self {
            v,
            watchers: Vec::new(),
            places: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }

    pub(super) fn v(&self) -> u64 {
        self.v
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn has(&self, session: &str) -> bool {
        self.places.contains_key(session)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.places.is_empty() && self.watchers.is_empty()
    }

    pub(super) fn watch(&mut self, shard: ShardId) {
        if !self.watchers.contains(&shard) {
            self.watchers.push(shard);
        }
    }

    pub(super) fn unwatch(&mut self, shard: ShardId) {
        self.watchers.retain(|&watcher| watcher != shard);
    }

    pub(super) fn watchers(&self) -> &[ShardId] {
        &self.watchers
    }

    pub(super) fn deadline(&self, session: &str) -> Option<u64> {
        self.places.get(session).and_then(|place| place.leaves_at)
    }

    /// Sets when a session leaves, and gives when it would have.
    pub(super) fn set_deadline(&mut self, session: &str, at: Option<u64>) -> Option<u64> {
        let place = self.places.get_mut(session)?;
        std::mem::replace(&mut place.leaves_at, at)
    }

    /// Puts a session into the list. A session that has become somebody else leaves first; one that
    /// only calls itself otherwise comes again.
    pub(super) fn enter(&mut self, member: Member, leaves_at: Option<u64>) -> [Option<Change>; 2] {
        let left = match self.places.get(&member.session) {
            Some(place) if place.member == member => return [None, None],
            Some(place) if Identity::of(&place.member) == Identity::of(&member) => {
                let sessions = self.count(&member);
                self.put(member.clone(), leaves_at);
                return [Some(self.change(member, true, sessions)), None];
            }
            Some(_) => self.remove(&member.session),
            None => None,
        };
        let count = self.counts.entry(Identity::of(&member)).or_insert(0);
        *count += 1;
        let sessions = *count;
        self.put(member.clone(), leaves_at);
        let came = self.change(member, true, sessions);
        [left, Some(came)]
    }

    /// Takes a session out of the list.
    pub(super) fn remove(&mut self, session: &str) -> Option<Change> {
        let member = self.places.remove(session)?.member;
        let identity = Identity::of(&member);
        let sessions = self.count(&member).saturating_sub(1);
        if sessions == 0 {
            self.counts.remove(&identity);
        } else {
            self.counts.insert(identity, sessions);
        }
        Some(self.change(member, false, sessions))
    }

    pub(super) fn page(&self, after: Option<&str>, limit: usize) -> PresencePage {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.places.range::<str, _>((from, Bound::Unbounded));
        let members = rest
            .by_ref()
            .take(limit)
            .map(|(_, place)| place.member.clone())
            .collect();
        PresencePage {
            v: self.v,
            members,
            total: self.places.len(),
            more: rest.next().is_some(),
        }
    }

    fn put(&mut self, member: Member, leaves_at: Option<u64>) {
        let session = member.session.clone();
        self.places.insert(session, Place { member, leaves_at });
    }

    fn count(&self, member: &Member) -> usize {
        let count = self.counts.get(&Identity::of(member));
        count.copied().unwrap_or(0)
    }

    fn change(&mut self, member: Member, joined: bool, sessions: usize) -> Change {
        self.v += 1;
        Change {
            v: self.v,
            member,
            joined,
            sessions,
        }
    }
}

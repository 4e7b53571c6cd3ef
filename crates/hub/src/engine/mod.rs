//! Where channels live: sends each effect to the engine of its namespace.
//!
//! Durable channels live in one engine for the whole node. A memory channel lives on one shard, its
//! home, chosen by a hash of its name under a key of this process: nobody can choose names that all
//! have the same home.

pub(crate) mod sqlite;

use crate::mailbox::Post;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use tidewire_hub_core::contract::LogOptions;
use tidewire_hub_core::memory::{DEFAULT_MAX_BYTES, MemoryEngine};
use tidewire_hub_core::{Effect, Millis, Settings, ShardId, Storage, Ticket, ToShard};
use tidewire_hub_proto::{Channel, Term};

/// An engine with threads of its own, which answers through a [`Mail`](tidewire_hub_core::Mail).
pub(crate) trait External: Send + Sync {
    /// Begins with an effect of a shard. Does not block.
    fn submit(&self, shard: ShardId, ticket: Ticket, effect: Effect);
}

/// Which engine has which channels.
#[derive(Clone)]
pub(crate) struct Map {
    hasher: RandomState,
    shards: usize,
    durable: Arc<BTreeSet<Box<str>>>,
    external: Option<Arc<dyn External>>,
}

impl Map {
    /// `external` keeps the durable namespaces of `settings`.
    pub(crate) fn new(
        settings: &Settings,
        shards: usize,
        external: Option<Arc<dyn External>>,
    ) -> Self {
        Self {
            hasher: RandomState::new(),
            shards: shards.max(1),
            durable: Arc::new(options(settings, Storage::Durable).into_keys().collect()),
            external,
        }
    }

    fn home(&self, channel: &Channel) -> ShardId {
        let hash = self.hasher.hash_one(channel.as_str());
        ShardId(usize::try_from(hash % self.shards as u64).unwrap_or(0))
    }
}

/// What an engine has to know of the namespaces that it keeps.
pub(crate) fn options(settings: &Settings, storage: Storage) -> BTreeMap<Box<str>, LogOptions> {
    let namespaces = settings.namespaces.iter();
    let ours = namespaces.filter(|(_, options)| options.storage == storage);
    ours.map(|(name, options)| (name.clone(), options.log))
        .collect()
}

/// The engines as one shard sees them.
pub(crate) struct Engines {
    me: ShardId,
    map: Map,
    post: Post,
    memory: MemoryEngine,
    /// What engines have told this shard during a call.
    told: Vec<ToShard>,
    /// What they have told others, by shard, since [`send`](Self::send).
    for_others: Vec<Vec<ToShard>>,
}

impl Engines {
    pub(crate) fn new(me: ShardId, map: Map, post: Post, settings: &Settings, term: Term) -> Self {
        // The shards of a node share it: channels are spread evenly.
        let most = DEFAULT_MAX_BYTES / map.shards;
        Self {
            me,
            for_others: (0..map.shards).map(|_| Vec::new()).collect(),
            map,
            post,
            memory: MemoryEngine::new(term, options(settings, Storage::Memory)).max_bytes(most),
            told: Vec::new(),
        }
    }

    /// An effect of this shard.
    pub(crate) fn submit(&mut self, now: Millis, ticket: Ticket, effect: Effect) {
        let namespace = effect.channel().namespace();
        if self.map.durable.contains(namespace) {
            if let Some(external) = &self.map.external {
                external.submit(self.me, ticket, effect);
            }
            return;
        }
        let home = self.map.home(effect.channel());
        if home == self.me {
            self.at_home(now, home, ticket, effect);
        } else if let Some(mailbox) = self.post.shard(home)
            && let Err(done) = mailbox.ask(self.me, ticket, effect)
        {
            self.told.push(ToShard::Done(ticket, done));
        }
    }

    /// An effect, of any shard, on a memory channel that lives here.
    pub(crate) fn at_home(&mut self, now: Millis, from: ShardId, ticket: Ticket, effect: Effect) {
        let mut out = sort(self.me, &mut self.told, &mut self.for_others);
        self.memory.submit(now, from, ticket, effect, &mut out);
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Millis) {
        let mut out = sort(self.me, &mut self.told, &mut self.for_others);
        self.memory.tick(now, &mut out);
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        self.memory.next_deadline()
    }

    /// Moves what this shard was told behind what is in `to`.
    pub(crate) fn take_told(&mut self, to: &mut Vec<ToShard>) {
        to.append(&mut self.told);
    }

    /// Whether this shard was told something that was not taken.
    pub(crate) fn has_told(&self) -> bool {
        !self.told.is_empty()
    }

    /// Sends others what they were told.
    pub(crate) fn send(&mut self) {
        for (shard, messages) in self.for_others.iter_mut().enumerate() {
            if !messages.is_empty()
                && let Some(mailbox) = self.post.shard(ShardId(shard))
            {
                mailbox.tell(std::mem::take(messages));
            }
        }
    }
}

/// Puts what is told to `me` into one list, and what is told to others into theirs.
fn sort<'a>(
    me: ShardId,
    told: &'a mut Vec<ToShard>,
    for_others: &'a mut [Vec<ToShard>],
) -> impl FnMut(ShardId, ToShard) + 'a {
    move |shard, message| {
        if shard == me {
            told.push(message);
        } else if let Some(list) = for_others.get_mut(shard.0) {
            list.push(message);
        }
    }
}

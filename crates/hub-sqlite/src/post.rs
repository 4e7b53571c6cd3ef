//! Who watches what, and what they are to be told once it is kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tidewire_hub_core::contract::Mail;
use tidewire_hub_core::{Done, Notice, ShardId, Ticket, ToShard};
use tidewire_hub_proto::{Channel, Pos, Publication};

pub(crate) struct Post {
    mail: Arc<dyn Mail>,
    watchers: HashMap<Channel, Vec<ShardId>>,
    out: BTreeMap<ShardId, Vec<ToShard>>,
}

impl Post {
    pub(crate) fn new(mail: Arc<dyn Mail>) -> Self {
        Self {
            mail,
            watchers: HashMap::new(),
            out: BTreeMap::new(),
        }
    }

    /// Watching twice is watching once.
    pub(crate) fn watch(&mut self, shard: ShardId, channel: &Channel) {
        let shards = self.watchers.entry(channel.clone()).or_default();
        if !shards.contains(&shard) {
            shards.push(shard);
        }
    }

    pub(crate) fn unwatch(&mut self, shard: ShardId, channel: &Channel) {
        if let Some(shards) = self.watchers.get_mut(channel) {
            shards.retain(|&other| other != shard);
            if shards.is_empty() {
                self.watchers.remove(channel);
            }
        }
    }

    pub(crate) fn is_watched(&self, channel: &Channel) -> bool {
        self.watchers.contains_key(channel)
    }

    pub(crate) fn watched(&self) -> Vec<Channel> {
        self.watchers.keys().cloned().collect()
    }

    pub(crate) fn done(&mut self, shard: ShardId, ticket: Ticket, done: Done) {
        self.out
            .entry(shard)
            .or_default()
            .push(ToShard::Done(ticket, done));
    }

    fn tell(&mut self, channel: &Channel, mut notice: impl FnMut(Channel) -> Notice) {
        let shards = self.watchers.get(channel).map_or(&[][..], |shards| shards);
        for &shard in shards {
            let notice = ToShard::Notice(notice(channel.clone()));
            self.out.entry(shard).or_default().push(notice);
        }
    }

    /// A record was kept. Each shard gets a copy of its own.
    pub(crate) fn record(
        &mut self,
        channel: &Channel,
        prev: Pos,
        pos: Pos,
        at: u64,
        record: &Publication,
    ) {
        self.tell(channel, |channel| {
            let mut publication = record.detached();
            publication.pos = Some(pos);
            publication.at = at;
            Notice::Record {
                channel,
                prev: Some(prev),
                publication,
            }
        });
    }

    /// A record passes by.
    pub(crate) fn relay(&mut self, channel: &Channel, at: u64, record: &Publication) {
        self.tell(channel, |channel| {
            let mut publication = record.detached();
            publication.pos = None;
            publication.at = at;
            Notice::Relayed {
                channel,
                publication,
            }
        });
    }

    pub(crate) fn head(&mut self, channel: &Channel, pos: Pos) {
        self.tell(channel, |channel| Notice::Head { channel, pos });
    }

    /// Tells what has gathered.
    pub(crate) fn send(&mut self) {
        for (shard, messages) in std::mem::take(&mut self.out) {
            self.mail.deliver(shard, messages);
        }
    }

    /// It did not happen.
    pub(crate) fn discard(&mut self) {
        self.out.clear();
    }
}

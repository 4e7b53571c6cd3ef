//! What each of the engine's threads is asked to do.

use std::sync::mpsc::SyncSender;
use tidewire_hub_core::{Effect, Fault, ShardId, Ticket};
use tidewire_hub_proto::Channel;

/// Where the answer to [`WriteJob::Secret`] goes.
pub(crate) type Reply = SyncSender<Result<[u8; 32], Fault>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum WriteJob {
    Effect {
        shard: ShardId,
        ticket: Ticket,
        effect: Effect,
    },
    /// The secret of a name.
    Secret { name: Box<str>, reply: Reply },
}

/// A read that is under way.
#[derive(Debug)]
pub(crate) struct ReadJob {
    pub(crate) shard: ShardId,
    pub(crate) ticket: Ticket,
    pub(crate) effect: Effect,
}

/// What the keeper of presence is asked to do.
#[derive(Debug)]
pub(crate) enum PresenceJob {
    Watch(ShardId, Channel),
    Unwatch(ShardId, Channel),
    Effect(ShardId, Ticket, Effect),
}

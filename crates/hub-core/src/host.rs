//! What a shard has around it: outboxes of sessions, and engines.

use crate::contract::{Effect, Ticket};
use tidewire_hub_proto::{Channel, CloseReason, Publication, Push};

/// A session of this shard. Ids are given again after a session has ended: `generation` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// Its place in the shard's table.
    pub index: u32,
    /// How often that place was given before.
    pub generation: u32,
}

/// A publication on its way to subscribers, and what the host has made of it: its encodings, once each.
#[derive(Debug)]
pub struct Item<X> {
    /// Which channel.
    pub channel: Channel,
    /// The record.
    pub publication: Publication,
    /// The host's own; starts as its default.
    pub encoded: X,
}

/// The world around a shard. Nothing here calls back into the shard.
pub trait Host {
    /// What is kept beside a publication while it is delivered.
    type Encoded: Default;

    /// Appends a publication to the session's outbox and gives how many bytes wait there now. It is
    /// written with the next [`flush`](Self::flush). `own`: the session is the publisher's, and is shown its key.
    fn deliver(&mut self, session: SessionId, item: &Item<Self::Encoded>, own: bool) -> usize;

    /// Appends a push to the session's outbox and gives how many bytes wait there now. It is written
    /// with the next [`flush`](Self::flush).
    fn push(&mut self, session: SessionId, push: Push) -> usize;

    /// Writes what waits, and gives how many bytes still do. If that is not 0, the host tells
    /// [`Shard::drained`](crate::Shard::drained) when more was written.
    fn flush(&mut self, session: SessionId) -> usize;

    /// Ends the session: writes what waits if that is possible without waiting, then closes with this
    /// code. The shard has forgotten the session; the host does not tell it `disconnect`.
    fn close(&mut self, session: SessionId, reason: CloseReason);

    /// The session may go on reading commands, after [`Shard::is_full`](crate::Shard::is_full) said that it may not.
    fn resume(&mut self, session: SessionId);

    /// Has an effect done. Its answer comes with [`Shard::complete`](crate::Shard::complete).
    fn submit(&mut self, ticket: Ticket, effect: Effect);
}
